import Glibc
import Synchronization

/// The engine's side of a node: its ports, its lane, why it is to run, and one dispatch of it.
final class NodeCore: EdgeEnd, DescriptorWaiter, @unchecked Sendable {
    let plan: NodePlan
    let lane: Lane
    unowned let session: Session
    /// The session's.
    private let epoch: EpochCell
    @exclusivity(unchecked) private(set) var node: any Node
    // These change only on the lane, when the node is restarted; no need to check that at run time.
    @exclusivity(unchecked) private(set) var ports: NodePorts
    private(set) var context: NodeContext!
    /// The working parts of the ports: walked in every dispatch.
    @exclusivity(unchecked) private var inputStates: UnsafeBufferPointer<UnsafeMutablePointer<InputState>>
    @exclusivity(unchecked) private var outputStates: UnsafeBufferPointer<UnsafeMutablePointer<OutputState>>
    let telemetry = NodeTelemetry()
    private(set) var identity: NodeIdentity!
    /// Its edges, whatever its ports do with them. Fixed by the session.
    private(set) var inputEdges: [Edge] = []
    /// How late media are when they reach this node, by what the nodes before it declared. Fixed by the assembly.
    var pathLatency = Latency.zero

    enum State: UInt8, Sendable { case idle, running, finishing, restarting, finished, failed }
    private let stateWord = Atomic<UInt8>(State.idle.rawValue)
    /// Written on the lane, or before it runs; the supervisor reads it.
    private(set) var state: State {
        get { State(rawValue: stateWord.load(ordering: .relaxed))! }
        set { stateWord.store(newValue.rawValue, ordering: .relaxed) }
    }
    /// The thread that is in a call of the node just now; 0 for none.
    private let caller = Atomic<UInt>(0)
    /// Held while a restart replaces instance and ports, and by other threads that look at them.
    private let replacing = Mutex<Void>(())

    // Scheduling. `queued` and `reasons` belong to the lane; `pending` and `nextIncoming` to whoever wakes.
    @exclusivity(unchecked) var isQueued = false
    @exclusivity(unchecked) private var reasons: WakeReasons = []
    private let pending = PendingReasons<HardwareWord>()
    /// The node below this one on its lane's stack, as a word; 0 for none.
    @exclusivity(unchecked) var nextIncoming = 0
    var timerIndex = -1
    /// The moment that its timer is to wake it ahead of, in nanoseconds; `Int.min` where it wakes at its time.
    @exclusivity(unchecked) var aheadOf = Int.min
    @exclusivity(unchecked) private var isStopRequested = false
    /// `finish` has said that nothing is left; what it could not send may still wait.
    @exclusivity(unchecked) private var isDrained = false
    @exclusivity(unchecked) private var cost = NodeCost()
    @exclusivity(unchecked) private var handOvers = HandOvers()

    init(name: String, plan: NodePlan, node: any Node, lane: Lane, session: Session) {
        self.plan = plan
        self.node = node
        self.lane = lane
        self.session = session
        epoch = session.epoch
        ports = NodePorts(of: node)
        (inputStates, outputStates) = (ports.inputStates, ports.outputStates)
        super.init(name: name)
        identity = NodeIdentity(self)
        context = NodeContext(self)
        ports.bind(self)
        // Releases what was written so far to the lane that takes the first reasons.
        _ = pending.add([])
    }

    func adopt(inputEdges: [Edge]) { self.inputEdges = inputEdges }

    deinit {
        ports.release()
    }

    // MARK: Waking

    override func wake(_ reason: WakeReasons) {
        wakeAsleep(reason)
        lane.rouseForIncoming()
    }

    override func wakeAsleep(_ reason: WakeReasons) {
        if pending.add(reason) { lane.enqueueIncoming(self) }
    }

    override func wakeLocal(_ reason: WakeReasons) {
        reasons.formUnion(reason)
        if !isQueued {
            isQueued = true
            lane.enqueueReady(self)
        }
    }

    override func rouse(_ other: EdgeEnd) { lane.rouseSoon(unsafeDowncast(other, to: NodeCore.self).lane) }

    override func sharesLane(with other: EdgeEnd) -> Bool { lane === unsafeDowncast(other, to: NodeCore.self).lane }

    override func spec(ofOutput name: String) -> PortSpec? { plan.spec.outputs.first { $0.name == name } }
    override func spec(ofInput name: String) -> PortSpec? { plan.spec.inputs.first { $0.name == name } }

