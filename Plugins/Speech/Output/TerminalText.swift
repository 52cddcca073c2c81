/// Texts as a terminal shows them: a partial one in place, in the last line, and a final one for good. Pure.
struct TerminalText {
    /// Columns of the terminal; 0 where it is a file or a pipe, which get final texts alone.
    let columns: Int
    private var isPartialShown = false

    init(columns: Int) { self.columns = columns }

    /// The bytes to write for the next text.
    mutating func show(_ text: Transcript) -> String {
        let voice = text.speaker.isEmpty ? "" : "\(TextFormat.line(text.speaker)): "
        let line = voice + TextFormat.line(text.text)
        guard text.isFinal else {
            guard columns > 1 else { return "" }
            isPartialShown = true
            return "\r\u{1b}[K" + tail(line)
        }
        let clear = columns > 0 ? "\r\u{1b}[K" : ""
        isPartialShown = false
        return text.text.isEmpty ? clear : "\(clear)\(line)\n"
    }

    /// Nothing follows: no half a line stays.
    mutating func end() -> String {
        defer { isPartialShown = false }
        return isPartialShown ? "\r\u{1b}[K" : ""
    }

    /// The end of a line that is too long, which is the news. A wide letter takes two columns.
    private func tail(_ line: String) -> String {
        var room = columns - 1
        var kept: [Character] = []
        for character in line.reversed() {
            let width =
                character.unicodeScalars.first.map { $0.value >= 0x1100 && !$0.properties.isWhitespace } == true ? 2 : 1
            guard room >= width else { break }
            room -= width
            kept.append(character)
        }
        return String(kept.reversed())
    }
}
