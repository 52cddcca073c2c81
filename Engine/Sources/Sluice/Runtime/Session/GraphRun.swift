import CSys
import Synchronization

/// One run of a graph, from the plan to the report.
@_spi(Host) public final class GraphRun: @unchecked Sendable {
    public let plan: GraphPlan
    public let options: RunOptions
    let host: Host
    /// Nobody else has it: it is closed with the run.
    private let ownsHost: Bool
    var registry: NodeRegistry { host.registry }
    /// Those of the scope `run`.
    private(set) lazy var services = ServiceStore(
        .run, outer: host.services, registry: host.registry.services, declared: plan.services,
        isVirtual: isVirtual
    ) { [weak self] level, text in self?.log(level, node: "", text) }
    let supervisor: Supervisor
    let isVirtual: Bool
    private let begun = Atomic<Int64>(0)

    public let events: EventLog
    /// The state that other threads than the supervisor's look at.
    let record = RunRecord()
    let laneRoster = LaneRoster()
    let builders = Builders()
    private let made = Atomic<Int>(0)
    private let sourceClocks = Atomic<UInt16>(0)
    private let stopping = Atomic<Bool>(false)
    private let preparations = Mutex<[String]>([])
    /// Those that were given up while threads were in calls of their nodes: they stay until the process ends.
    private static let left = Mutex<[GraphRun]>([])
    /// The first node that said that it sends without end.
    private let endless = Mutex<String?>(nil)

    // On the supervisor.
    private(set) var root: Session?
    /// The graph and every instance that has not ended.
    var sessions = Roster<Session>()
    private var isStarted = false
    private(set) var failure: (any Error)?
    private(set) var isOver = false
    private var stallWatch = StallWatch()
    private var lateWatch = LateWatch()
    private var lossWatch = LossWatch()
    private var paceWatch = PaceWatch()
    private var drainWatch = DrainWatch()
    private(set) lazy var starts = PendingStarts(limit: options.startLimit) { [weak self] in
        self?.log(.error, node: "", $0)
    }

    /// A run in a host of its own. Every type that the plan names is registered.
    public convenience init(_ plan: GraphPlan, registry: NodeRegistry, options: RunOptions = RunOptions()) {
        self.init(plan, host: Host(registry: registry), options: options, ownsHost: true)
    }

    init(_ plan: GraphPlan, host: Host, options: RunOptions, ownsHost: Bool = false) {
        self.plan = plan
        self.host = host
        self.ownsHost = ownsHost
        self.options = options
        isVirtual = options.clock == .virtual
        supervisor = Supervisor(now: isVirtual ? 0 : sys_monotonic_ns())
        begun.store(supervisor.now, ordering: .relaxed)
        let onEvent = options.onEvent
        events = EventLog(observer: onEvent)
        _ = (starts, services)
        if options.latencyTrace != nil { registry.register(LatencyProbe.self) }
    }

    // MARK: The run, on the calling thread

    /// Builds the graph, runs it to its end, and returns how that was. Throws `GraphError` or `NodeError` when it could
    /// not start; then nothing ran and every opened resource is given back.
    @discardableResult
    public func execute() throws -> RunOutcome {
        do { try build() } catch {
            outcome = .failed
            events.keep(EventLog.Event(time: .seconds(0), level: .error, node: "", what: "\(error)"))
            closeServices()
            throw error
        }
        if isVirtual {
            var runner = VirtualRunner(self)
            runner.runToEnd()
        } else {
            superviseThreads()
        }
        noteEnd()
        return outcome
    }

    func noteEnd() {
        let now = supervisor.now
        record.change { $0.endedAt = now }
        events.flush(Interval(nanoseconds: max(0, now - startedAt)))
        guard isOver else { return }
        supervisor.close()
        if isVirtual { for lane in lanes { lane.forget() } }
        closeServices()
    }

    /// Nodes that do not return may use them still, until the process ends.
    private func closeServices() {
        host.noteOver(self)
        guard stuck.isEmpty else { return }
        services.close()
        if ownsHost { host.close() }
    }

