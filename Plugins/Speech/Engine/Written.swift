/// The text of a stretch of audio, times in s from its beginning.
struct Written: Equatable, Sendable {
    struct Word: Equatable, Sendable {
        var text: String
        var start: Double
        var end: Double
        /// 0...1.
        var confidence: Double
    }

    var words: [Word] = []
    /// 0...1; 0 where there are no words.
    var confidence = 0.0
    /// ISO 639-1.
    var language = ""
    /// The provider's own label, empty where there is none.
    var speaker = ""
    /// Of the speech in it; nil where none was heard.
    var speech: ClosedRange<Double>?
    /// Pieces of text that were no UTF-8 and are left out.
    var unreadable = 0
    /// Whisper doubts it much, and there was no time to write it anew.
    var isDoubtful = false

    var text: String { words.map(\.text).joined(separator: " ") }
}
