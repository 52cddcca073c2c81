import Synchronization

/// The unit of life, of failure and of epochs: the graph itself, or one instance of a template.
///
/// Built, supervised and torn down on the supervisor's thread; lanes reach it only through the methods that say so.
final class Session: @unchecked Sendable {
    /// Empty for the graph, `listener.1` for an instance.
    let name: String
    unowned let run: GraphRun
    let parent: Session?
    /// Its own, or its parent's where all of its media come from there: then an interruption of the parent reaches it.
    let epoch: EpochCell
    let resource: (any Sendable)?
    let template: String?
    /// Its starter's, which is told of its end; nil for the graph and what starts with it.
    var handle: SessionHandle?

    /// Distinct in the run.
    let id: Int

    private(set) var cores: [NodeCore] = []
    /// Those inside, and those that lead in from the parent.
    private(set) var edges: [Edge] = []
    private var unfinished = 0
    /// Edges from the parent that its lane has not let go of.
    private var attached = 0
    /// Where the parent's control outputs lead into this session.
    private var incomingLinks: [(links: ControlLinks, cell: ControlCell)] = []
    private(set) var error: (any Error)?
    private(set) var failedNode: String?
    private let draining = Atomic<Bool>(false)
    private var isCut = false
    private(set) var isDone = false
    /// Restarts of each node in the last minute, as instants.
    private let restarts = Mutex<[ObjectIdentifier: [Int64]]>([:])

    init(
        name: String, run: GraphRun, parent: Session?, plan: SessionPlan, template: String?, resource: (any Sendable)?
    ) {
        self.name = name
        self.run = run
        id = run.nextSessionID()
        self.parent = parent
        self.resource = resource
        self.template = template
        let sources = plan.nodes.filter { node in !plan.edges.contains { $0.to.node == node.name } }
        epoch = sources.isEmpty ? parent?.epoch ?? EpochCell() : EpochCell()
    }

    func qualified(_ node: String) -> String { name.isEmpty ? node : "\(name)/\(node)" }

    /// What the assembly made. The session owns it from now on.
    func adopt(cores: [NodeCore], edges: [Edge]) {
        self.cores = cores
        self.edges = edges
        unfinished = cores.count
    }

    // MARK: From any thread

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func raiseEpoch(to new: UInt32?) -> Bool {
        guard epoch.raise(to: new) else { return false }
        run.noteEpochRaised(epoch)
        return true
    }

    func noteDone(_ core: NodeCore, error: (any Error)?) {
        run.supervisor.post { [self] in nodeDone(core, error: error) }
    }

    /// Whether the graph restarts this node after an error, and it was not restarted five times in the last minute.
    func mayRestart(_ core: NodeCore, after error: any Error) -> Bool {
        guard core.plan.onError == .restart, !isDraining else { return false }
        return restarts.withLock { all in
            let recent = (all[ObjectIdentifier(core)] ?? []).filter { core.lane.now - $0 < 60_000_000_000 }
            all[ObjectIdentifier(core)] = recent
            return recent.count < 5
        }
    }

    func noteRestart(_ core: NodeCore, error: any Error) {
        let count = restarts.withLock { all in
            all[ObjectIdentifier(core), default: []].append(core.lane.now)
            return all[ObjectIdentifier(core)]!.count
        }
        // 0.1, 0.3, 0.9, 2.7, 5 s.
        let wait = min(5_000_000_000, Int64(100_000_000) * [1, 3, 9, 27, 50][count - 1])
        core.telemetry.restarts.add(1)
        run.log(
            .warning, node: core.name,
            "restarting in \(decimal(Double(wait) / 1e9, places: 1)) s (\(count) of 5 in a minute): \(error)")
        run.supervisor.post { [self] in
            run.supervisor.after(Interval(nanoseconds: wait)) { [self] in restart(core) }
        }
    }

    // MARK: On the supervisor

    func start() {
        for core in cores { core.lane.perform { core.start() } }
    }

    /// Sources stop; what is under way drains through every edge. Edges from the parent are cut, unless the parent drains
    /// too and ends them itself.
    func drain(withParent: Bool = false) {
        if !withParent && !isCut {
            isCut = true
            for edge in edges where edge.plan.from.isParent { detach(edge) }
        }
        guard !draining.exchange(true, ordering: .relaxed) else { return }
        for core in cores { core.wake(.stop) }
    }

    func noteIncoming(_ links: ControlLinks, _ cell: ControlCell) { incomingLinks.append((links, cell)) }

    /// Gives up waiting: what has not finished is abandoned.
    func abandon() {
        draining.store(true, ordering: .relaxed)
        for core in cores { core.lane.perform { core.abandon() } }
    }

    private func restart(_ core: NodeCore) {
        core.lane.perform { core.replace() }
    }

    private func nodeDone(_ core: NodeCore, error new: (any Error)?) {
        unfinished -= 1
        if let new, error == nil {
            error = new
            failedNode = core.name
            let tries = restarts.withLock { $0[ObjectIdentifier(core)]?.count ?? 0 }
            run.noteFailure(of: core, in: self, error: new, after: tries)
            drain()
        }
        guard unfinished == 0 else { return }
        for (links, cell) in incomingLinks { links.remove(cell) }
        incomingLinks = []
        // Only when the other lanes have answered do the counters stand still, and may the rings go.
        let fromParent = edges.filter { $0.plan.from.isParent }
        attached = fromParent.count
        if attached == 0 { end() }
        for edge in fromParent {
            detach(edge) { [self] in
                attached -= 1
                if attached == 0 { end() }
            }
        }
    }

    private func end() {
        isDone = true
        run.noteDone(self)
        for edge in edges { edge.release() }
    }

    /// The producer's lane lets go of an edge that leaves its session; the edge ends.
    private func detach(_ edge: Edge, then: (@Sendable () -> Void)? = nil) {
        guard let producer = edge.producer else { return }
        producer.lane.perform { [run] in
            if producer.ports.output(edge.plan.from.port)?.detach(edge) == true {
                edge.state.pointee.ring.finish()
                edge.consumer?.wake(.input)
                producer.wakeLocal(.room)
            }
            if let then { run.supervisor.post(then) }
        }
    }
}
