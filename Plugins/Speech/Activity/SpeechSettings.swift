/// When speech begins and ends, in the terms of `voice-activity`.
struct SpeechSettings: Equatable, Sendable {
    /// Speech begins at this probability.
    var threshold = 0.5
    /// It goes on until the probability is below this one.
    var release = 0.35
    /// In ms: shorter sounds are no speech.
    var minSpeech = 60.0
    /// In ms: silence within an utterance.
    var hangOver = 500.0
    /// In s: a longer utterance is cut.
    var maxSpeech = 30.0
}
