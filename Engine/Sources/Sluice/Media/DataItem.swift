/// A statement about a moment: a word that was spoken, a mark that was found. It carries the fields of its format's
/// schema as JSON values; those that it leaves out are not known.
///
/// Its duration is zero unless it is given, so an edge of data is bounded by its items.
public final class DataItem: MediaItem, @unchecked Sendable {
    public override class var possibleFormats: FormatSet { .data }

    /// In the order given. Reading one by its name is the subscript's.
    public let fields: [JSONValue.Member]

    /// `time` and `duration` are media time. The last of two fields of one name counts.
    public init(
        format: MediaFormat, at time: MediaTime = .none, lasting duration: MediaTime = .zero, fields: [JSONValue.Member]
    ) {
        self.fields = fields
        super.init(itemOf: format)
        header.pts = time
        header.dts = time
        header.duration = duration
        byteCount = fields.reduce(2) { $0 + $1.key.utf8.count + 4 + $1.value.size }
    }

    /// As `init(format:at:lasting:fields:)`, the fields as a literal.
    public convenience init(
        format: MediaFormat, at time: MediaTime = .none, lasting duration: MediaTime = .zero,
        _ fields: KeyValuePairs<String, JSONValue>
    ) {
        self.init(
            format: format, at: time, lasting: duration, fields: fields.map { JSONValue.Member($0.key, $0.value) })
    }

    /// nil where the item leaves it out.
    public subscript(field: String) -> JSONValue? { fields.last { $0.key == field }?.value }
}

extension JSONValue {
    /// About as many bytes as its text has, in constant memory: numbers count as eight.
    fileprivate var size: Int {
        switch kind {
        case .null, .boolean: 4
        case .integer, .number: 8
        case .string(let text): text.utf8.count + 2
        case .array(let values): values.reduce(2) { $0 + $1.size + 2 }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count + 4 + $1.value.size }
        }
    }
}
