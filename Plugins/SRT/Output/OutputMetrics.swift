import Sluice

/// The counters of `srt-output` besides those of libsrt.
struct OutputMetrics {
    /// Packets.
    let sent, congestions: Metric.Counter
    private let unconnected, congested, beforeKeyframe: Metric.Counter

    init(_ context: NodeContext) {
        sent = context.counter("media_packets_sent")
        unconnected = context.counter("dropped_unconnected")
        congested = context.counter("dropped_congested")
        beforeKeyframe = context.counter("dropped_before_keyframe")
        congestions = context.counter("congestions")
    }

    /// Of packets that do not pass.
    func dropped(_ why: SendGate.Verdict) -> Metric.Counter {
        switch why {
        case .unconnected: unconnected
        case .congested: congested
        case .beforeKeyframe, .pass: beforeKeyframe
        }
    }
}
