import Synchronization

/// The engine's side of a node: its ports, its lane, why it is to run, and one dispatch of it.
public final class NodeCore: @unchecked Sendable {
    /// `listener.1/pacer`: unique in the run.
    let name: String
    let plan: NodePlan
    let lane: Lane
    unowned let session: Session
    @exclusivity(unchecked) private(set) var node: any Node
    // These change only on the lane, when the node is restarted; no need to check that at run time.
    @exclusivity(unchecked) private(set) var ports: NodePorts
    private(set) var context: NodeContext!
    /// The working parts of the ports: walked in every dispatch.
    @exclusivity(unchecked) private var inputStates: UnsafeBufferPointer<UnsafeMutablePointer<InputState>>
    @exclusivity(unchecked) private var outputStates: UnsafeBufferPointer<UnsafeMutablePointer<OutputState>>
    let telemetry = NodeTelemetry()
    /// How late media are when they reach this node, by what the nodes before it declared. Fixed by the assembly.
    var pathLatency = Latency.zero

    /// What ports look at for every item.
    @usableFromInline let hot: UnsafeMutablePointer<Hot>
    /// Stands in for `hot` until a port is bound.
    @usableFromInline nonisolated(unsafe) static let idle: UnsafeMutablePointer<Hot> = {
        let hot = UnsafeMutablePointer<Hot>.allocate(capacity: 1)
        hot.initialize(to: Hot())
        return hot
    }()

    @frozen
    public struct Hot {
        /// Items that the node may still take, or send if it is a source, in this dispatch.
        @usableFromInline var budget = 0
        /// Outputs that are full: while there are any, inputs hand nothing out.
        @usableFromInline var fullOutputs = 0
        /// The lane's time at the start of the dispatch, in nanoseconds.
        @usableFromInline var now = 0
        @usableFromInline var isSource = false
        /// Dispatches take long enough for the other ends of the node's edges to be woken in the middle of one.
        @usableFromInline var wakesEarly = true
        /// An item came whose format the port does not take: the node fails after this dispatch.
        @usableFromInline var refusedBy: Unmanaged<InputPort>?
        @usableFromInline var refusedFormat: MediaFormat?

        @inlinable @inline(__always)
        var mayTake: Bool { budget > 0 && fullOutputs == 0 }
        @inlinable @inline(__always)
        mutating func spend() { if isSource { budget &-= 1 } }
    }

    enum State: UInt8, Sendable { case idle, running, finishing, restarting, finished, failed }
    private let stateWord = Atomic<UInt8>(State.idle.rawValue)
    /// Written on the lane, or before it runs; the supervisor reads it.
    private(set) var state: State {
        get { State(rawValue: stateWord.load(ordering: .relaxed))! }
        set { stateWord.store(newValue.rawValue, ordering: .relaxed) }
    }
    /// Held while a restart replaces instance and ports, and by other threads that look at them.
    private let replacing = Mutex<Void>(())

    // Scheduling. `queued` and `reasons` belong to the lane; `pending` and `nextIncoming` to whoever wakes.
    @exclusivity(unchecked) var isQueued = false
    @exclusivity(unchecked) private var reasons: WakeReasons = []
    private let pending = PendingReasons<HardwareWord>()
    /// The node below this one on its lane's stack, as a word; 0 for none.
    @exclusivity(unchecked) var nextIncoming = 0
    var timerIndex = -1
    /// What its timer is to wake it ahead of, in nanoseconds; `Int.min` where it wakes at its time.
    @exclusivity(unchecked) var aheadOf = Int.min
    @exclusivity(unchecked) private var isStopRequested = false
    /// `finish` has said that nothing is left; what it could not send may still wait.
    @exclusivity(unchecked) private var isDrained = false
    @exclusivity(unchecked) private var allowance = NodeCore.itemBudget
    @exclusivity(unchecked) private var nanosecondsPerItem = 0

    /// A dispatch's budget: so many items, or as many as were worth 200 µs lately.
    static let itemBudget = 32
    static let timeBudget = 200_000
    /// Nanoseconds. Below it a whole dispatch costs less than the wake-ups across lanes that it would cause if each item
    /// woke the next node at once, which sleeps again before the second one comes.
    static let longItem = 5_000
    /// Nanoseconds: about what a wake-up takes on an idle core.
    static let lendableItem = 30_000

    init(name: String, plan: NodePlan, node: any Node, lane: Lane, session: Session) {
        self.name = name
        self.plan = plan
        self.node = node
        self.lane = lane
        self.session = session
        hot = .allocate(capacity: 1)
        hot.initialize(to: Hot())
        ports = NodePorts(of: node)
        (inputStates, outputStates) = (ports.inputStates, ports.outputStates)
        context = NodeContext(core: self)
        ports.bind(self)
    }

    deinit {
        ports.release()
        hot.deinitialize(count: 1)
        hot.deallocate()
    }

    // MARK: Waking

    /// From any thread.
    @usableFromInline
    func wake(_ reason: WakeReasons) {
        wakeAsleep(reason)
        lane.rouseForIncoming()
    }

