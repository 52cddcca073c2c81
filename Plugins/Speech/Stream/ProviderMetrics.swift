import Sluice

/// The counts of one provider on the network. From the node's lane.
final class ProviderMetrics {
    private let sent: Metric.Counter
    private let connecting: Metric.Histogram
    private let reconnects: Metric.Counter
    private let errors: Metric.Counter
    private let wait: Metric.Histogram
    /// Samples of less than a millisecond.
    private var rest = 0

    init(_ name: String, _ context: NodeContext) {
        sent = context.counter("\(name)_sent_ms")
        connecting = context.histogram("\(name)_connect_ms")
        reconnects = context.counter("\(name)_reconnects")
        errors = context.counter("\(name)_errors")
        wait = context.histogram("\(name)_final_ms")
    }

    func sent(_ samples: Int) {
        rest += samples
        sent.add(rest / 16)
        rest %= 16
    }

    func opened(_ after: Interval) { connecting.record(Int(after.milliseconds)) }

    func lost(isBarren: Bool) {
        reconnects.add()
        if isBarren { errors.add() }
    }

    func wrote(_ after: Interval) { wait.record(Int(after.milliseconds)) }

    static let declared: [Metric] = [
        ("rtzr", "RTZR"), ("deepgram", "Deepgram"), ("vosk", "vosk-server"), ("openai", "OpenAI"),
    ].flatMap { name, title in
        [
            Metric.counter("\(name)_sent_ms", "Audio in ms that was sent to \(title)."),
            .histogram("\(name)_connect_ms", "The time in ms to a connection to \(title), its token included."),
            .counter("\(name)_reconnects", "Connections to \(title) that were lost or did not come about."),
            .counter("\(name)_errors", "Those of them that brought no word, and requests that failed."),
            .histogram("\(name)_final_ms", "The time in ms from the end of an utterance to \(title)'s final text."),
        ]
    }
}