    /// Builds the root session and the instances that start with it, everything prepared and nothing running.
    func build() throws {
        try supervisor.checkIsUsable()
        try services.open(self.plan.services, file: self.plan.file)
        let plan = self.plan.root
        guard
            let graph = try Assembly(self).build(plan, name: "", parent: nil, template: nil, resource: nil)
        else {
            throw NodeError("the graph opened nothing that it uses, so no node is left", isInputError: true)
        }
        let all = try startWith(graph, plan)
        do { try refuseEndlessVirtualTime() } catch {
            for session in all.reversed() { session.takeBack() }
            throw error
        }
        root = graph
        for session in all { session.attach() }
        begun.store(isVirtual ? 0 : sys_monotonic_ns(), ordering: .relaxed)
        supervisor.now = startedAt
        if isVirtual { for lane in lanes { lane.now = startedAt } }
        isStarted = true
        options.onStart?(self)
        for session in all { session.start() }
        if let duration = options.duration { supervisor.after(duration) { [self] in drainAll() } }
    }

    private func superviseThreads() {
        tick()
        while !isOver {
            supervisor.wait()
            supervisor.turn()
        }
        let last = snapshot(.counters)
        for remark in lateWatch.end(last) + lossWatch.end(last) + paceWatch.end(last) {
            log(remark.level, node: remark.node, remark.what)
        }
        builders.stop(isStuck: !stuck.isEmpty)
        laneRoster.stop(isStuck: !stuck.isEmpty)
    }

    private func tick() {
        supervisor.after(options.tickInterval) { [self] in
            watch(snapshot(.counters))
            options.onTick?(self)
            if !isOver { tick() }
        }
    }

    private func watch(_ snapshot: RunSnapshot) {
        let index = SnapshotIndex(snapshot)
        let remarks = stallWatch.look(index) + lateWatch.look(index) + lossWatch.look(index)
        for remark in remarks { log(remark.level, node: remark.node, remark.what) }
        paceWatch.look(index)
        events.turn(snapshot.time)
        guard isDraining,
            let held = drainWatch.look(moved: snapshot.moved, now: snapshot.now, deadline: options.stopDeadline)
        else { return }
        handle(held)
    }

    private func handle(_ step: DrainWatch.Step) {
        switch step {
        case .interrupt: for session in sessions { for core in session.cores where !core.isDone { core.interrupt() } }
        case .abandon: giveUp()
        }
    }

    // MARK: Ending

    /// Drains the graph: sources stop, what is under way comes out. From any thread; it overtakes everything that
    /// waits to be done.
    public func stop() { supervisor.postUrgent { [self] in drainAll() } }

    private func drainAll() {
        guard !isStopping, let root else { return }
        stopping.store(true, ordering: .relaxed)
        if outcome == .finished && options.duration == nil { outcome = .stopped }
        root.drain(withParent: true)
    }

    /// Ends the run at once; what is under way is lost. From any thread.
    public func leave() { supervisor.postUrgent { [self] in giveUp(atOnce: true) } }

    /// Leaves without those that do not finish; the report names them.
    func giveUp(atOnce: Bool = false) {
        guard !isOver else { return }
        let held = sessions.flatMap(\.cores).filter { !$0.isDone }
        let unprepared = preparations.withLock { $0 }
        stuck = held.map(\.name) + unprepared
        let snapshot = snapshot(.counters)
        let index = SnapshotIndex(snapshot)
        for core in held {
            guard let node = index.node(core.identity.key) else { continue }
            let late = isVirtual ? "has nothing left to wake it" : "did not finish within its deadline"
            let reason = StallReason(
                of: node, in: snapshot, index, callPatience: atOnce ? 0 : StallReason.callPatience)
            log(
                .error, node: core.name,
                "\(atOnce ? "had not finished" : late): \(reason); the graph ends without it")
        }
        for name in unprepared {
            log(.error, node: name, "does not return from its preparation; the graph ends without it")
        }
        if !stuck.isEmpty {
            outcome = .failed
            // A thread that is still in such a node's call may come back to the run at any time.
            if !isVirtual { GraphRun.left.withLock { $0.append(self) } }
        }
        stopping.store(true, ordering: .relaxed)
        isOver = true
    }

