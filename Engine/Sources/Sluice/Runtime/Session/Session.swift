import Synchronization

/// The unit of life, of failure and of epochs: the graph itself, or one instance of a template.
///
/// Built on a builder's thread, or the supervisor's before the run and in virtual time; supervised and torn down on the
/// supervisor's. Lanes reach it only through the methods that say so.
final class Session: @unchecked Sendable {
    /// Empty for the graph, `room.1/viewer.3` for an instance.
    let name: String
    unowned let run: GraphRun
    /// The session that holds this instance: `$parent`.
    let parent: Session?
    /// Its own, or its parent's where all of its media come from there: then an interruption of the parent reaches it.
    let epoch: EpochCell
    /// The nodes that look when that epoch is raised.
    let audience: EpochAudience
    let resource: (any Sendable)?
    /// Those of the scope `session`: what its nodes share.
    let services: ServiceStore
    /// `room/viewer`; nil for the graph.
    let template: String?
    /// The templates that it holds.
    let templates: [String: TemplatePlan]
    /// Control links of its plan, for messages.
    let controls: [ControlPlan]
    /// Its starter's, which is told of its end; nil for the graph and what starts with it.
    var handle: NodeContext.Instance?

    /// Distinct in the run.
    let id: Int
    let refusals = FormatRefusals()

    // Fixed once it is built.
    private(set) var cores: [NodeCore] = []
    private var coresByName: [String: NodeCore] = [:]
    /// Those inside, and those that lead in from the parent.
    private(set) var edges: [Edge] = []
    /// Control links that lead in from the parent.
    private var incoming: [IncomingLink] = []
    private var memberships: [(audience: EpochAudience, member: EpochAudience.Member)] = []
    /// How what the instances of its templates send to one control of it becomes one value.
    private let combiners = Mutex<[String: ControlCombiner]>([:])

    // On the supervisor.
    /// The instances that it holds.
    private(set) var children = Roster<Session>()
    /// Instances that it is going to hold, and those that it is not to hold after all and that have not been taken
    /// back.
    private var unborn = 0
    private var counts: [String: Int] = [:]
    private var unfinished = 0
    /// Edges from the parent that its lane has not let go of.
    private var attached = 0
    private(set) var error: (any Error)?
    private(set) var failedNode: String?
    private var isCut = false
    private(set) var isStarted = false
    /// All of its nodes are.
    private(set) var isDone = false
    private(set) var isLeaving = false

    private let draining = Atomic<Bool>(false)
    private let restarts = Mutex<[ObjectIdentifier: Restarts]>([:])

    init(
        name: String, run: GraphRun, parent: Session?, plan: SessionPlan, template: String?, resource: (any Sendable)?
    ) {
        self.name = name
        self.run = run
        id = run.nextSessionID()
        self.parent = parent
        self.resource = resource
        services = ServiceStore(
            .session, outer: run.services, registry: run.registry.services, isVirtual: run.isVirtual
        ) { [weak run] in run?.log($0, node: name, $1) }
        self.template = template
        templates = plan.templates
        controls = plan.controls
        let fed = Set(plan.edges.map(\.to.node))
        let takesFromParent = plan.edges.contains { $0.from.isParent }
        let hasSource = plan.edges.contains { !$0.from.isParent && !fed.contains($0.from.node) }
        if let parent, takesFromParent, !hasSource {
            (epoch, audience) = (parent.epoch, parent.audience)
        } else {
            (epoch, audience) = (EpochCell(), EpochAudience())
        }
    }

    func qualified(_ node: String) -> String { name.isEmpty ? node : "\(name)/\(node)" }

    /// The nodes and edges that the assembly made. The session owns it from now on.
    func adopt(cores: [NodeCore], edges: [Edge], incoming: [IncomingLink]) {
        self.cores = cores
        self.edges = edges
        self.incoming = incoming
        let leading = Dictionary(grouping: edges) { $0.identity.consumer }
        for core in cores { core.adopt(inputEdges: leading[core.identity.key] ?? []) }
        coresByName = Dictionary(cores.map { ($0.plan.name, $0) }, uniquingKeysWith: { first, _ in first })
        unfinished = cores.count
    }

    // MARK: From any thread

    /// nil also for one that was left out.
    func core(_ name: String) -> NodeCore? { coresByName[name] }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// The nearest session, this one or one that holds it, that holds a template of that name.
    func holder(of template: String) -> (session: Session, plan: TemplatePlan)? {
        if let plan = templates[template] { return (self, plan) }
        return parent?.holder(of: template)
    }

    func combiner(_ how: ControlPlan.Combination, to cell: ControlCell, key: String) -> ControlCombiner {
        combiners.withLock { all in
            if let combiner = all[key] { return combiner }
            let combiner = ControlCombiner(how, cell: cell)
            all[key] = combiner
            return combiner
        }
    }

    /// Both ends of every edge that flushes look at what they hold, woken from here.
    func raiseEpoch(to new: UInt32?) -> Bool {
        guard epoch.raise(to: new) else { return false }
        audience.wake()
        return true
    }

    func noteDone(_ core: NodeCore, error: (any Error)?) {
        run.supervisor.post { [self] in nodeDone(core, error: error) }
    }

    /// Whether the graph restarts this node after an error, and it was not restarted too often lately.
    func mayRestart(_ core: NodeCore, after error: any Error) -> Bool {
        guard core.plan.onError == .restart, !isDraining else { return false }
        return restarts.withLock { $0[ObjectIdentifier(core), default: Restarts()].isAllowed(at: core.lane.now) }
    }

