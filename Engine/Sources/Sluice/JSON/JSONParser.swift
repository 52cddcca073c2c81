extension JSONValue {
    /// How much JSON is read.
    public struct Limits: Sendable {
        /// Bytes; a larger text is refused before it is looked at.
        public var bytes: Int
        /// Arrays and objects inside each other.
        public var depth: Int

        /// At most `bytes` bytes of text, and `depth` brackets inside each other.
        public init(bytes: Int, depth: Int) {
            self.bytes = bytes
            self.depth = depth
        }

        /// For files of this machine's own: manifests, reports.
        public static let standard = Limits(bytes: 16 << 20, depth: 64)
        /// For graphs: some 40,000 nodes.
        public static let graph = Limits(bytes: 4 << 20, depth: 64)
    }
}

/// Reads strict JSON (RFC 8259) and keeps the position of every key and value.
///
/// Input is not trusted: size and depth are bounded, every number fits its Swift type, and a message shows at most the
/// one character that is wrong, never what stands around it.
struct JSONParser {
    let bytes: [UInt8]
    let file: String
    let limits: JSONValue.Limits
    var index = 0
    var duplicates: [Diagnostic] = []
    private var depth = 0
    private var mark = (index: 0, position: SourcePosition(line: 1, column: 1))

    init(_ bytes: [UInt8], file: String, limits: JSONValue.Limits) {
        self.bytes = bytes
        self.file = file
        self.limits = limits
    }

    mutating func parse() throws(GraphError) -> JSONValue {
        try checkEncoding()
        skipSpace()
        guard index < bytes.count else {
            throw failure(at: 0, "the file is empty; a JSON object was expected.")
        }
        let value = try parseValue(expected: "a JSON value")
        skipSpace()
        if index < bytes.count {
            throw failure(
                at: index, "found \(found) after the end of the JSON value.", advice(defaultingTo: "Remove it."))
        }
        return value
    }

    mutating func parseValue(expected: String) throws(GraphError) -> JSONValue {
        skipSpace()
        let start = position(at: index)
        guard index < bytes.count else { throw unexpected(expected) }
        switch bytes[index] {
        case UInt8(ascii: "{"): return JSONValue(.object(try parseObject()), at: start)
        case UInt8(ascii: "["): return JSONValue(.array(try parseArray()), at: start)
        case UInt8(ascii: "\""): return JSONValue(.string(try parseString()), at: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return JSONValue(try parseNumber(), at: start)
        default:
            for (word, kind) in [("true", JSONValue.Kind.boolean(true)), ("false", .boolean(false)), ("null", .null)]
            where bytes[index...].starts(with: word.utf8) && !isWordByte(index + word.utf8.count) {
                index += word.utf8.count
                return JSONValue(kind, at: start)
            }
            throw unexpected(expected)
        }
    }

    private mutating func parseObject() throws(GraphError) -> [JSONValue.Member] {
        let start = index
        try enter()
        var members: [JSONValue.Member] = []
        var firstPositions: [String: SourcePosition] = [:]
        if try !close(UInt8(ascii: "}"), of: start, "object") {
            repeat {
                skipSpace()
                guard index < bytes.count else { throw truncated(start, "object", expected: "a key in double quotes") }
                guard bytes[index] == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
                let keyPosition = position(at: index)
                let key = try parseString()
                skipSpace()
                guard index < bytes.count else { throw truncated(start, "object", expected: "\":\"") }
                guard bytes[index] == UInt8(ascii: ":") else { throw unexpected("\":\" after the key") }
                index += 1
                skipSpace()
                guard index < bytes.count else { throw truncated(start, "object", expected: "a value") }
                let value = try parseValue(expected: "a value")
                if let first = firstPositions.updateValue(keyPosition, forKey: key) {
                    firstPositions[key] = first
                    duplicates.append(
                        Diagnostic(
                            file: file, position: keyPosition,
                            "the key \(quoted(key)) is given twice; the first is in line \(first.line).",
                            advice: "Remove or rename one of them."))
                } else {
                    members.append(JSONValue.Member(key, value, at: keyPosition))
                }
            } while try !close(UInt8(ascii: "}"), of: start, "object", afterItem: true)
        }
        depth -= 1
        return members
    }

    private mutating func parseArray() throws(GraphError) -> [JSONValue] {
        let start = index
        try enter()
        var values: [JSONValue] = []
        if try !close(UInt8(ascii: "]"), of: start, "array") {
            repeat {
                skipSpace()
                guard index < bytes.count else { throw truncated(start, "array", expected: "a value") }
                values.append(try parseValue(expected: "a value"))
            } while try !close(UInt8(ascii: "]"), of: start, "array", afterItem: true)
        }
        depth -= 1
        return values
    }

    private mutating func enter() throws(GraphError) {
        depth += 1
        if depth > limits.depth {
            throw failure(
                at: index, "arrays and objects are nested more than \(limits.depth) deep.",
                "Remove the surplus brackets.")
        }
        index += 1
    }

    /// True after the closing bracket, false where another item follows.
    private mutating func close(
        _ bracket: UInt8, of start: Int, _ container: String, afterItem: Bool = false
    ) throws(GraphError) -> Bool {
        let name = "\"\(Character(Unicode.Scalar(bracket)))\""
        skipSpace()
        guard index < bytes.count else {
            throw truncated(start, container, expected: afterItem ? "\",\" or \(name)" : name)
        }
        if bytes[index] == bracket {
            index += 1
            return true
        }
        guard afterItem else { return false }
        guard bytes[index] == UInt8(ascii: ",") else { throw unexpected("\",\" or \(name)") }
        let comma = index
        index += 1
        skipSpace()
        if index < bytes.count, bytes[index] == bracket {
            throw failure(at: comma, "found a comma before \(name).", "Remove the comma.")
        }
        return false
    }

    mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    /// Amortised constant time for rising offsets, which is how parsing asks.
    mutating func position(at offset: Int) -> SourcePosition {
        if offset < mark.index { mark = (0, SourcePosition(line: 1, column: 1)) }
        while mark.index < offset {
            let byte = bytes[mark.index]
            if byte == 0x0A {
                mark.position = SourcePosition(line: mark.position.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                mark.position.column += 1
            }
            mark.index += 1
        }
        return mark.position
    }
}
