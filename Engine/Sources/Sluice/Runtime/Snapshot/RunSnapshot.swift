import CSys

/// A running graph at one moment. The report, the watchdog, the progress line and tests read it. It is made on any
/// thread while lanes run, costs nothing to anybody when nobody asks, and holds numbers alone.
///
/// Counters of one edge are read one after the other while its two ends go on: `held` is at least 0, and
/// pushed = popped + dropped + flushed + held holds where both ends are quiet.
@_spi(Host) public struct RunSnapshot: Sendable {
    /// Since the start of the run; 0 before.
    public internal(set) var time = Interval.zero
    /// The graph's nodes, then those of instances in the order of their start.
    public internal(set) var nodes: [NodeSnapshot] = []
    public internal(set) var edges: [EdgeSnapshot] = []
    /// Instances of templates that run now.
    public internal(set) var instances = 0
    var lanes: [LaneSnapshot] = []
    var ended = EndedSessions()
    /// Nanoseconds of the graph's clock.
    var now: Int64 = 0
    var startedAt: Int64 = 0
    var isVirtual = false
    var outcome = RunOutcome.finished
    var stuck: [String] = []

    /// The node of that name in the run (`listener.1/pacer`).
    public func node(_ name: String) -> NodeSnapshot? { nodes.first { $0.name == name } }
    /// The edge with that end (`listener.1/pacer.in`): an input has one.
    public func edge(to end: String) -> EdgeSnapshot? { edges.first { $0.to == end } }

    /// How much is read: distributions, metrics and series of a thousand nodes take milliseconds.
    public enum Detail: Sendable { case counters, everything }
}

extension RunSnapshot {
    /// `part`: of these sessions alone.
    init(_ run: GraphRun, _ detail: Detail, of part: [Session]? = nil) {
        let contents = run.record.copy
        let sessions = part ?? contents.sessions.values.sorted { $0.id < $1.id }
        now = contents.endedAt ?? run.clockNow
        startedAt = run.startedAt
        time = Interval(nanoseconds: max(0, now - startedAt))
        isVirtual = run.isVirtual
        (ended, outcome, stuck) = (contents.ended, contents.outcome, contents.stuck)
        lanes = run.lanes.map(LaneSnapshot.init)
        instances = sessions.count { $0.parent != nil }
        nodes.reserveCapacity(sessions.reduce(0) { $0 + $1.cores.count })
        edges.reserveCapacity(sessions.reduce(0) { $0 + $1.edges.count })
        for session in sessions {
            for core in session.cores { nodes.append(NodeSnapshot(core, startedAt: startedAt, detail)) }
            for edge in session.edges { edges.append(EdgeSnapshot(edge, detail)) }
        }
    }
}

@_spi(Host) extension GraphRun {
    /// The run as it is now. From any thread, also before and after `execute`.
    public func snapshot(_ detail: RunSnapshot.Detail = .everything) -> RunSnapshot { RunSnapshot(self, detail) }

    /// Nanoseconds of the graph's clock. From any thread.
    var clockNow: Int64 { isVirtual ? supervisor.now : sys_monotonic_ns() }
}

/// A lane at one moment.
struct LaneSnapshot: Sendable {
    let name: String
    var wakeups = 0
    var lent = 0
    /// Nanoseconds.
    var watched = 0
    /// The node that is being called, and since when in nanoseconds; nil between calls.
    var call: (node: NodeKey, since: Int64)?
}

extension LaneSnapshot {
    init(_ lane: Lane) {
        self.init(name: lane.name)
        wakeups = lane.wakeups.count
        lent = lane.lent.count
        watched = lane.watched.count
        let since = Int64(lane.runningSince.load(ordering: .relaxed))
        let node = lane.runningNode.load(ordering: .relaxed)
        call = node == 0 ? nil : (NodeKey(address: node), since)
    }
}
