import Synchronization

/// Audio that is to be written, and where the text goes.
final class DecodeJob: Sendable {
    enum Outcome: Sendable {
        case written(Written)
        /// No speech is in it, so nothing was computed.
        case noSpeech
        case failed(String)
        case cancelled
    }

    /// Jobs of one stream replace each other where they are partial.
    let stream: Int
    let isFinal: Bool
    /// Mono at 16 kHz.
    let samples: [Float]
    /// A code of ISO 639-1; empty lets Whisper guess.
    let language: String
    let model: SpeechModel
    /// When its text is wanted; nil where nobody waits for it.
    let due: ContinuousClock.Instant?
    /// So long after `due` one that Whisper doubts much goes as it is.
    static let grace = Duration.seconds(4)
    private let done: @Sendable (Outcome) -> Void
    private let isCancelledWord = Atomic<Bool>(false)

    /// `done` is called once, on any thread.
    init(
        stream: Int, isFinal: Bool, samples: [Float], language: String, model: SpeechModel,
        due: ContinuousClock.Instant? = nil, done: @escaping @Sendable (Outcome) -> Void
    ) {
        (self.stream, self.isFinal, self.samples) = (stream, isFinal, samples)
        (self.language, self.model, self.due, self.done) = (language, model, due, done)
    }

    var isCancelled: Bool { isCancelledWord.load(ordering: .relaxed) }

    /// From any thread: nobody waits for it any more.
    func cancel() { isCancelledWord.store(true, ordering: .relaxed) }

    /// Something that takes so long is done when its text is wanted; where Whisper doubts it much, when it has to go.
    func hasTime(for length: Duration, isDoubtful: Bool = false) -> Bool {
        DecodeJob.hasTime(for: length, isDoubtful: isDoubtful, until: due, at: .now)
    }

    static func hasTime(
        for length: Duration, isDoubtful: Bool, until due: ContinuousClock.Instant?, at now: ContinuousClock.Instant
    ) -> Bool { due.map { now + length <= (isDoubtful ? $0 + grace : $0) } ?? true }

    func end(_ outcome: Outcome) { done(outcome) }
}
