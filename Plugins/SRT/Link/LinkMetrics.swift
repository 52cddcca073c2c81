import Sluice

/// The counters of a link over its connections.
struct LinkMetrics {
    let connections, failed, refused, takenOver: Metric.Counter
    private let outages, outage, longest, latency: Metric.Counter

    init(_ context: NodeContext) {
        connections = context.counter("connections")
        failed = context.counter("failed_calls")
        refused = context.counter("refused_callers")
        takenOver = context.counter("taken_over")
        outages = context.counter("outages")
        outage = context.counter("outage_ms")
        longest = context.gauge("longest_outage_ms")
        latency = context.gauge("latency_ms")
    }

    /// In ms, as the last connection agreed on it.
    func latency(_ agreed: Int) { latency.set(agreed) }

    /// `latency` in ms of a connection that stands since now.
    func note(_ plan: LinkPlan, latency agreed: Int?) {
        if let agreed {
            connections.add()
            latency.set(agreed)
        }
        outages.set(plan.interruptions)
        outage.set(Int(plan.totalOutage.milliseconds))
        longest.set(Int(plan.longestOutage.milliseconds))
    }
}
