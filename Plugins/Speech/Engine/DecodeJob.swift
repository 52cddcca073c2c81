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
    private let done: @Sendable (Outcome) -> Void
    private let isCancelledWord = Atomic<Bool>(false)

    /// `done` is called once, on any thread.
    init(
        stream: Int, isFinal: Bool, samples: [Float], language: String, model: SpeechModel,
        done: @escaping @Sendable (Outcome) -> Void
    ) {
        (self.stream, self.isFinal, self.samples) = (stream, isFinal, samples)
        (self.language, self.model, self.done) = (language, model, done)
    }

    var isCancelled: Bool { isCancelledWord.load(ordering: .relaxed) }

    /// From any thread: nobody waits for it any more.
    func cancel() { isCancelledWord.store(true, ordering: .relaxed) }

    func end(_ outcome: Outcome) { done(outcome) }
}
