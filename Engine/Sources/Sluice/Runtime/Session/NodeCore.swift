import Glibc
import Synchronization

/// The engine's side of a node: its instance, its ports, its lane, and how it is woken.
///
/// `NodeDispatch` is one turn of it; `NodeLife` begins, ends and replaces it.
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
    @exclusivity(unchecked) private(set) var inputStates: UnsafeBufferPointer<UnsafeMutablePointer<InputState>>
    @exclusivity(unchecked) private(set) var outputStates: UnsafeBufferPointer<UnsafeMutablePointer<OutputState>>
    let telemetry = NodeTelemetry()
    private(set) var identity: NodeIdentity!
    /// Its edges, whatever its ports do with them. Fixed by the session.
    private(set) var inputEdges: [Edge] = []
    /// How late media are when they reach this node, by what the nodes before it declared. Fixed by the assembly.
    var pathLatency = Interval.Bounds.zero

    enum State: UInt8, Sendable { case idle, running, finishing, restarting, finished, failed }
    private let stateWord = Atomic<UInt8>(State.idle.rawValue)
    /// Written on the lane, or before it runs; the supervisor reads it.
    var state: State {
        get { State(rawValue: stateWord.load(ordering: .relaxed))! }
        set { stateWord.store(newValue.rawValue, ordering: .relaxed) }
    }
    /// The thread that is in a call of the node just now; 0 for none.
    private let caller = Atomic<UInt>(0)
    /// Held while a restart replaces instance and ports, and by other threads that look at them.
    private let replacing = Mutex<Void>(())

    // Scheduling. `pending` and `nextIncoming` are touched by any thread that wakes, the rest on the lane.
    @exclusivity(unchecked) var isQueued = false
    private let pending = PendingReasons<HardwareWord>()
    /// The node below this one on its lane's stack, as a word; 0 for none.
    @exclusivity(unchecked) var nextIncoming = 0
    var timerIndex = -1
    /// The moment that its timer is to wake it ahead of, in nanoseconds; `Int.min` where it wakes at its time.
    @exclusivity(unchecked) var aheadOf = Int.min
    /// For its next dispatch. On the lane.
    @exclusivity(unchecked) var turn = NodeTurn()

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

    /// On the lane: the instance and the ports that it has from now on. Returns the ports that it had.
    func become(_ fresh: any Node, with freshPorts: NodePorts) -> NodePorts {
        replacing.withLock { _ in
            let old = ports
            node = fresh
            ports = freshPorts
            (inputStates, outputStates) = (freshPorts.inputStates, freshPorts.outputStates)
            return old
        }
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
        turn.reasons.formUnion(reason)
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

    // MARK: Its state

    /// Nothing leads to it. On the lane.
    var isSource: Bool { hot.pointee.isSource }

    var isDone: Bool { state == .finished || state == .failed }

    /// On the thread that is in a call of the node.
    var isInCall: Bool { caller.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// For as long as the node may be called.
    func enter() { caller.store(UInt(pthread_self()), ordering: .relaxed) }
    func exit() { caller.store(0, ordering: .relaxed) }

    func interrupt() { replacing.withLock { _ in node }.interrupt() }

    // MARK: Counters, from any thread

    /// Items taken and sent so far, and the most that have waited for room.
    var itemsTaken: Int { inputEdges.reduce(0) { $0 + $1.popped } }
    var itemsSent: Int { portsFromOutside.outputs.reduce(0) { $0 + $1.sent } }
    var waitingMost: Int { portsFromOutside.outputs.reduce(0) { max($0, $1.waitingMost) } }

    /// The ports for another thread than the lane's.
    var portsFromOutside: NodePorts { replacing.withLock { _ in ports } }

    // MARK: Epochs

    /// The epochs that this dispatch takes for the present ones.
    func seeEpochs() {
        var view = EpochView(epoch)
        for input in inputStates { input.pointee.see(&view) }
        hot.pointee.epoch = view.own
    }
}