    var isFinished: Bool { isOver }
    /// Nodes run, or are about to.
    var isRunning: Bool { isStarted }
    /// No instance is started any more. From any thread.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }
    @_spi(Testing) public var isAskedToStop: Bool { isStopping }
    var isDraining: Bool { isStopping || root?.isDraining == true }

    func noteDone(_ session: Session) {
        guard session !== root else {
            isOver = true
            return
        }
        sessions.remove(session)
        record.retire(session)
    }

    func noteFailure(of core: NodeCore, in session: Session, error: any Error, after restarts: Int) {
        let tries = restarts == 0 ? "" : "given up after \(restarts) restart\(restarts == 1 ? "" : "s"): "
        log(.error, node: core.name, "\(tries)\(error)")
        if session === root {
            outcome = .failed
            failure = failure ?? error
            stopping.store(true, ordering: .relaxed)
        }
    }

    // MARK: From any thread

    private(set) var outcome: RunOutcome {
        get { record.read { $0.outcome } }
        set { record.change { $0.outcome = newValue } }
    }

    /// Nodes that had not finished when the run was given up.
    private(set) var stuck: [String] {
        get { record.read { $0.stuck } }
        set { record.change { $0.stuck = newValue } }
    }

    /// Nanoseconds of the graph's clock.
    var startedAt: Int64 { begun.load(ordering: .relaxed) }

    func nextSessionID() -> Int { made.wrappingAdd(1, ordering: .relaxed).newValue }

    func nextSourceClock() -> UInt16 {
        let number = sourceClocks.wrappingAdd(1, ordering: .relaxed).newValue & ~MediaItem.Header.unpaced
        return number == 0 ? nextSourceClock() : number
    }

    /// In the order in which they came.
    var lanes: [Lane] { laneRoster.lanes }
    @_spi(Testing) public var laneCount: Int { lanes.count }

    /// A node that is being prepared just now, by its name in the run.
    public var preparing: String? { preparations.withLock { $0.first } }

    func preparing<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
        preparations.withLock { $0.append(name) }
        defer {
            preparations.withLock { all in
                if let index = all.firstIndex(of: name) { all.remove(at: index) }
            }
        }
        return try body()
    }

    /// The value of `NodeContext.now` in `prepare`.
    var timeOfPreparation: Int64 { isVirtual || !isStarted ? supervisor.now : sys_monotonic_ns() }

    func log(_ level: EventLog.Level, node: String, _ what: String) { events.add(event(level, node, what)) }

    /// `place` is the node in its template, where it is part of one: what many instances say becomes one line.
    func log(_ level: EventLog.Level, node: String, place: String?, _ what: String) {
        events.add(event(level, node, what), place: place)
    }

    private func event(_ level: EventLog.Level, _ node: String, _ what: String) -> EventLog.Event {
        EventLog.Event(
            time: Interval(nanoseconds: max(0, clockNow - startedAt)), level: level, node: node, what: what)
    }

    /// In `prepare`: this node sends without end.
    func noteEndless(_ core: NodeCore) { endless.withLock { $0 = $0 ?? core.name } }

    /// No node has an end of its own and no duration was given: it runs until somebody stops it.
    public var runsUntilStopped: Bool { endless.withLock { $0 != nil } && options.duration == nil }

    private func refuseEndlessVirtualTime() throws {
        guard isVirtual, options.duration == nil, let name = endless.withLock({ $0 }) else { return }
        throw NodeError(
            "\(name) sends without end, and virtual time would never come to one",
            advice: "Say how long with --for, or run it with --clock system.", isInputError: true)
    }
}
