/// The beginning of a text that two partials in a row agree on, and that is told so: it never gets shorter within an
/// utterance. Pure.
struct StablePrefix {
    private var last: [String] = []
    private var stable: [String] = []

    /// Of the next partial: words that stay.
    mutating func take(_ words: [String]) -> String {
        let agreed = zip(last, words).prefix { StablePrefix.core($0) == StablePrefix.core($1) }.count
        last = words
        // The last word that was heard may still go on.
        let kept = min(agreed, max(0, words.count - 1))
        if kept > stable.count { stable = Array(words.prefix(kept)) }
        return stable.joined(separator: " ")
    }

    /// Without the marks around a word, which come and go.
    private static func core(_ word: String) -> String {
        word.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "'" }
    }
}
