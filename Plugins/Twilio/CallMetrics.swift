import Sluice

/// The numbers of a `twilio-input`.
struct CallMetrics {
    let packets: Metric.Counter
    let dropped: Metric.Counter
    private let reordered: Metric.Counter
    private let missing: Metric.Counter
    private let late: Metric.Counter
    private let silence: Metric.Counter
    private let faults: Metric.Counter

    static let declared: [Metric] = [
        .counter("calls_taken", "Calls for which an instance of the template was started."),
        .counter("calls_refused", "Requests and calls that were refused."),
        .counter("calls_ended", "Calls that have ended."),
        .counter("packets", "Packets of audio that were handed on."),
        .counter("audio_dropped", "Packets left out because the next node was busy."),
        .counter("chunks_reordered", "Chunks that came behind a later one and were put in their place."),
        .counter("chunks_missing", "Chunks that did not come."),
        .counter("chunks_late", "Chunks that came twice, or when silence stood in their place."),
        .counter("silence_ms", "Silence in ms in the place of audio that did not come."),
        .counter("messages_refused", "Messages that made no sense."),
    ]

    init(_ context: NodeContext) {
        packets = context.counter("packets")
        dropped = context.counter("audio_dropped")
        reordered = context.counter("chunks_reordered")
        missing = context.counter("chunks_missing")
        late = context.counter("chunks_late")
        silence = context.counter("silence_ms")
        faults = context.counter("messages_refused")
    }

    func note(_ call: TwilioCall) {
        let counts = call.counts
        reordered.set(counts.reordered)
        missing.set(counts.missing)
        late.set(counts.late)
        silence.set(counts.silence / 8)
        faults.set(call.faults)
    }
}
