import Sluice

/// The order of things: the talking figure listens and says a long sentence. When somebody breaks in, it falls silent,
/// listens, and asks something short. Pure.
struct FigureScript {
    /// A stretch of a segment's length.
    struct Stretch {
        /// nil: it listens.
        var speech: FigureSpeech?
        /// Where in its utterance the stretch begins, in seconds.
        var from = 0.0
        var isSentenceStart: Bool { isSentence && from == 0 }
        fileprivate(set) var isSentence = false
    }

    private enum Part {
        case listening(left: Double)
        case speaking(FigureSpeech, from: Double, isSentence: Bool)
    }

    private var parts: [Part]
    private var sentences = 0

    /// Before its first sentence, when it was interrupted, and between two utterances, in seconds.
    private static let pauses = (first: 0.4, interrupted: 0.8, between: 1.2)

    init() { parts = [.listening(left: FigureScript.pauses.first)] }

    /// The next stretch, `length` seconds long.
    mutating func next(_ length: Double) -> Stretch {
        if parts.isEmpty { parts = [nextSentence(), .listening(left: FigureScript.pauses.between)] }
        switch parts[0] {
        case .listening(let left):
            if left > length { parts[0] = .listening(left: left - length) } else { parts.removeFirst() }
            return Stretch()
        case .speaking(let speech, let from, let isSentence):
            let end = from + length
            if end < speech.length {
                parts[0] = .speaking(speech, from: end, isSentence: isSentence)
            } else {
                parts.removeFirst()
            }
            return Stretch(speech: speech, from: from, isSentence: isSentence)
        }
    }

    /// Nothing that was planned is said any more.
    mutating func interrupt() {
        let answer = FigureSpeech(syllables: 6, seed: 100 + sentences, rises: true)
        parts = [
            .listening(left: FigureScript.pauses.interrupted), .speaking(answer, from: 0, isSentence: false),
            .listening(left: FigureScript.pauses.between),
        ]
    }

    private mutating func nextSentence() -> Part {
        sentences += 1
        return .speaking(FigureSpeech(syllables: 44, seed: sentences + 6, rises: false), from: 0, isSentence: true)
    }
}
