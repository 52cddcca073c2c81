/// A target's path in segments, percent-encoding undone (RFC 3986, section 2.1), and its query as it came.
struct RequestPath: Equatable {
    var segments: [String]
    var query: String

    /// Throws 400 where an encoding is none, and where a segment is no UTF-8 or has a control character.
    init(_ target: String) throws {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = parts.count > 1 ? String(parts[1]) : ""
        segments = try (parts.first ?? "").dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            guard let segment = RequestPath.decoded($0.utf8) else {
                throw HTTPFault(400, "The path has a segment that is no text.")
            }
            return segment
        }
    }

    /// With a `/` before each segment.
    var text: String { segments.map { "/" + $0 }.joined() }

    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index != text.endIndex {
            var byte = text[index]
            text.formIndex(after: &index)
            if byte == 0x25 {
                var value = 0
                for _ in 0..<2 {
                    guard index != text.endIndex, let digit = Character(Unicode.Scalar(text[index])).hexDigitValue
                    else {
                        return nil
                    }
                    value = value * 16 + digit
                    text.formIndex(after: &index)
                }
                byte = UInt8(truncatingIfNeeded: value)
            }
            guard byte >= 0x20, byte != 0x7f else { return nil }
            bytes.append(byte)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
