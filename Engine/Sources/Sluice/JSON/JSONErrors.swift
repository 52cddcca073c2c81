/// The parser's sentences about broken input.
extension JSONParser {
    mutating func failure(at offset: Int, _ message: String, _ advice: String = "") -> GraphError {
        GraphError([Diagnostic(file: file, position: position(at: offset), message, advice: advice)])
    }

    mutating func unexpected(_ expected: String) -> GraphError {
        failure(at: index, "expected \(expected), found \(found).", advice(defaultingTo: ""))
    }

    mutating func truncated(_ start: Int, _ container: String, expected: String) -> GraphError {
        let begin = position(at: start)
        return failure(
            at: bytes.count,
            "the file ends inside the \(container) that begins at \(begin.line):\(begin.column); expected \(expected).",
            "Close it, or restore the rest of the file.")
    }

    /// The character at the parser's place, or the whole word where it is one that other languages know.
    var found: String {
        guard index < bytes.count else { return "the end of the file" }
        if let word = foreignWord { return "\"\(word)\"" }
        let text = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
        return text.unicodeScalars.first.map(describe) ?? "nothing"
    }

    func describe(_ scalar: Unicode.Scalar) -> String {
        if scalar == "\"" { return "a double quote" }
        let value = scalar.value
        guard value < 0x20 || (0x7F..<0xA0).contains(value) || scalar.properties.isDefaultIgnorableCodePoint else {
            return "\"\(Character(scalar))\""
        }
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    func advice(defaultingTo other: String) -> String {
        guard index < bytes.count else { return "Restore the rest of the file." }
        switch bytes[index] {
        case UInt8(ascii: "/"), UInt8(ascii: "#"): return "JSON has no comments; use a \"$comment\" key."
        case UInt8(ascii: "'"): return "JSON strings stand in double quotes."
        case UInt8(ascii: "+"), UInt8(ascii: "."): return "A number begins with a digit or \"-\"."
        case 0: return "Remove the NUL byte; save the file as UTF-8 text."
        default: break
        }
        switch foreignWord {
        case "True", "TRUE": return "Write true."
        case "False", "FALSE": return "Write false."
        case "None", "nil", "NULL", "Null", "undefined": return "Write null, or leave the key out."
        case "NaN", "Infinity": return "JSON has finite numbers only."
        default: return other
        }
    }

    private var foreignWord: String? {
        let words = [
            "True", "TRUE", "False", "FALSE", "None", "nil", "NULL", "Null", "undefined", "NaN", "Infinity",
        ]
        return words.first {
            bytes[index...].starts(with: $0.utf8) && !isWordByte(index + $0.utf8.count)
        }
    }

    func isWordByte(_ offset: Int) -> Bool {
        guard offset < bytes.count else { return false }
        let byte = bytes[offset] | 0x20
        return byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") || bytes[offset] == UInt8(ascii: "_")
    }

    mutating func checkEncoding() throws(GraphError) {
        if bytes.count > limits.bytes {
            throw GraphError([
                Diagnostic(
                    file: file, "the file has \(bytes.count) bytes; at most \(limits.bytes) are read.",
                    advice: "Is it really a graph?")
            ])
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw failure(at: 0, "the file begins with a byte order mark.", "Save it as UTF-8 without one.")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw failure(at: 0, "the file is UTF-16; JSON is UTF-8.", "Save it as UTF-8.")
        }
        if let offset = firstInvalidUTF8() {
            let byte = String(bytes[offset], radix: 16, uppercase: true)
            throw failure(at: offset, "the byte 0x\(byte) is not UTF-8.", "Save the file as UTF-8.")
        }
    }

    /// Where the first sequence begins that is not UTF-8 (overlong, surrogate, cut off); nil when all is well.
    private func firstInvalidUTF8() -> Int? {
        var offset = 0
        while offset < bytes.count {
            let lead = bytes[offset]
            if lead < 0x80 {
                offset += 1
                continue
            }
            let second: ClosedRange<UInt8>
            let length: Int
            switch lead {
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return offset
            }
            guard offset + length <= bytes.count, second.contains(bytes[offset + 1]),
                bytes[(offset + 2)..<max(offset + 2, offset + length)].allSatisfy({ $0 & 0xC0 == 0x80 })
            else { return offset }
            offset += length
        }
        return nil
    }
}