    func noteRestart(_ core: NodeCore, error: any Error) {
        let (count, wait) = restarts.withLock {
            $0[ObjectIdentifier(core), default: Restarts()].note(at: core.lane.now)
        }
        core.telemetry.restarts.add(1)
        run.log(
            .warning, node: core.name,
            "restarting in \(decimal(wait.seconds, places: 1)) s (\(count) of \(Restarts.most) in a minute): \(error)")
        run.supervisor.post { [self] in
            run.supervisor.after(wait) { core.lane.perform { core.replace() } }
        }
    }

    // MARK: Its instances, on the supervisor, or before it runs

    /// The number of the next instance of one of its templates, from 1.
    func nextNumber(of template: String) -> Int {
        let number = (counts[template] ?? 0) + 1
        counts[template] = number
        return number
    }

    func expect() { unborn += 1 }

    /// The expected sessions have come, or everything of them was taken back.
    func expectNoLonger() {
        unborn -= 1
        leaveIfAlone()
    }

    // MARK: Life, on the supervisor

    /// Takes its place in the run: the parent's lane takes the edges in, epochs reach it.
    func attach() {
        run.sessions.add(self)
        run.record.add(self)
        parent?.children.add(self)
        // An epoch that is raised from now on wakes these nodes. They see what is stale already when they first look at
        // it.
        enter(audience, cores)
        if let parent, parent.audience !== audience {
            enter(parent.audience, edges.filter { $0.flushes(with: parent.epoch) }.compactMap(\.consumer))
        }
        for link in incoming { link.links.add(link.cell, member: id, order: link.order) }
        for edge in edges where edge.plan.from.isParent { attach(edge) }
    }

    private func enter(_ audience: EpochAudience, _ cores: [NodeCore]) {
        guard !cores.isEmpty else { return }
        let member = EpochAudience.Member(cores)
        audience.add(member)
        memberships.append((audience, member))
    }

    /// An edge of dependent packets that comes later starts at a keyframe, unless the output says otherwise.
    private func attach(_ edge: Edge) {
        guard let producer = edge.producer, let output = producer.portsFromOutside.output(edge.plan.from.port) else {
            return
        }
        let isRunning = producer.session.isStarted
        if output.beginsAtKeyframe, output.formatFromOutside?.kind.hasDependentPackets == true, isRunning {
            edge.state.pointee.consumer.pointee.awaitsKeyframe = true
            edge.state.pointee.requestKeyframe()
        }
        let connect: @Sendable () -> Void = {
            if producer.isDone {
                edge.state.pointee.ring.finish()
                edge.consumer?.wake(.input)
            } else {
                producer.ports.output(edge.plan.from.port)?.connect(edge)
            }
        }
        if isRunning { producer.lane.perform(connect) } else { connect() }
    }

    func start() {
        isStarted = true
        for core in cores { core.lane.perform { core.start() } }
    }

    /// Sources stop; what is under way drains through every edge. Edges from the parent are cut, unless the parent
    /// drains too and ends them itself.
    func drain(withParent: Bool = false) {
        if !withParent && !isCut {
            isCut = true
            for edge in edges where edge.plan.from.isParent { detach(edge) }
        }
        guard !draining.exchange(true, ordering: .relaxed) else { return }
        for child in children { child.drain(withParent: true) }
        for core in cores { core.wake(.stop) }
        if parent != nil && !withParent { watchDrain() }
    }

    private func nodeDone(_ core: NodeCore, error new: (any Error)?) {
        unfinished -= 1
        if let new, error == nil {
            error = new
            failedNode = core.name
            let tries = restarts.withLock { $0[ObjectIdentifier(core)]?.count ?? 0 }
            run.noteFailure(of: core, in: self, error: new, after: tries)
            for child in children { child.drain() }
            drain()
        }
        guard unfinished == 0 else { return }
        isDone = true
        // Instances of its instances have lost the session that they belong to.
        for child in children { child.drain() }
        leaveIfAlone()
    }

    /// It is over when its nodes are done and its instances have gone: they need its lanes to let them go.
    private func leaveIfAlone() {
        guard isDone, children.isEmpty, unborn == 0, !isLeaving else { return }
        isLeaving = true
        for link in incoming { link.links.remove(link.cell) }
        incoming = []
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

    /// Closes the services that its nodes shared, on another thread: that may take a while.
    private func end() {
        guard services.mustClose, !run.isVirtual else {
            services.close()
            return leave()
        }
        let close: @Sendable () -> Void = { [self] in
            services.close()
            run.supervisor.post { [self] in leave() }
        }
        do { try run.builders.submit(close) } catch { close() }
    }

    private func leave() {
        for (audience, member) in memberships { audience.remove(member) }
        memberships = []
        run.noteDone(self)
        for edge in edges { edge.release() }
        if let parent {
            for core in cores { run.laneRoster.release(core.lane) }
            parent.children.remove(self)
        }
        handle?.over()
        parent?.leaveIfAlone()
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

    // MARK: On the thread that built it

    /// It never was attached: everything is given back.
    func takeBack() {
        for core in cores { core.giveBack() }
        for core in cores { for control in core.ports.controlOutputs { control.links.removeAll() } }
        for edge in edges { edge.release() }
        for core in cores { run.laneRoster.release(core.lane) }
        services.close()
    }
}
