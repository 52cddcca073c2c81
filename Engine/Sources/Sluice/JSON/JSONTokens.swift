/// Strings and numbers.
extension JSONParser {
    /// The parser stands at the opening quote; afterwards behind the closing one.
    mutating func parseString() throws(GraphError) -> String {
        let start = index
        index += 1
        var text: [UInt8] = []
        while true {
            guard index < bytes.count else {
                let begin = position(at: start)
                throw failure(
                    at: bytes.count, "the file ends inside the string that begins at \(begin.line):\(begin.column).",
                    "Close the string with a double quote.")
            }
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text += try parseEscape().utf8
            case 0x0A, 0x0D:
                throw failure(
                    at: start, "the string that begins here is not closed on its line.",
                    "Close it with a double quote; a line break inside is written \\n.")
            case 0..<0x20:
                throw failure(
                    at: index, "found the control character \(describe(Unicode.Scalar(byte))) in a string.",
                    byte == 0x09 ? "Write \\t." : "Remove it.")
            default:
                text.append(byte)
                index += 1
            }
        }
    }

    private mutating func parseEscape() throws(GraphError) -> String {
        let start = index
        index += 2
        guard start + 1 < bytes.count else { return "" }  // the caller meets the end of the file
        switch bytes[start + 1] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default:
            index = start + 1
            throw failure(
                at: start, "a backslash is followed by \(found).",
                "Allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX.")
        }
        var value = try parseHex(from: start)
        if (0xD800...0xDBFF).contains(value) {
            guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
            else {
                throw loneSurrogate(start)
            }
            index += 2
            let low = try parseHex(from: index - 2)
            guard (0xDC00...0xDFFF).contains(low) else { throw loneSurrogate(start) }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw loneSurrogate(start) }
        if value == 0 {
            throw failure(at: start, "found \\u0000 in a string.", "No text that Linux takes may hold it; remove it.")
        }
        return String(Character(scalar))
    }

    private mutating func loneSurrogate(_ start: Int) -> GraphError {
        failure(
            at: start, "half of a surrogate pair stands alone.",
            "Write the character itself, or both halves: \\uD83D\\uDE00.")
    }

    private mutating func parseHex(from start: Int) throws(GraphError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count, let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                throw failure(at: start, "\\u is not followed by four hexadecimal digits.", "Write it as \\u00E9.")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    mutating func parseNumber() throws(GraphError) -> JSONValue.Kind {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        try skipDigits(start)
        if bytes[firstDigit] == UInt8(ascii: "0"), index > firstDigit + 1 {
            throw failure(at: start, "a number begins with 0.", "Remove the leading zeros.")
        }
        var isInteger = true
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try skipDigits(start)
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index += 1
            if index < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[index]) { index += 1 }
            try skipDigits(start)
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger {
            guard let value = Int(text) else {
                throw failure(
                    at: start, "the integer \(abbreviated(text)) does not fit in 64 bits.", "Write a smaller number.")
            }
            return .integer(value)
        }
        guard let value = Double(text), value.isFinite else {
            throw failure(
                at: start, "the number \(abbreviated(text)) is too large.", "Write one below 1.7e308.")
        }
        return .number(value)
    }

    private mutating func skipDigits(_ start: Int) throws(GraphError) {
        let first = index
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") { index += 1 }
        if index == first {
            let what = found
            throw failure(at: start, "a number is incomplete: expected a digit, found \(what).", "Complete the number.")
        }
    }
}
