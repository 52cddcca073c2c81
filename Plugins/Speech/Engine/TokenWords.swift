/// Makes words of Whisper's tokens: a word begins with a token that begins with a blank, and a character may be spread
/// over tokens. Pure.
struct TokenWords {
    /// A token's bytes, its times in s and its probability.
    struct Token: Equatable {
        var bytes: [UInt8]
        var start: Double
        var end: Double
        var probability: Double
    }

    private(set) var words: [Written.Word] = []
    /// Words whose bytes are no UTF-8, which are left out.
    private(set) var unreadable = 0

    /// Words stay in the first `length` s, in order. Notes on sounds, as "[music]" and "(applause)", are no words.
    init(_ tokens: [Token], length: Double) {
        var pending: [Token] = []
        for token in tokens {
            if token.bytes.first == 0x20, !pending.isEmpty {
                add(pending, length)
                pending = []
            }
            pending.append(token)
        }
        add(pending, length)
        dropNotes()
    }

    private mutating func add(_ tokens: [Token], _ length: Double) {
        let bytes = tokens.flatMap(\.bytes)
        let trimmed = bytes.drop { $0 <= 0x20 }
        guard let first = tokens.first, let last = tokens.last, !trimmed.isEmpty else { return }
        guard let text = String(validating: trimmed, as: UTF8.self) else {
            unreadable += 1
            return
        }
        let start = min(max(first.start, words.last?.end ?? 0), length)
        let mean = tokens.reduce(0) { $0 + $1.probability } / Double(tokens.count)
        words.append(
            Written.Word(
                text: text, start: start, end: min(max(last.end, start), length), confidence: min(max(mean, 0), 1)))
    }

    private mutating func dropNotes() {
        var kept: [Written.Word] = []
        var closing: Character?
        for word in words {
            var rest = word.text[...]
            if closing == nil, let first = rest.first, let pair = TokenWords.notes[first] {
                closing = pair
                rest = rest.dropFirst()
            }
            if closing == nil { kept.append(word) }
            if let end = closing, rest.contains(end) { closing = nil }
        }
        words = kept
    }

    private static let notes: [Character: Character] = ["[": "]", "(": ")", "♪": "♪", "*": "*"]
}
