/// Writing JSON.
extension JSONValue {
    /// The value as JSON text, members in their order, indented by two spaces; short arrays of scalars on one line.
    public var text: String {
        var text = ""
        write(to: &text, indent: 0)
        return text
    }

    /// The value as JSON text without a line break, members in their order: a line of JSON Lines.
    public var line: String {
        var text = ""
        writeLine(to: &text)
        return text
    }

    private func writeLine(to text: inout String) {
        switch kind {
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += ", " }
                value.writeLine(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                text += (index > 0 ? ", " : "") + Self.quote(member.key) + ": "
                member.value.writeLine(to: &text)
            }
            text += "}"
        default: write(to: &text, indent: 0)
        }
    }

    private func write(to text: inout String, indent: Int) {
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch kind {
        case .null: text += "null"
        case .boolean(let value): text += String(value)
        case .integer(let value): text += String(value)
        // JSON has no such numbers.
        case .number(let value) where !value.isFinite: text += "null"
        case .number(let value): text += numberText(value)
        case .string(let value): text += Self.quote(value)
        case .array(let values) where values.allSatisfy(\.isScalar):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += ", " }
                value.write(to: &text, indent: 0)
            }
            text += "]"
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                text += (index > 0 ? "," : "") + "\n" + inner
                value.write(to: &text, indent: indent + 1)
            }
            text += "\n" + outer + "]"
        case .object(let members) where members.isEmpty:
            text += "{}"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                text += (index > 0 ? "," : "") + "\n" + inner + Self.quote(member.key) + ": "
                member.value.write(to: &text, indent: indent + 1)
            }
            text += "\n" + outer + "}"
        }
    }

    private var isScalar: Bool { array == nil && members == nil }

    /// A JSON string literal of the text.
    public static func quote(_ text: String) -> String {
        var result = ""
        JSONText.quote(text, to: &result)
        return result
    }
}

/// JSON's spelling of strings (RFC 8259, section 7), wherever the engine writes one.
enum JSONText {
    /// Appends a string literal: quotation marks, backslashes and control characters escaped, DEL too, so that nothing
    /// that is shown on a terminal controls it.
    static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// A name from a file as messages show it: in quotes, control characters made visible, cut after 60 characters.
func quoted(_ text: String) -> String { JSONValue.quote(abbreviated(text)) }
