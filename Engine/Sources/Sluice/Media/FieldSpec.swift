/// One field of a data item, or of a control record: snake_case with its unit in the name, `offset_ms`.
public struct FieldSpec: Hashable, Sendable {
    /// snake_case, with its unit in it.
    public var name: String
    /// Its meaning, without a full stop.
    public var help: String
    /// A data item may lack it; a record's receiver goes without it where the sender does not have it.
    public var isOptional: Bool

    /// `optional` where a sender may lack it.
    public init(_ name: String, optional: Bool = false, help: String) {
        self.name = name
        self.help = help
        isOptional = optional
    }
}
