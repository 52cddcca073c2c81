/// The deadline of an instance that leaves while the graph goes on: the same as that of a graph that stops. Its nodes
/// are interrupted when nothing has moved for so long, and then left, each with a sentence. On the supervisor.
extension Session {
    func watchDrain(_ watch: DrainWatch = DrainWatch()) {
        let wait = min(run.options.tickInterval, run.options.stopDeadline)
        run.supervisor.after(wait) { [weak self] in
            // A graph that stops watches all of its sessions.
            guard let self, !isLeaving, !run.isFinished, !run.isDraining else { return }
            var watch = watch
            switch watch.look(moved: moved, now: run.supervisor.now, deadline: run.options.stopDeadline) {
            case nil: break
            case .interrupt: for core in held { core.interrupt() }
            case .abandon: return abandon()
            }
            watchDrain(watch)
        }
    }

    /// This session and those that it holds.
    private var members: [Session] { [self] + children.flatMap(\.members) }
    private var held: [NodeCore] { members.flatMap(\.cores).filter { !$0.isDone } }

    private var moved: Int {
        members.reduce(0) { sum, session in
            sum + session.edges.reduce(0) { $0 + $1.popped + $1.dropped + $1.flushed }
                + session.cores.count(where: \.isDone)
        }
    }

    /// A node that is still in a call lets its session go when it comes back, if it does.
    private func abandon() {
        let snapshot = RunSnapshot(run, .counters, of: members)
        let index = SnapshotIndex(snapshot)
        for core in held {
            let reason =
                index.node(core.identity.key).map { "\(StallReason(of: $0, in: snapshot, index))" }
                ?? "it does not say why"
            run.log(
                .error, node: core.name,
                "did not finish within the deadline of its instance, which leaves: \(reason); the instance ends without it"
            )
            core.lane.perform { core.abandon() }
        }
    }
}