    /// From any thread: the lane finds it when it looks, and sleeps on if it sleeps. The caller rouses it.
    func wakeAsleep(_ reason: WakeReasons) {
        if pending.add(reason) { lane.enqueueIncoming(self) }
    }

    /// On the node's lane.
    @usableFromInline
    func wakeLocal(_ reason: WakeReasons) {
        reasons.formUnion(reason)
        if !isQueued {
            isQueued = true
            lane.enqueueReady(self)
        }
    }

    func wakeForControl() { wake(.control) }

    func takePending() { wakeLocal(pending.take()) }

    var isDone: Bool { state == .finished || state == .failed }

    // MARK: Life

    func prepare() throws {
        hot.pointee.isSource = !ports.inputs.contains { $0.isConnected }
        hot.pointee.now = Int(context.now.nanoseconds)
        try node.prepare(context)
    }

    /// The ports for another thread than the lane's.
    var portsFromOutside: NodePorts { replacing.withLock { _ in ports } }

    /// On the lane, once.
    func start() {
        guard state == .idle else { return }
        state = .running
        do { try context.armWhatWasAskedInPrepare() } catch { return fail(error) }
        wakeLocal(.start)
    }

    /// One turn.
    func dispatch(now: Int64) {
        isQueued = false
        // What comes before the start or between two instances is told to the next one.
        guard state == .running || state == .finishing else { return }
        var why = reasons
        reasons = []
        hot.pointee.now = Int(now)
        hot.pointee.budget = allowance
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
            if hot.pointee.refusedBy != nil { throw refusal }
            if state == .running && isAtEnd { state = .finishing }
            if state == .finishing, !isDrained, hot.pointee.fullOutputs == 0 {
                isDrained = try node.finish(now: Instant(nanoseconds: now))
            }
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

    /// Nothing is left to be processed: the node said so, its inputs have ended, or it is a source and the graph stops.
    private var isAtEnd: Bool {
        if context.isFinishRequested { return true }
        if hot.pointee.isSource { return isStopRequested }
        return inputStates.allSatisfy { $0.pointee.isEnded }
    }

    private var refusal: any Error {
        defer { (hot.pointee.refusedBy, hot.pointee.refusedFormat) = (nil, nil) }
        guard let port = hot.pointee.refusedBy?.takeUnretainedValue(), let edge = port.edge,
            let format = hot.pointee.refusedFormat,
            let diagnostic = disagreement(on: edge, gives: format, takes: port.formats)
        else { return NodeError("an input got a format that it does not take") }
        return GraphError([diagnostic])
    }

    private func drainSpill() -> Bool {
        guard hot.pointee.fullOutputs != 0 else { return true }
        var isEmpty = true
        for output in ports.outputs where !output.drainSpill() { isEmpty = false }
        return isEmpty
    }

    /// How long one item took, over the last dispatches, decides how many the next one may take. Virtual time stands
    /// still meanwhile, so there the budget is always whole and runs repeat.
    func noteCost(_ elapsed: Int, at now: Int64) {
        telemetry.busy.add(elapsed)
        noteFirstSend(at: now)
        let used = allowance - hot.pointee.budget
        guard used > 0 else { return }
        nanosecondsPerItem += (elapsed / used - nanosecondsPerItem) / 8
        allowance = max(1, min(NodeCore.itemBudget, NodeCore.timeBudget / max(1, nanosecondsPerItem)))
        hot.pointee.wakesEarly = nanosecondsPerItem > NodeCore.longItem
    }

    /// Its next dispatch may take long.
    var isLong: Bool { hot.pointee.wakesEarly }

    /// It is known to take less than it costs to wake another thread for it.
    var isLendable: Bool { nanosecondsPerItem > 0 && nanosecondsPerItem <= NodeCore.lendableItem }

    func noteFirstSend(at now: Int64) {
        guard telemetry.firstSent.count == 0, outputStates.contains(where: { $0.pointee.sentCount > 0 }) else {
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
            // It is not dispatched again soon: whoever waits for room is told now.
            hot.pointee.budget = allowance
            settle()
            session.noteRestart(self, error: error)
            return
        }
        leave()
        state = .failed
        session.noteDone(self, error: error)
    }

    /// Ends the outputs, lets the inputs go, gives the node's resources back. The node counts as done only afterwards: one
    /// that blocks in `close` is named as it would be in any other call.
    private func leave() {
        context.release()
        context.isWaiting(for: nil)
        node.close()
        for output in ports.outputs { output.end() }
        for input in ports.inputs { input.close() }
        for control in ports.controlOutputs { control.links.removeAll() }
    }

    /// On the lane, from a session that is torn down or failed: as if the node had finished.
    func abandon() {
        guard !isDone else { return }
        leave()
        state = .failed
        session.noteDone(self, error: nil)
    }

    /// On the lane: a fresh instance takes over the edges and what the inputs held.
    func replace() {
        guard state == .restarting else { return }
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
        do {
            try node.prepare(context)
            state = .running
            for output in ports.outputs { output.markDiscontinuity() }
            wakeLocal(.start)
        } catch {
            state = .running
            fail(error)
        }
    }

    func interrupt() { replacing.withLock { _ in node }.interrupt() }
}
