import Sluice

/// The counts of an `stt-stream`.
struct SpeechMetrics {
    let heard: Metric.Counter
    let written: Metric.Counter
    let unwritten: Metric.Counter
    let utterances: Metric.Counter
    let finals: Metric.Counter
    let partials: Metric.Counter
    let wordless: Metric.Counter
    let unreadable: Metric.Counter
    let doubtful: Metric.Counter
    let wait: Metric.Histogram
    let speech: Metric.Counter

    init(_ context: NodeContext) {
        heard = context.counter("heard_ms")
        written = context.counter("written_ms")
        unwritten = context.counter("unwritten_ms")
        utterances = context.counter("utterances")
        finals = context.counter("finals")
        partials = context.counter("partials")
        wordless = context.counter("wordless")
        unreadable = context.counter("unreadable")
        doubtful = context.counter("doubtful")
        wait = context.histogram("final_ms")
        speech = context.counter("speech_ms")
    }

    /// `own` are those of the provider that wrote it.
    func note(_ utterance: OpenUtterance, _ result: Written, _ own: ProviderMetrics?, _ now: Instant) {
        if let speech = result.speech { written.add(Int((speech.upperBound - speech.lowerBound) * 1_000)) }
        if result.words.isEmpty, !utterance.hasFinal { wordless.add() }
        unreadable.add(result.unreadable)
        if let ended = utterance.ended, !utterance.hasFinal, !result.words.isEmpty { own?.wrote(now - ended) }
        if let ended = utterance.ended, !utterance.hasFinal { wait.record(Int((now - ended).nanoseconds / 1_000_000)) }
    }
}

extension SpeechToText {
    public static let metrics: [Metric] =
        [
            .counter("heard_ms", "Audio in ms that came."),
            .counter("written_ms", "Speech in ms of utterances that were written."),
            .counter("unwritten_ms", "Audio in ms of utterances that stay unwritten."),
            .counter("utterances", "Utterances that ended."),
            .counter("finals", "Final texts."),
            .counter("partials", "Partial texts."),
            .counter("wordless", "Utterances in which no word was found."),
            .counter("unreadable", "Pieces of text that were no UTF-8 and are left out."),
            .counter("doubtful", "Texts that Whisper doubts much, and that there was no time to write anew."),
            .histogram("final_ms", "The time in ms from the end of an utterance to its final text."),
            .counter("speech_ms", "Speech in ms that came, where a provider on the network is in the list."),
        ] + ProviderMetrics.declared
}
