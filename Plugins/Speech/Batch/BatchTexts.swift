import Sluice
import Spool

/// The texts of a batch out of its words. Pure.
///
/// A text ends where nobody speaks for 0.6 s, behind a full stop, a question mark or an exclamation mark, and after
/// 12 s.
enum BatchTexts {
    static let pause = 0.6
    static let longest = 12.0

    /// `time` gives the media time in s of one in `written`.
    static func of(_ written: Written, _ template: Transcript, time: (Double) -> Double) -> [Transcript] {
        var texts: [Transcript] = []
        var words: [Written.Word] = []
        func end() {
            guard let first = words.first, let last = words.last else { return }
            var text = template
            text.words = words.map {
                let start = time($0.start)
                return .init(text: $0.text, start: start, end: max(start, time($0.end)), confidence: $0.confidence)
            }
            text.text = words.map(\.text).joined(separator: " ")
            text.start = time(first.start)
            text.end = max(text.start, time(last.end))
            text.confidence = words.reduce(0) { $0 + $1.confidence } / Double(words.count)
            text.language = written.language
            texts.append(text)
            words = []
        }
        for word in written.words {
            if let last = words.last, let first = words.first,
                word.start - last.end > pause || word.end - first.start > longest || isEnd(last.text)
            {
                end()
            }
            words.append(word)
        }
        end()
        return texts
    }

    private static func isEnd(_ word: String) -> Bool {
        word.last.map { ".?!。？！".contains($0) } ?? false
    }
}
