import CSys
import Synchronization

/// How a graph is to be run.
public struct RunOptions: Sendable {
    public var clock: ClockKind = .system
    /// Graph time after which the graph drains; nil runs until the media end or `stop()`.
    public var duration: Interval?
    /// How long a draining graph may stand still before the nodes that hold it are interrupted, then left.
    public var stopDeadline = Interval.seconds(5)
    /// What errors may propose to put between two nodes; nil proposes nothing.
    public var catalog: (any NodeCatalog)?
    /// Everything is prepared and about to run. On the supervisor's thread.
    public var onStart: (@Sendable (GraphRun) -> Void)?
    /// Each event as it happens, from any thread.
    public var onEvent: (@Sendable (EventLog.Event) -> Void)?
    /// Called on the supervisor's thread every `tickInterval` under the system clock.
    public var onTick: (@Sendable (GraphRun) -> Void)?
    public var tickInterval = Interval.milliseconds(500)
    /// Notes when each picture is where; nil does not, and costs nothing.
    public var latencyTrace: LatencyTrace?

    public init() {}
}

public enum ClockKind: String, Sendable, CaseIterable { case system, virtual }

/// One run of a graph, from the plan to the report.
public final class GraphRun: @unchecked Sendable {
    public let plan: GraphPlan
    public let options: RunOptions
    let registry: NodeRegistry
    let services: ServiceRegistry
    let supervisor: Supervisor
    let isVirtual: Bool
    private(set) var startedAt: Int64 = 0
    private(set) var endedAt: Int64 = 0

    public let events: EventLog
    private(set) var lanes: [Lane] = []
    private var threads: [ObjectIdentifier: LaneThread] = [:]
    private(set) var root: Session!
    /// The graph and every instance that has not ended.
    private(set) var sessions: [Session] = []
    /// Instances that have ended, as the report shows them.
    private(set) var ended = EndedSessions()
    private var instanceCounts: [String: Int] = [:]
    private var sessionCount = 0
    private let sourceClocks = Atomic<UInt16>(0)
    /// The first node that said that it sends without end.
    private var endless: String?
    private var isStarted = false
    private var isStopping = false
    private(set) var outcome = Outcome.finished
    private(set) var failure: (any Error)?
    /// Nodes that had not finished when the run was given up.
    private(set) var stuck: [String] = []
    private var isOver = false
    private var joins: [String: ControlJoin] = [:]
    private let prepared = Mutex<String?>(nil)
    private let waiting = Mutex<[ObjectIdentifier: Waiting]>([:])
    private var watchdog = Watchdog()
    private var drainWatch = DrainWatch()

    struct Waiting: Sendable {
        let what: String
        let since: Int64
    }

    public enum Outcome: String, Sendable { case finished, stopped, failed }

    /// Every type that the plan names is registered.
    public init(_ plan: GraphPlan, registry: NodeRegistry, options: RunOptions = RunOptions()) {
        self.plan = plan
        self.registry = registry
        self.options = options
        services = registry.services
        services.forget()
        isVirtual = options.clock == .virtual
        supervisor = Supervisor(now: isVirtual ? 0 : sys_monotonic_ns())
        startedAt = supervisor.now
        let onEvent = options.onEvent
        events = EventLog(observer: onEvent)
        if options.latencyTrace != nil { registry.register(LatencyProbe.self) }
    }

    // MARK: The run, on the calling thread

    /// Builds the graph, runs it to its end, and returns how that was. Throws `GraphError` or `NodeError` when it could
    /// not start; then nothing ran and every opened resource is given back.
    @discardableResult
    public func execute() throws -> Outcome {
        do { try build() } catch {
            outcome = .failed
            events.keep(EventLog.Event(time: .seconds(0), level: .error, node: "", what: "\(error)"))
            throw error
        }
        if isVirtual {
            var runner = VirtualRunner(self)
            runner.runToEnd()
        } else {
            runThreads()
        }
        noteEnd()
        return outcome
    }

    func noteEnd() {
        endedAt = supervisor.now
        if isOver { supervisor.cancelTimers() }
    }

    /// Builds the root session and the instances that start with it, everything prepared and nothing running.
    func build() throws {
        if isVirtual { try refuseLiveNodes() }
        root = try Assembly(self).build(plan.root, name: "", parent: nil, template: nil, resource: nil)
        sessions = [root]
        do {
            for start in plan.start {
                for _ in 0..<start.count {
                    try buildInstance(start.template, start.parameters, resource: nil, parent: root)
                }
            }
            try refuseEndlessVirtualTime()
        } catch {
            for session in sessions { for core in session.cores { core.node.close() } }
            throw error
        }
        startedAt = isVirtual ? 0 : sys_monotonic_ns()
        supervisor.now = startedAt
        for lane in lanes { lane.now = startedAt }
        isStarted = true
        options.onStart?(self)
        for session in sessions { session.start() }
        if let duration = options.duration { supervisor.after(duration) { [self] in stop() } }
    }

