import CSys
import Synchronization

/// The lanes of a run. Each is there as long as nodes use it: what is acquired for a node is released when the node's
/// session has ended or could not be built. From any thread.
final class LaneRoster: Sendable {
    fileprivate struct Entry {
        let lane: Lane
        let thread: LaneThread?
        /// Nodes that run on it.
        var uses: Int
    }

    fileprivate struct State {
        var byName: [String: Entry] = [:]
        var lanes = Roster<Lane>()
        /// Changes whenever a lane comes or goes.
        var version = 0
    }

    private let state = Mutex<State>(State())

    /// In the order in which they came.
    var lanes: [Lane] { state.withLock { Array($0.lanes) } }
    var version: Int { state.withLock { $0.version } }

    /// The lane of that name, for one more node; made, and under the system clock running, when first asked for.
    ///
    /// `settings` is what the graph's `lanes` call it, where that is another name. Throws `NodeError`.
    func acquire(_ name: String, settings: String?, for run: GraphRun) throws -> Lane {
        try state.withLock { try $0.use(name, settings, run) }
    }

    /// One more node for the lane of `pool` that has the fewest.
    func acquire(pool: String, lanes count: Int, for run: GraphRun) throws -> Lane {
        try state.withLock { state in
            let names = (1...max(1, count)).map { "\(pool).\($0)" }
            let name = names.min { (state.byName[$0]?.uses ?? 0) < (state.byName[$1]?.uses ?? 0) }
            return try state.use(name ?? names[0], pool, run)
        }
    }

    /// A node less. A lane that nobody uses any more ends: its thread has gone when this returns.
    func release(_ lane: Lane) {
        let unused: Entry? = state.withLock { state in
            guard var entry = state.byName[lane.name], entry.lane === lane else { return nil }
            entry.uses -= 1
            state.byName[lane.name] = entry.uses > 0 ? entry : nil
            guard entry.uses == 0 else { return nil }
            state.lanes.remove(lane)
            state.version += 1
            return entry
        }
        guard let unused else { return }
        lane.stop()
        unused.thread?.join()
        lane.forget()
    }

    /// The run is over: every thread ends. Where `isStuck` they may be in calls that do not return, and nobody waits
    /// for them. The lanes stay for the report.
    func stop(isStuck: Bool) {
        let entries = state.withLock { Array($0.byName.values) }
        for entry in entries { entry.lane.stop() }
        for entry in entries { if isStuck { entry.thread?.detach() } else { entry.thread?.join() } }
        if !isStuck { for entry in entries { entry.lane.forget() } }
        state.withLock { $0.byName = [:] }
    }
}

extension LaneRoster.State {
    fileprivate mutating func use(_ name: String, _ settings: String?, _ run: GraphRun) throws -> Lane {
        if let entry = byName[name] {
            byName[name]?.uses += 1
            return entry.lane
        }
        guard byName.count < run.options.laneLimit else {
            throw NodeError(
                "it needs a lane of its own, and the run has \(run.options.laneLimit), which is the most",
                advice: "Let nodes share lanes: \"lane\": { \"pool\": \"…\", \"lanes\": 4 }.")
        }
        let given = run.plan.lanes[name] ?? settings.flatMap { run.plan.lanes[$0] }
        let lane = try Lane(name: name, isVirtual: run.isVirtual, plan: given ?? LanePlan())
        lane.now = run.supervisor.now
        let thread =
            run.isVirtual
            ? nil : try LaneThread(lane, refusal: run.options.threadRefusal) { run.log(.warning, node: "", $0) }
        byName[name] = LaneRoster.Entry(lane: lane, thread: thread, uses: 1)
        lanes.add(lane)
        version += 1
        return lane
    }
}
