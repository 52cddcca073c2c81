import Synchronization

/// The counters of one node. Written on its lane, read by the report.
final class NodeTelemetry: Sendable {
    let dispatches = Counter()
    /// Nanoseconds spent in the node, by the lane's clock: preemption counts too.
    let busy = Counter()
    let restarts = Counter()
    /// The lane's time after the dispatch that sent the first item; 0 before.
    let firstSent = Counter()
    /// Nanoseconds that the node's own time is behind the clock's, as it tells.
    let behind = Counter()

    struct Wait: Sendable {
        let what: String
        /// Nanoseconds of the graph's clock.
        let since: Int64
    }

    private let told = Mutex<(wait: Wait?, latency: Interval.Bounds)>((nil, .zero))
    var wait: Wait? { told.withLock { $0.wait } }
    /// Of the first output, as the last `prepare` has left it.
    var latency: Interval.Bounds {
        get { told.withLock { $0.latency } }
        set { told.withLock { $0.latency = newValue } }
    }

    /// From any thread. The same words again are the same wait.
    func note(waitingFor what: String?, since: Int64) {
        told.withLock { told in
            if told.wait?.what != what { told.wait = what.map { Wait(what: $0, since: since) } }
        }
    }

    private let named = Mutex<[(name: String, metric: Named)]>([])

    enum Named: Sendable {
        case count(Metric.Counter)
        case histogram(Metric.Histogram)
    }

    private let overTime = Mutex<[(name: String, metric: Metric.Series)]>([])

    /// In the order in which the node first named them.
    var series: [(name: String, metric: Metric.Series)] { overTime.withLock { $0 } }

    func series(_ name: String, started: Instant) -> Metric.Series {
        overTime.withLock { all in
            if let known = all.first(where: { $0.name == name }) { return known.metric }
            let metric = Metric.Series(started: started)
            all.append((name, metric))
            return metric
        }
    }

    /// Metrics in the order in which the node first named them.
    var metrics: [(name: String, metric: Named)] { named.withLock { $0 } }

    func counter(_ name: String) -> Metric.Counter {
        named.withLock { all in
            for case (name, .count(let metric)) in all { return metric }
            let metric = Metric.Counter()
            all.append((name, .count(metric)))
            return metric
        }
    }

    func histogram(_ name: String) -> Metric.Histogram {
        named.withLock { all in
            for case (name, .histogram(let metric)) in all { return metric }
            let metric = Metric.Histogram()
            all.append((name, .histogram(metric)))
            return metric
        }
    }
}

extension Metric {
    /// A number of a node in the report's `metrics`. Only the node's lane writes.
    public final class Counter: Sendable {
        let counter = Sluice.Counter()
        /// On the node's lane.
        public func add(_ amount: Int = 1) { counter.add(amount) }
        /// Of a gauge: the present value. On the node's lane.
        public func set(_ value: Int) { counter.set(value) }
        /// The sum, or the present value. From any thread.
        public var count: Int { counter.count }
    }
}

extension Metric {
    /// A distribution of a node in the report's `metrics`: p50, p99 and max. The unit stands in the name.
    public final class Histogram: Sendable {
        let histogram = Sluice.Histogram()
        /// In the unit of the metric's name. On the node's lane.
        public func record(_ value: Int) { histogram.record(value) }
        /// The median of what was recorded so far, within 6.25 %; 0 before the first. From any thread.
        public var p50: Int { histogram.quantile(0.5) }
        /// The 99th percentile.
        public var p99: Int { histogram.quantile(0.99) }
        /// The largest.
        public var max: Int { histogram.max }
    }
}