    private func runThreads() {
        for lane in lanes { startThread(lane) }
        tick()
        while !isOver {
            supervisor.wait()
            supervisor.turn()
        }
        for lane in lanes { lane.stop() }
        for thread in threads.values { if stuck.isEmpty { thread.join() } else { thread.detach() } }
        threads.removeAll()
        if stuck.isEmpty { for lane in lanes { lane.forget() } }
    }

    private func tick() {
        supervisor.after(options.tickInterval) { [self] in
            watchdog.look(self)
            if let held = drainWatch.look(self) { handle(held) }
            options.onTick?(self)
            if !isOver { tick() }
        }
    }

    private func handle(_ step: DrainWatch.Step) {
        switch step {
        case .interrupt: for session in sessions { for core in session.cores where !core.isDone { core.interrupt() } }
        case .abandon: giveUp()
        }
    }

    /// Drains the graph: sources stop, what is under way comes out. From any thread.
    public func stop() {
        supervisor.post { [self] in
            guard !isStopping else { return }
            isStopping = true
            if outcome == .finished && options.duration == nil { outcome = .stopped }
            for session in sessions where session.parent != nil { session.drain(withParent: true) }
            root.drain()
        }
    }

    /// Ends the run at once; what is under way is lost. From any thread.
    public func leave() { supervisor.post { [self] in giveUp(atOnce: true) } }

    /// The node that is being prepared just now, by its name in the run. From any thread.
    public var preparing: String? { prepared.withLock { $0 } }
    func note(preparing name: String?) { prepared.withLock { $0 = name } }

    /// Leaves without those that do not finish; the report names them.
    func giveUp(atOnce: Bool = false) {
        guard !isOver else { return }
        let held = sessions.flatMap(\.cores).filter { !$0.isDone }
        stuck = held.map(\.name)
        for core in held {
            let late = isVirtual ? "has nothing left to wake it" : "did not finish within its deadline"
            let reason = StallReason(of: core, at: supervisor.now, callPatience: atOnce ? 0 : StallReason.callPatience)
            log(
                .error, node: core.name,
                "\(atOnce ? "had not finished" : late): \(reason); the graph ends without it")
        }
        if !stuck.isEmpty {
            outcome = .failed
            // A thread that is still in such a node's call may come back to the run at any time.
            if !isVirtual { _ = Unmanaged.passRetained(self) }
        }
        isOver = true
    }

    var isFinished: Bool { isOver }
    /// Lanes run already: what is built now is attached by messages.
    var isRunning: Bool { isStarted }

    func nextSessionID() -> Int {
        sessionCount += 1
        return sessionCount
    }

    /// From any thread.
    func nextSourceClock() -> UInt16 {
        let number = sourceClocks.wrappingAdd(1, ordering: .relaxed).newValue
        return number == 0 ? nextSourceClock() : number
    }

    var isDraining: Bool { isStopping || root.isDraining }

    // MARK: Sessions

    /// Builds the instance on the supervisor, once `predecessor` is over.
    func startInstance(
        _ template: String, _ parameters: [String: ParameterValue], resource: (any Sendable)?,
        after predecessor: SessionHandle?, parent: Session
    ) -> SessionHandle {
        let handle = SessionHandle(run: self)
        supervisor.post { [self] in
            let begin = { [weak self] in
                guard let self, !isStopping, !parent.isDone, !handle.isStopped else { return handle.over() }
                do {
                    handle.built(try buildInstance(template, parameters, resource: resource, parent: parent))
                } catch {
                    log(.error, node: template, "\(error)")
                    handle.over()
                }
            }
            if let predecessor { predecessor.then(begin) } else { begin() }
        }
        return handle
    }

    @discardableResult
    private func buildInstance(
        _ template: String, _ parameters: [String: ParameterValue], resource: (any Sendable)?, parent: Session
    ) throws -> Session {
        guard let definition = plan.templates[template] else {
            throw NodeError("the graph has no template \"\(template)\"", isInputError: true)
        }
        let number = (instanceCounts[template] ?? 0) + 1
        instanceCounts[template] = number
        let session = try Assembly(self).build(
            definition.instance(parameters.merging(["instance": .integer(number)]) { given, _ in given }),
            name: "\(template).\(number)", parent: parent, template: template,
            resource: resource)
        sessions.append(session)
        if isStarted { session.start() }
        return session
    }

