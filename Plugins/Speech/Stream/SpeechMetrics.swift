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
    let wait: Metric.Histogram
    let speech: Metric.Counter
    let sent: Metric.Counter
    let connections: Metric.Counter
    let connecting: Metric.Histogram
    let losses: Metric.Counter
    let failures: Metric.Counter

    init(_ context: NodeContext) {
        heard = context.counter("heard_ms")
        written = context.counter("written_ms")
        unwritten = context.counter("unwritten_ms")
        utterances = context.counter("utterances")
        finals = context.counter("finals")
        partials = context.counter("partials")
        wordless = context.counter("wordless")
        unreadable = context.counter("unreadable")
        wait = context.histogram("final_ms")
        speech = context.counter("speech_ms")
        sent = context.counter("sent_ms")
        connections = context.counter("connections")
        connecting = context.histogram("connect_ms")
        losses = context.counter("reconnects")
        failures = context.counter("provider_errors")
    }

    func opened(_ after: Interval) {
        connections.add()
        connecting.record(Int(after.milliseconds))
    }

    func lost(isBarren: Bool) {
        losses.add()
        if isBarren { failures.add() }
    }

    func note(_ utterance: OpenUtterance, _ result: Written, _ now: Instant) {
        if let speech = result.speech { written.add(Int((speech.upperBound - speech.lowerBound) * 1_000)) }
        if result.words.isEmpty, !utterance.hasFinal { wordless.add() }
        unreadable.add(result.unreadable)
        if let ended = utterance.ended, !utterance.hasFinal { wait.record(Int((now - ended).nanoseconds / 1_000_000)) }
    }
}

extension SpeechToText {
    public static let metrics: [Metric] = [
        .counter("heard_ms", "Audio in ms that came."),
        .counter("written_ms", "Speech in ms of utterances that were written."),
        .counter("unwritten_ms", "Audio in ms of utterances that stay unwritten."),
        .counter("utterances", "Utterances that ended."),
        .counter("finals", "Final texts."),
        .counter("partials", "Partial texts."),
        .counter("wordless", "Utterances in which no word was found."),
        .counter("unreadable", "Pieces of text that were no UTF-8 and are left out."),
        .histogram("final_ms", "The time in ms from the end of an utterance to its final text."),
        .counter("speech_ms", "Speech in ms that came, where a provider on the network is in the list."),
        .counter("sent_ms", "Audio in ms that was sent to providers on the network."),
        .counter("connections", "Connections that providers opened."),
        .histogram("connect_ms", "The time in ms to a connection, its token included."),
        .counter("reconnects", "Connections that were lost or did not come about."),
        .counter("provider_errors", "Those of them that brought no word."),
    ]
}
