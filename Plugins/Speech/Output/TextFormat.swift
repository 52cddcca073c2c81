import Sluice

/// The kinds of file that `text-output` writes. Pure.
enum TextFormat: String, CaseIterable, ParameterValue.Convertible {
    case jsonl, vtt, srt, txt

    /// By the ending of a path; nil where it is none of them.
    init?(ending path: String) {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
        self.init(rawValue: path[path.index(after: dot)...].lowercased())
    }

    /// The bytes in front of all texts.
    var header: String { self == .vtt ? "WEBVTT\n\n" : "" }

    /// One text, of that number from 1 on.
    func entry(_ text: Transcript, number: Int) -> String {
        switch self {
        case .jsonl:
            var members: [JSONValue.Member] = []
            for field in text.item.fields where field.key != "stable" { members.append(field) }
            return JSONValue(.object(members)).line + "\n"
        case .vtt:
            let voice = text.speaker.isEmpty ? "" : "<v \(TextFormat.escaped(text.speaker))>"
            return "\(cue(text, "."))\n\(voice)\(TextFormat.escaped(TextFormat.line(text.text)))\n\n"
        case .srt:
            let voice = text.speaker.isEmpty ? "" : "\(TextFormat.line(text.speaker)): "
            return "\(number)\n\(cue(text, ","))\n\(voice)\(TextFormat.line(text.text))\n\n"
        case .txt:
            let voice = text.speaker.isEmpty ? "" : "\(TextFormat.line(text.speaker)): "
            return "\(voice)\(TextFormat.line(text.text))\n"
        }
    }

    /// A cue lasts a millisecond at least, or players leave it out.
    private func cue(_ text: Transcript, _ point: Character) -> String {
        let start = max(0, Int((text.start * 1_000).rounded()))
        let end = max(start + 1, Int((text.end * 1_000).rounded()))
        return "\(TextFormat.clock(start, point)) --> \(TextFormat.clock(end, point))"
    }

    /// `01:02:03.456`
    static func clock(_ milliseconds: Int, _ point: Character) -> String {
        func digits(_ value: Int, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let seconds = milliseconds / 1_000
        return "\(digits(seconds / 3_600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))\(point)"
            + digits(milliseconds % 1_000, 3)
    }

    /// A line feed would end the text in each of the formats.
    static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// As WebVTT wants it (W3C, 4.2.2): "-->" cannot come about.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in line(text) {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.append(character)
            }
        }
        return result
    }
}