    func noteDone(_ session: Session) {
        if session !== root {
            sessions.removeAll { $0 === session }
            ended.add(session)
            retire(session)
        }
        if session === root {
            // What still runs in templates has lost the graph it belongs to.
            for other in sessions where other !== root { other.drain() }
        }
        if root.isDone && sessions.count == 1 { isOver = true }
        session.handle?.over()
    }

    /// Lanes that an ended instance alone has used end with it.
    private func retire(_ session: Session) {
        let used = Set(sessions.flatMap(\.cores).map { ObjectIdentifier($0.lane) })
        for lane in lanes
        where !used.contains(ObjectIdentifier(lane)) && session.cores.contains(where: { $0.lane === lane }) {
            lane.stop()
            threads.removeValue(forKey: ObjectIdentifier(lane))?.join()
            lane.forget()
            lanes.removeAll { $0 === lane }
        }
    }

    func noteFailure(of core: NodeCore, in session: Session, error: any Error, after restarts: Int) {
        let tries = restarts == 0 ? "" : "given up after \(restarts) restart\(restarts == 1 ? "" : "s"): "
        log(.error, node: core.name, "\(tries)\(error)")
        if session === root {
            outcome = .failed
            failure = failure ?? error
            isStopping = true
            for other in sessions where other !== root { other.drain() }
        }
    }

    /// From any thread. Both ends of every edge that flushes look at what they hold.
    func noteEpochRaised(_ epoch: EpochCell) {
        supervisor.post { [self] in
            for session in sessions {
                if session.epoch === epoch {
                    for core in session.cores { core.wake(.epoch) }
                } else {
                    for edge in session.edges where edge.flushes(with: epoch) { edge.consumer?.wake(.epoch) }
                }
            }
        }
    }

    func join(_ how: ControlPlan.Join, to cell: ControlCell, key: String) -> ControlJoin {
        if let join = joins[key] { return join }
        let join = ControlJoin(how, cell: cell)
        joins[key] = join
        return join
    }

    // MARK: Lanes

    /// The lane of that name, made when first asked for; document order.
    ///
    /// `settings` is what the graph's `lanes` call it, where that is another name.
    func lane(named name: String, settings: String? = nil) throws -> Lane {
        if let lane = lanes.first(where: { $0.name == name }) { return lane }
        let given = plan.lanes[name] ?? settings.flatMap { plan.lanes[$0] }
        let lane = try Lane(name: name, isVirtual: isVirtual, plan: given ?? LanePlan())
        lane.now = supervisor.now
        lanes.append(lane)
        if isStarted && !isVirtual { startThread(lane) }
        return lane
    }

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

    private func startThread(_ lane: Lane) {
        threads[ObjectIdentifier(lane)] = LaneThread(lane) { [self] in log(.warning, node: "", $0) }
    }

    // MARK: Saying, from any thread

    func log(_ level: EventLog.Level, node: String, _ what: String) {
        let now = isVirtual ? supervisor.now : sys_monotonic_ns()
        events.add(
            EventLog.Event(time: Interval(nanoseconds: max(0, now - startedAt)), level: level, node: node, what: what))
    }

    func noteWaiting(_ core: NodeCore, for what: String?) {
        let since = core.lane.now
        waiting.withLock { all in
            let key = ObjectIdentifier(core)
            if let what {
                if all[key]?.what != what { all[key] = Waiting(what: what, since: since) }
            } else {
                all[key] = nil
            }
        }
    }

    func waitingState(of core: NodeCore) -> Waiting? { waiting.withLock { $0[ObjectIdentifier(core)] } }

    /// While the graph is built: this node sends without end.
    func noteEndless(_ core: NodeCore) { endless = endless ?? core.name }

    /// No node has an end of its own and no duration was given: it runs until somebody stops it.
    public var runsUntilStopped: Bool { endless != nil && options.duration == nil }

    private func refuseEndlessVirtualTime() throws {
        guard isVirtual, runsUntilStopped, let endless else { return }
        throw NodeError(
            "\(endless) sends without end, and virtual time would never come to one",
            advice: "Say how long with --for, or run it with --clock system.", isInputError: true)
    }

    private func refuseLiveNodes() throws {
        let live = (plan.root.nodes).filter { $0.spec.descriptor.traits.contains(.live) }
        guard live.isEmpty else {
            throw GraphError(
                live.map {
                    Diagnostic(
                        file: plan.file, position: $0.position,
                        "node \"\($0.name)\" (\($0.spec.type)) talks to a live socket or device, which virtual time has none of.",
                        advice: "Run the graph with --clock system.")
                })
        }
    }
}
