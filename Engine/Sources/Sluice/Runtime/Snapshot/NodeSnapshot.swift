/// Everything about a node that never changes.
final class NodeIdentity: Sendable {
    let key: NodeKey
    /// `listener.1/pacer`
    let name: String
    /// The node in its template: `listener/pacer`; the name where there is none.
    let place: String
    let type: String
    let descriptor: NodeDescriptor
    let lane: String
    /// Nothing leads out of it.
    let isSink: Bool
    /// Nothing leads into it.
    let isSource: Bool

    init(
        _ key: NodeKey, name: String, place: String, type: String, descriptor: NodeDescriptor, lane: String,
        isSink: Bool, isSource: Bool
    ) {
        self.key = key
        self.name = name
        self.place = place
        self.type = type
        self.descriptor = descriptor
        self.lane = lane
        self.isSink = isSink
        self.isSource = isSource
    }
}

extension NodeIdentity {
    convenience init(_ core: NodeCore) {
        self.init(
            NodeKey(core), name: core.name,
            place: core.session.template.map { "\($0)/\(core.plan.name)" } ?? core.plan.name,
            type: core.plan.spec.type, descriptor: core.plan.spec.descriptor, lane: core.lane.name,
            isSink: core.plan.spec.outputs.isEmpty, isSource: core.plan.spec.inputs.isEmpty)
    }
}

/// A node at one moment.
@_spi(Host) public struct NodeSnapshot: Sendable {
    let identity: NodeIdentity
    public var name: String { identity.name }
    public var type: String { identity.type }

    public enum State: String, Sendable { case idle, running, finishing, restarting, finished, failed }
    public internal(set) var state = State.running
    /// Items taken from and sent to its edges.
    public internal(set) var itemsIn = 0
    public internal(set) var itemsOut = 0
    /// Time in its calls, preemption included.
    public internal(set) var busy = Interval.zero
    public internal(set) var wakeups = 0
    public internal(set) var restarts = 0
    /// The most items that have waited in the node for room in an output.
    public internal(set) var waitingMost = 0
    var wait: NodeTelemetry.Wait?
    /// How far its own time is behind the clock's, where the node tells.
    public internal(set) var behind = Interval.zero
    /// From the start of the run to the first item sent; nil before.
    var firstSent: Interval?
    var latency = Interval.Bounds.zero
    var pathLatency = Interval.Bounds.zero
    var metrics: [(name: String, value: MetricValue)] = []
    var series: [(name: String, stretch: Double, points: [Series.Point?])] = []

    /// Something that the node waits for, in its own words.
    public var isWaiting: String? { wait?.what }
    var isDone: Bool { state == .finished || state == .failed }

    /// A metric of the node by its name; nil where it has none of it yet.
    public func metric(_ name: String) -> MetricValue? { metrics.first { $0.name == name }?.value }
}

extension NodeSnapshot {
    init(_ core: NodeCore, startedAt: Int64, _ detail: RunSnapshot.Detail) {
        let telemetry = core.telemetry
        self.init(identity: core.identity)
        state = State(core.state)
        itemsIn = core.itemsTaken
        itemsOut = core.itemsSent
        busy = Interval(nanoseconds: Int64(telemetry.busy.count))
        wakeups = telemetry.dispatches.count
        restarts = telemetry.restarts.count
        waitingMost = core.waitingMost
        wait = telemetry.wait
        behind = Interval(nanoseconds: Int64(telemetry.behind.count))
        let first = Int64(telemetry.firstSent.count)
        firstSent = itemsOut == 0 ? nil : Interval(nanoseconds: max(0, first - startedAt))
        latency = telemetry.latency
        pathLatency = core.pathLatency
        guard detail == .everything else { return }
        metrics = telemetry.metrics.map { ($0.name, MetricValue($0.metric)) }
        series = telemetry.series.map { name, metric in
            let (stretch, points) = metric.series.points
            return (name, stretch, points)
        }
    }
}

extension NodeSnapshot.State {
    init(_ state: NodeCore.State) {
        switch state {
        case .idle: self = .idle
        case .running: self = .running
        case .finishing: self = .finishing
        case .restarting: self = .restarting
        case .finished: self = .finished
        case .failed: self = .failed
        }
    }
}

/// The value of a metric at one moment.
@_spi(Host) public enum MetricValue: Sendable, Equatable {
    case number(Int)
    case distribution(p50: Int, p99: Int, max: Int)

    init(_ metric: NodeTelemetry.Named) {
        switch metric {
        case .count(let counter): self = .number(counter.count)
        case .histogram(let histogram):
            self = .distribution(p50: histogram.p50, p99: histogram.p99, max: histogram.max)
        }
    }
}
