import Sluice

/// The counters of a peer's estimate, and of why it is what it is.
struct RateMetrics {
    private let estimate, byDelay, byLoss, bySilence, probes, proofs: Metric.Counter

    init(_ context: NodeContext) {
        estimate = context.gauge("estimate_kbps")
        byDelay = context.counter("estimate_falls_by_delay")
        byLoss = context.counter("estimate_falls_by_loss")
        bySilence = context.counter("estimate_falls_by_silence")
        probes = context.counter("probes")
        proofs = context.counter("probes_proved")
    }

    func show(_ congestion: PeerCongestion) {
        estimate.set(congestion.bitsPerSecond / 1_000)
        let counts = congestion.counts
        byDelay.set(counts.byDelay)
        byLoss.set(counts.byLoss)
        bySilence.set(counts.bySilence)
        probes.set(counts.probes)
        proofs.set(counts.proofs)
    }

    static var declared: [Metric] {
        [
            .gauge("estimate_kbps", "The bitrate that the viewer's link carries, by congestion control, in kb/s."),
            .counter("estimate_falls_by_delay", "Times that the estimate fell because packets came later and later."),
            .counter("estimate_falls_by_loss", "Times that the estimate fell because packets were lost."),
            .counter("estimate_falls_by_silence", "Times that the estimate fell because nothing was heard."),
            .counter("probes", "Times that packets left faster for a moment, to see whether the link carries more."),
            .counter("probes_proved", "Of these, those that told how much it carries."),
        ]
    }
}
