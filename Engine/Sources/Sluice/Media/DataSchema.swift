/// The fields of data items of one name: both ends of an edge know them by the name.
public struct DataSchema: Hashable, Sendable {
    /// Lower case with hyphens: `transcript`, `av-offset`.
    public let name: String
    /// The fields that an item may have. Readers that know a name may meet fields that they do not know, and leave them
    /// alone.
    public let fields: [Field]

    /// `name` is lower case with hyphens.
    public init(_ name: String, fields: [Field] = []) {
        self.name = name
        self.fields = fields
    }
}

extension DataSchema {
    /// One field of a data item, or of a control record: snake_case with its unit in the name, `offset_ms`.
    public struct Field: Hashable, Sendable {
        /// snake_case, with its unit in it.
        public var name: String
        /// Its meaning: a sentence or two, with a full stop.
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
}
