/// An HLS media playlist (RFC 8216) of segments in its own folder: they are read one behind the other, as one file.
///
/// A list is a text that names what is read. So it may only name files beside it, by endings that segments have. Lists
/// of lists, addresses and encrypted segments are refused.
struct SegmentList: Equatable {
    struct Part: Equatable {
        /// Relative to the list's folder.
        var name: String
        var offset: Int64 = 0
        /// nil: to the end.
        var length: Int64?
    }

    enum Fault: Error, Equatable {
        /// Not such a list at all.
        case notOne
        /// Why it is not read, behind "is a playlist that".
        case refused(String)
    }

    private(set) var parts: [Part] = []
    /// It says that no segment follows.
    private(set) var isComplete = false

    /// Bytes that a list may have, and segments.
    static let mostBytes = 4 << 20
    private static let mostParts = 20_000
    private static let endings: Set<String> = [
        "ts", "m2ts", "mts", "m4s", "mp4", "m4v", "m4a", "cmfv", "cmfa", "aac", "mp3", "ac3",
    ]

    init(_ text: String) throws(Fault) {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmed }
        guard lines.first?.hasPrefix("#EXTM3U") == true else { throw .notOne }
        var range: (length: Int64, offset: Int64?)?
        var header: Part?
        for line in lines.dropFirst() {
            if let value = line.behind("#EXT-X-KEY:"), !value.contains("METHOD=NONE") {
                throw .refused("names encrypted segments")
            } else if line.hasPrefix("#EXT-X-STREAM-INF") {
                throw .refused("names other playlists: open one of those")
            } else if let value = line.behind("#EXT-X-BYTERANGE:") {
                guard let found = SegmentList.range(value) else { throw .refused("has a byte range of \(value)") }
                range = found
            } else if let value = line.behind("#EXT-X-MAP:") {
                let part = try map(value)
                if part != header { parts.append(part) }
                header = part
            } else if line.hasPrefix("#EXT-X-ENDLIST") {
                isComplete = true
            } else if !line.hasPrefix("#") && !line.isEmpty {
                var part = try SegmentList.part(String(line))
                if let range {
                    let follows = parts.last.flatMap { $0.name == part.name ? $0.offset + ($0.length ?? 0) : nil }
                    (part.length, part.offset) = (range.length, range.offset ?? follows ?? 0)
                }
                range = nil
                parts.append(part)
                guard parts.count <= SegmentList.mostParts else { throw .refused("names too many segments") }
            }
        }
        guard !parts.isEmpty else { throw .refused("names no segments") }
    }

    /// `URI="init.mp4",BYTERANGE="800@0"`.
    private func map(_ value: Substring) throws(Fault) -> Part {
        func attribute(_ name: String) -> String? {
            guard let start = value.range(of: name + "=\"") else { return nil }
            return String(value[start].prefix { $0 != "\"" })
        }
        guard let name = attribute("URI") else { throw .refused("has a header without a name") }
        var part = try SegmentList.part(name)
        if let text = attribute("BYTERANGE"), let range = SegmentList.range(Substring(text)) {
            (part.length, part.offset) = (range.length, range.offset ?? 0)
        }
        return part
    }

    private static func part(_ name: String) throws(Fault) -> Part {
        let shown = String(
            name.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(80).map(Character.init))
        let pieces = name.split(separator: "/", omittingEmptySubsequences: false)
        let isBeside =
            !name.contains(":") && !name.contains("\\") && !name.utf8.contains(0)
            && pieces.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
        guard isBeside else { throw .refused("names \"\(shown)\", and only files in its own folder are read") }
        let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        guard endings.contains(ending) else { throw .refused("names \"\(shown)\", which is no segment by its ending") }
        return Part(name: name)
    }

    /// `LENGTH` or `LENGTH@OFFSET`.
    private static func range(_ text: Substring) -> (length: Int64, offset: Int64?)? {
        let sides = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let length = Int64(sides[0]), (1...Int64(1) << 50).contains(length) else { return nil }
        guard sides.count == 2 else { return (length, nil) }
        guard let offset = Int64(sides[1]), (0...Int64(1) << 50).contains(offset) else { return nil }
        return (length, offset)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.drop(while: \.isWhitespace)
    }

    fileprivate func behind(_ prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }

    /// Where `text` ends.
    fileprivate func range(of text: String) -> PartialRangeFrom<Index>? {
        var rest = self
        while !rest.isEmpty {
            if rest.hasPrefix(text) { return rest.index(rest.startIndex, offsetBy: text.count)... }
            rest = rest.dropFirst()
        }
        return nil
    }
}
