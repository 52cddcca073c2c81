/// The fields of data items of one name: both ends of an edge know them by the name.
public struct DataSchema: Hashable, Sendable {
    /// Lower case with hyphens: `transcript`, `av-offset`.
    public let name: String
    /// The fields that an item may have. Readers that know a name may meet fields that they do not know, and leave them
    /// alone.
    public let fields: [FieldSpec]

    /// `name` is lower case with hyphens.
    public init(_ name: String, fields: [FieldSpec] = []) {
        self.name = name
        self.fields = fields
    }
}
