import CSys

/// On which lane each node of one session runs.
///
/// Light nodes share `main`, others get a lane of their own, unless the graph names one, or a pool. Of a pool the lane
/// with the fewest nodes is taken. The nodes of an instance that name one pool are together on one of its lanes, so
/// that they hand items on without another thread. Nodes of the graph itself are placed one by one.
final class Placement {
    private let run: GraphRun
    private let session: Session
    private var chosen: [String: String] = [:]

    init(_ run: GraphRun, _ session: Session) {
        self.run = run
        self.session = session
    }

    /// Throws `NodeError` where the system refuses a lane.
    func lane(for plan: NodePlan) throws -> Lane {
        guard let pool = plan.pool else {
            return try run.laneRoster.acquire(
                Placement.name(of: plan, in: session), settings: session.template.map { "\($0)/\(plan.name)" },
                for: run)
        }
        if session.parent != nil, let name = chosen[pool.name] {
            return try run.laneRoster.acquire(name, settings: pool.name, for: run)
        }
        let lane = try run.laneRoster.acquire(pool: pool.name, lanes: pool.lanes, for: run)
        chosen[pool.name] = lane.name
        return lane
    }

    /// Where it is not one of a pool.
    static func name(of plan: NodePlan, in session: Session) -> String {
        plan.lane ?? (plan.spec.descriptor.work == .light ? "main" : session.qualified(plan.name))
    }
}

extension GraphRun {
    /// A paced node is to run on `lane`, which may run already.
    func askToKeepTime(_ lane: Lane) {
        guard !isVirtual, lane.plan.priority == nil, !lane.keepsTime.exchange(true, ordering: .relaxed) else { return }
        lane.perform { [self] in
            let code = lane.plan.nice == nil ? sys_set_fifo_priority(LaneThread.priority) : 0
            if code != 0 || lane.plan.nice != nil { _ = sys_set_slice(LaneThread.slice) }
            guard code != 0 else { return }
            log(
                .warning, node: "",
                "real-time priority refused (\(errorText(code))): timers of lane \(lane.name) may be late on a busy machine. Run as root or raise rtprio in /etc/security/limits.conf."
            )
        }
    }
}
