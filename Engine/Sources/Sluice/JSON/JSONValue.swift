/// A JSON value that knows where it stood in its file, so that an error about it can say so.
///
/// Two values are equal when they mean the same; positions do not count. Members keep the order of the file.
public struct JSONValue: Sendable {
    /// The kind, with its content.
    public var kind: Kind
    /// Where the value begins; 0:0 for one that was made by a program.
    @_spi(Host) public var position: SourcePosition

    /// The six kinds of JSON, numbers in two.
    public enum Kind: Sendable, Equatable {
        case null
        case boolean(Bool)
        /// Written without fraction and exponent.
        case integer(Int)
        /// Always finite.
        case number(Double)
        case string(String)
        case array([JSONValue])
        case object([Member])
    }

    /// A value that a program made: its position is 0:0.
    public init(_ kind: Kind) { self.init(kind, at: SourcePosition(line: 0, column: 0)) }

    @_spi(Host) public init(_ kind: Kind, at position: SourcePosition) {
        self.kind = kind
        self.position = position
    }

    /// Reads one JSON text (RFC 8259, UTF-8, no byte order mark) within `limits`: small ones where strangers send it.
    /// From any thread. Throws `NodeError`, which says the first thing that is wrong, and its
    /// line and column; a doubled key is wrong too.
    public static func parse(_ bytes: [UInt8], limits: Limits) throws(NodeError) -> JSONValue {
        do { return try parse(bytes, file: "", limits: limits) } catch {
            let first = error.diagnostics.first
            let place = first?.position.map { " (\($0.line):\($0.column))" } ?? ""
            let words = first?.message ?? "it is no JSON"
            throw NodeError(
                (words.hasSuffix(".") ? String(words.dropLast()) : words) + place, advice: first?.advice ?? "")
        }
    }

    /// The same of a file, whose name stands in what is said.
    ///
    /// Throws `GraphError`, with one diagnostic for broken syntax or one for each duplicate key.
    @_spi(Host) public static func parse(
        _ bytes: [UInt8], file: String, limits: Limits = .standard
    ) throws(GraphError) -> JSONValue {
        var parser = JSONParser(bytes, file: file, limits: limits)
        let value = try parser.parse()
        if !parser.duplicates.isEmpty { throw GraphError(DiagnosticBag.inFileOrder(parser.duplicates)) }
        return value
    }
}

extension JSONValue {
    /// One `"key": value` of an object.
    public struct Member: Sendable, Equatable {
        /// Without quotes and escapes.
        public var key: String
        @_spi(Host) public var keyPosition: SourcePosition
        /// Of any kind.
        public var value: JSONValue

        /// A member that a program made: its position is 0:0.
        public init(_ key: String, _ value: JSONValue) { self.init(key, value, at: SourcePosition(line: 0, column: 0)) }

        @_spi(Host) public init(_ key: String, _ value: JSONValue, at position: SourcePosition) {
            self.key = key
            keyPosition = position
            self.value = value
        }

        public static func == (a: Member, b: Member) -> Bool { a.key == b.key && a.value == b.value }
    }
}

extension JSONValue: Equatable {
    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a.kind, b.kind) {
        case (.integer(let integer), .number(let number)), (.number(let number), .integer(let integer)):
            Double(exactly: integer) == number
        default: a.kind == b.kind
        }
    }
}

extension JSONValue {
    /// True of `null` alone.
    public var isNull: Bool { kind == .null }

    /// nil where it is no boolean.
    public var boolean: Bool? {
        if case .boolean(let value) = kind { value } else { nil }
    }

    /// A number without a fractional part, however it is written.
    public var integer: Int? {
        switch kind {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    /// nil where it is no number. An integer beyond 2⁵³ is rounded.
    public var number: Double? {
        switch kind {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// nil where it is no string.
    public var string: String? {
        if case .string(let value) = kind { value } else { nil }
    }

    /// nil where it is no array.
    public var array: [JSONValue]? {
        if case .array(let value) = kind { value } else { nil }
    }

    /// nil where it is no object. In the order of the text.
    public var members: [Member]? {
        if case .object(let value) = kind { value } else { nil }
    }

    /// The member of that name. Linear: iterate over `members` where an object may be large.
    public subscript(key: String) -> JSONValue? { members?.first { $0.key == key }?.value }

    /// The kind of value as errors name it: `a string`, `an object`.
    public var kindName: String {
        switch kind {
        case .null: "null"
        case .boolean: "true or false"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self.init(.string(value)) }
    public init(integerLiteral value: Int) { self.init(.integer(value)) }
    public init(floatLiteral value: Double) { self.init(.number(value)) }
    public init(booleanLiteral value: Bool) { self.init(.boolean(value)) }
    public init(arrayLiteral elements: JSONValue...) { self.init(.array(elements)) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(.object(elements.map { Member($0, $1) }))
    }
}