    func descriptorIsReady() { wakeLocal(.descriptor) }

    func takePending() { wakeLocal(pending.take()) }

    /// Nothing leads to it. On the lane.
    var isSource: Bool { hot.pointee.isSource }

    var isDone: Bool { state == .finished || state == .failed }

    /// On the thread that is in a call of the node.
    var isInCall: Bool { caller.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// For as long as the node may be called.
    private func enter() { caller.store(UInt(pthread_self()), ordering: .relaxed) }
    private func exit() { caller.store(0, ordering: .relaxed) }

    // MARK: Life

    func prepare() throws {
        enter()
        defer { exit() }
        seeEpochs()
        hot.pointee.isSource = !ports.inputs.contains { $0.isConnected }
        hot.pointee.now = Int(context.now.nanoseconds)
        try node.prepare(context)
        telemetry.latency = ports.outputs.first?.latency ?? .zero
    }

    /// Items taken and sent so far, and the most that have waited for room. From any thread.
    var itemsTaken: Int { inputEdges.reduce(0) { $0 + $1.popped } }
    var itemsSent: Int { portsFromOutside.outputs.reduce(0) { $0 + $1.sent } }
    var waitingMost: Int { portsFromOutside.outputs.reduce(0) { max($0, $1.waitingMost) } }

    /// The ports for another thread than the lane's.
    var portsFromOutside: NodePorts { replacing.withLock { _ in ports } }

    /// On the lane, once.
    func start() {
        guard state == .idle else { return }
        enter()
        defer { exit() }
        state = .running
        do { try context.armWhatWasAskedInPrepare() } catch { return fail(error) }
        wakeLocal(.start)
    }

    /// One turn.
    func dispatch(now: Int64) {
        isQueued = false
        // The next instance is told of reasons that come before the start or between two instances.
        guard state == .running || state == .finishing else { return }
        enter()
        defer { exit() }
        var why = reasons
        reasons = []
        hot.pointee.now = Int(now)
        hot.pointee.budget = cost.allowance
        seeEpochs()
        telemetry.dispatches.add(1)
        if why.contains(.epoch) { for input in ports.inputs { input.flushStale() } }
        if why.contains(.control) { for control in ports.controlInputs { control.handOver() } }
        if why.contains(.stop) { isStopRequested = true }
        guard drainSpill() else {
            why.remove(.room)
            reasons.formUnion(why)
            settle()
            return
        }
        context.reasons = why
        context.isAhead = why.contains(.timer) && now < aheadOf
        if context.isAhead { lane.begins(aheadOf: aheadOf) }
        do {
            if state == .running { try node.process(now: Instant(nanoseconds: now)) }
            if let fault = hot.pointee.fault { throw error(of: fault) }
            if state == .running && isAtEnd { state = .finishing }
            if state == .finishing, !isDrained, hot.pointee.fullOutputs == 0 {
                isDrained = try node.finish(now: Instant(nanoseconds: now))
            }
            if let fault = hot.pointee.fault { throw error(of: fault) }
            if lane.isVirtual { try noteHandOver(why) }
            if isDrained && drainSpill() {
                complete()
                return
            }
        } catch {
            fail(error)
            return
        }
        if hot.pointee.budget <= 0 { wakeLocal(.more) }
        settle()
    }

    /// Throws where nodes answer each other's controls for ever at one instant.
    private func noteHandOver(_ why: WakeReasons) throws {
        guard why.contains(.control), why.isSubset(of: [.control, .more]), hot.pointee.budget == cost.allowance else {
            return handOvers.reset()
        }
        let sent = outputStates.reduce(0) { $0 + $1.pointee.sentCount.count }
        guard !handOvers.note(at: lane.now, sent: sent) else { return }
        guard let loop = ControlLoop(session.run.sessions).names(from: name) else { return handOvers.reset() }
        let time = decimal(Interval(nanoseconds: lane.now - session.run.startedAt).seconds, places: 3)
        throw NodeError(
            "was handed controls \(HandOvers.most) times at \(time) s while no media moved: "
                + "the control links \(loop.joined(separator: " -> ")) are a loop that lets no time pass",
            advice: "Let one of these nodes answer only what has changed, or at a later time.")
    }

    /// Nothing is left to be processed: the node said so, its inputs have ended, or it is a source and the graph stops.
    private var isAtEnd: Bool {
        if context.isFinishRequested { return true }
        if hot.pointee.isSource { return isStopRequested }
        return inputStates.allSatisfy { $0.pointee.isEnded }
    }

    /// The epochs that this dispatch takes for the present ones.
    func seeEpochs() {
        var view = EpochView(epoch)
        for input in inputStates { input.pointee.see(&view) }
        hot.pointee.epoch = view.own
    }

    private func error(of fault: PortFault) -> any Error {
        hot.pointee.fault = nil
        return fault.error(in: self)
    }

    private func drainSpill() -> Bool {
        guard hot.pointee.fullOutputs != 0 else { return true }
        var isEmpty = true
        for output in ports.outputs where !output.drainSpill() { isEmpty = false }
        return isEmpty
    }

    /// A dispatch has taken so many nanoseconds. Virtual time stands still meanwhile, and nobody calls this there.
    func noteCost(_ elapsed: Int, at now: Int64) {
        telemetry.busy.add(elapsed)
        noteFirstSend(at: now)
        guard cost.note(elapsed, items: cost.allowance - hot.pointee.budget) else { return }
        hot.pointee.wakesEarly = cost.isLong
    }

    /// Its next dispatch may take long.
    var isLong: Bool { hot.pointee.wakesEarly }

    /// It is known to take less than it costs to wake another thread for it.
    var isLendable: Bool { cost.isLendable }

    func noteFirstSend(at now: Int64) {
        guard telemetry.firstSent.count == 0, outputStates.contains(where: { $0.pointee.sentCount.count > 0 }) else {
            return
        }
        telemetry.firstSent.set(Int(now))
    }

    /// The second half of both handshakes of `Ring`: announce, one fence for all edges of the node, look again.
    private func settle() {
        var crosses = false
        for input in inputStates { crosses = input.pointee.announce() || crosses }
        for output in outputStates { crosses = output.pointee.announce() || crosses }
        if crosses { HardwareWord.fence() }
        for input in inputStates where input.pointee.lookAgain() { wakeLocal(.input) }
        for output in outputStates {
            let why = output.pointee.lookAgain()
            if !why.isEmpty { wakeLocal(why) }
        }
    }

    private func complete() {
        leave()
        state = .finished
        session.noteDone(self, error: nil)
    }

    private func fail(_ error: any Error) {
        if session.mayRestart(self, after: error) {
            state = .restarting
            context.release()
            node.close()
            context.handle.close()
            // It is not dispatched again soon: whoever waits for room is told now.
            hot.pointee.budget = cost.allowance
            hot.pointee.fault = nil
            settle()
            session.noteRestart(self, error: error)
            return
        }
        leave()
        state = .failed
        session.noteDone(self, error: error)
    }

    /// Ends the outputs, lets the inputs go, gives the node's resources back. The node counts as done only afterwards:
    /// one that blocks in `close` is named as it would be in any other call.
    private func leave() {
        context.release()
        context.isWaiting(for: nil)
        node.close()
        context.handle.close()
        for output in ports.outputs { output.end() }
        for input in ports.inputs { input.close() }
        for control in ports.controlOutputs { control.links.removeAll() }
    }

    /// On the lane, from a session that is torn down or failed: as if the node had finished.
    func abandon() {
        guard !isDone else { return }
        enter()
        defer { exit() }
        leave()
        state = .failed
        session.noteDone(self, error: nil)
    }

    /// On the lane: a fresh instance takes over the edges and what the inputs held.
    func replace() {
        guard state == .restarting else { return }
        enter()
        defer { exit() }
        let fresh = type(of: node).init()
        let old = ports
        let freshPorts = NodePorts(of: fresh)
        replacing.withLock { _ in
            node = fresh
            ports = freshPorts
            (inputStates, outputStates) = (freshPorts.inputStates, freshPorts.outputStates)
        }
        ports.bind(self)
        ports.takeOver(from: old)
        old.release()
        context.renew()
        seeEpochs()
        do {
            try node.prepare(context)
            telemetry.latency = ports.outputs.first?.latency ?? .zero
            state = .running
            for output in ports.outputs { output.markDiscontinuity() }
            wakeLocal(.start)
        } catch {
            state = .running
            fail(error)
        }
    }

    /// On the thread that builds: the node was prepared, and is not to run.
    func giveBack() {
        enter()
        defer { exit() }
        node.close()
    }

    func interrupt() { replacing.withLock { _ in node }.interrupt() }
}
