import Sluice

/// Reads numbers and texts of strangers. Pure and total.
enum WireReading {
    /// One message, of a mebibyte at most.
    static func object(_ text: String) -> JSONValue? {
        guard let value = try? JSONValue.parse(Array(text.utf8), limits: .init(bytes: 1 << 20, depth: 16)),
            value.members != nil
        else { return nil }
        return value
    }

    /// Seconds from 0 to some eleven days, nil for anything else. `unit` is a second in the units of the value.
    static func seconds(_ value: JSONValue?, unit: Double = 1) -> Double? {
        guard let number = value?.number, number.isFinite, 0...1e6 ~= number / unit else { return nil }
        return number / unit
    }

    static func confidence(_ value: JSONValue?) -> Double? {
        guard let number = value?.number, number.isFinite else { return nil }
        return min(max(number, 0), 1)
    }

    /// A text without space at its ends, of 64 KiB at most.
    static func words(_ text: String) -> [String] {
        guard text.utf8.count <= 65_536 else { return [] }
        return text.split { $0 == " " || $0.isNewline || $0 == "\t" }.map(String.init)
    }

    /// Words whose times nobody tells, over a stretch of time by their lengths.
    static func spread(_ words: [String], from start: Double, to end: Double, confidence: Double) -> [Written.Word] {
        let letters = words.reduce(0) { $0 + $1.count }
        let step = max(0, end - start) / Double(max(1, letters))
        var at = start
        return words.map { word in
            let begin = at
            at += step * Double(word.count)
            return Written.Word(text: word, start: begin, end: at, confidence: confidence)
        }
    }

    /// A code as providers have them: `H0002`, `NET-0001`, `429`; empty where a value is none.
    static func code(_ value: JSONValue?) -> String {
        if let number = value?.integer { return "\(number)" }
        guard let text = value?.string, 1...32 ~= text.utf8.count,
            text.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || $0 == 0x2d || $0 == 0x5f
            })
        else { return "" }
        return text
    }

    /// A text as it stands in an address (RFC 3986, section 2.3).
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An address with a query behind it; it may have one already.
    static func address(_ url: String, _ query: [(name: String, value: String)]) -> String {
        var result = url
        for (name, value) in query where !value.isEmpty {
            result += result.contains("?") ? "&" : "?"
            result += "\(escaped(name))=\(escaped(value))"
        }
        return result
    }
}
