import CSys

/// On which lane each node of one session runs.
///
/// Light nodes share `main`, others get a lane of their own, unless the graph names one, or a pool. Of a pool the lane
/// with the fewest nodes is taken. The nodes of an instance that name one pool are together on one of its lanes, so
/// that they hand items on without another thread. Nodes of the graph itself are placed one by one.
///
/// A node that only fetches (`Node.onlyFetches`) runs with the heavy node that it feeds. To fetch a picture of 720p
/// from another core takes 55 µs, as long as to copy it out of a file, and its reader has to wait for it all the same.
final class Placement {
    private let run: GraphRun
    private let session: Session
    private let plan: SessionPlan
    private var chosen: [String: String] = [:]

    init(_ run: GraphRun, _ session: Session, _ plan: SessionPlan) {
        self.run = run
        self.session = session
        self.plan = plan
    }

    /// Throws `NodeError` where the system refuses a lane.
    func lane(for node: NodePlan) throws -> Lane {
        let node = heavyReader(of: node) ?? node
        guard let pool = node.pool else {
            return try run.laneRoster.acquire(name(of: node), settings: settings(of: node), for: run)
        }
        if session.parent != nil, let name = chosen[pool.name] {
            return try run.laneRoster.acquire(name, settings: pool.name, for: run)
        }
        let lane = try run.laneRoster.acquire(pool: pool.name, lanes: pool.lanes, for: run)
        chosen[pool.name] = lane.name
        return lane
    }

    /// The name of its lane, where it is not one of a pool.
    func name(of node: NodePlan) -> String {
        let node = heavyReader(of: node) ?? node
        return node.lane ?? (node.spec.descriptor.work == .light ? "main" : session.qualified(node.name))
    }

    /// The name of the lane of its own in the graph's `lanes`, where that is another one.
    private func settings(of node: NodePlan) -> String? { session.template.map { "\($0)/\(node.name)" } }

    /// The node whose lane `node` shares because it only fetches for it. The graph may say otherwise: by `lane`, and by
    /// settings of a lane of its own.
    private func heavyReader(of node: NodePlan) -> NodePlan? {
        guard node.lane == nil, node.pool == nil, run.plan.lanes[settings(of: node) ?? node.name] == nil else {
            return nil
        }
        let readers = plan.edges.filter { $0.from.node == node.name && !$0.from.isParent }
        guard readers.count == 1, let type = run.registry.type(named: node.spec.type),
            type.onlyFetches(with: node.allParameters)
        else { return nil }
        return plan.nodes.first {
            $0.name == readers[0].to.node && $0.spec.descriptor.work == .heavy && $0.pool == nil
        }
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
