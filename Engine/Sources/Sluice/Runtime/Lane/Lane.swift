import CSys
import Glibc
import Synchronization

/// One thread's worth of nodes: a ready queue, a timer heap, messages, and descriptors.
///
/// A lane is passive: `LaneThread` runs one on a thread of its own under the system clock, `VirtualRunner` runs all of
/// them in turn under the virtual one. In one turn a lane serves what is due in this order: timers, messages and wakes
/// from other threads, descriptors, then each node that is ready, once. A node that used its budget up goes to the
/// back.
final class Lane: @unchecked Sendable {
    let name: String
    /// Nanoseconds. Refreshed before each dispatch under the system clock, set by the runner under the virtual one.
    @exclusivity(unchecked) var now: Int64 = 0
    let isVirtual: Bool
    /// Runs, or is going to run, with real-time priority, or sooner than others of its nice value.
    let keepsTime = Atomic<Bool>(false)
    /// Has heavy or blocking nodes.
    let needsOwnThread = Atomic<Bool>(false)
    /// Has blocking nodes: no other lane may run this one.
    let blocks = Atomic<Bool>(false)
    /// Its settings in the graph.
    let plan: LanePlan

    // Only the thread that runs the lane touches these: its own, or one that has borrowed it.
    @exclusivity(unchecked) var ready = ReadyQueue()
    @exclusivity(unchecked) private var timers = TimerHeap()
    /// Sleeping lanes that have work from this one, and when they are to be roused at the latest.
    @exclusivity(unchecked) var toRouse: ContiguousArray<Lane> = []
    @exclusivity(unchecked) private var rousesBefore: Int64 = 0
    /// Another lane's thread runs it.
    @exclusivity(unchecked) var isLent = false
    /// When the lane's last long sleep ended. Of its own thread.
    @exclusivity(unchecked) var wokeAt = Int64.min
    @exclusivity(unchecked) private var headStart = HeadStart()
    private let poller: Poller?
    /// Lets the lane's own thread go on that woke while the lane was lent.
    private let returned: UnsafeMutablePointer<sem_t>

    // Written from any thread.
    let shared = LaneSharedState<HardwareWord>()
    private let messages = Mutex<[@Sendable () -> Void]>([])

    let wakeups = Counter()
    /// Nanoseconds that the clock was watched in, ahead of a node's time.
    let watched = Counter()
    /// How often another lane ran this one in its sleep.
    let lent = Counter()
    /// The node that runs now and since when, for the watchdog: the node's address, and nanoseconds.
    let runningNode = Atomic<UInt>(0)
    let runningSince = Atomic<Int>(0)

    init(name: String, isVirtual: Bool, plan: LanePlan = LanePlan()) throws {
        self.name = name
        self.plan = plan
        self.isVirtual = isVirtual
        // Where this throws nothing is allocated yet: `deinit` does not run then.
        poller = isVirtual ? nil : try Poller()
        returned = .allocate(capacity: 1)
        sem_init(returned, 0, 0)
    }

    deinit {
        sem_destroy(returned)
        returned.deallocate()
    }

    // MARK: From any thread

    /// Puts a woken node before the lane. The caller rouses the lane.
    func enqueueIncoming(_ core: NodeCore) {
        shared.push(Int(bitPattern: Unmanaged.passRetained(core).toOpaque()), link: { core.nextIncoming = $0 })
    }

    /// After nodes were put before the lane.
    func rouseForIncoming() { if shared.mustRingForIncoming() { poller?.signal() } }

    /// On this lane, after nodes were put before `other`: rouses it before this one does anything long or sleeps. A
    /// lane that wakes on the same core runs at once, so it should find all that the nodes ready here have for it.
    func rouseSoon(_ other: Lane) {
        guard other.shared.isAsleepWithIncoming, !toRouse.contains(where: { $0 === other }) else { return }
        if toRouse.isEmpty { rousesBefore = now + Lane.longestHold }
        toRouse.append(other)
    }

    private func rouseAll() {
        while !toRouse.isEmpty {
            let other = toRouse.removeFirst()
            if !serves(other) { other.rouseForIncoming() }
        }
    }

    func ring() { poller?.signal() }
    func letGoOn() { sem_post(returned) }

    /// Nanoseconds.
    private static let longestHold: Int64 = 10_000

    /// Runs `message` on the lane, between dispatches.
    func perform(_ message: @escaping @Sendable () -> Void) {
        messages.withLock { $0.append(message) }
        if shared.noteMessage() { poller?.signal() }
    }

    func stop() { if shared.noteStop() { poller?.signal() } }

    /// When the lane's thread, or the run in virtual time, has ended: lets go of nodes that were woken too late. They
    /// hold the lane as it holds them.
    func forget() {
        takeIncoming()
        while ready.popFirst() != nil {}
        toRouse.removeAll()
        messages.withLock { $0.removeAll() }
    }

    // MARK: On the lane

    func enqueueReady(_ core: NodeCore) { ready.append(core) }
    func arm(_ core: NodeCore, at: Int) {
        core.aheadOf = .min
        timers.arm(core, at: at)
    }
    /// Wakes the node before `at`, so that it is ready then; at that time itself in virtual time, or where the lane has
    /// watched the clock for long enough.
    func arm(_ core: NodeCore, aheadOf at: Int) {
        core.aheadOf = at
        timers.arm(core, at: isVirtual ? at : at - headStart.take(for: at, now: now))
    }
    func begins(aheadOf at: Int) { headStart.begin(at) }
    func disarm(_ core: NodeCore) { timers.cancel(core) }

    func watch(_ descriptor: Int32, _ interest: NodeContext.Interest, for core: NodeCore) throws {
        guard let poller else {
            throw NodeError(
                "\(core.name) waits for a descriptor, which virtual time has none of",
                advice: "Run it with --clock system.")
        }
        try poller.watch(descriptor, interest.rawValue, for: core)
    }

    func unwatch(_ descriptor: Int32) { poller?.unwatch(descriptor) }

    var earliestTimer: Int { timers.earliest }

    /// Timers that are due, messages, wakes from elsewhere.
    func collect() {
        while let core = timers.popDue(Int(now)) { core.wakeLocal(.timer) }
        if shared.takeMessages() {
            for message in messages.withLock({ all in
                let taken = all
                all = []
                return taken
            }) { message() }
        }
        takeIncoming()
    }

    func takeIncoming() {
        var top = shared.takeIncoming()
        var first: Unmanaged<NodeCore>?
        // The stack has the latest on top; nodes run in the order in which they were woken.
        while let core = UnsafeRawPointer(bitPattern: top).map(Unmanaged<NodeCore>.fromOpaque) {
            top = core._withUnsafeGuaranteedRef { $0.nextIncoming }
            core._withUnsafeGuaranteedRef { $0.nextIncoming = first.map { Int(bitPattern: $0.toOpaque()) } ?? 0 }
            first = core
        }
        while let core = first {
            let next = core._withUnsafeGuaranteedRef { $0.nextIncoming }
            first = UnsafeRawPointer(bitPattern: next).map(Unmanaged<NodeCore>.fromOpaque)
            core._withUnsafeGuaranteedRef { $0.takePending() }
            core.release()
        }
    }

    /// Nodes that are ready now.
    var readyCount: Int { ready.count }

    /// Dispatches the node that has been ready longest at the lane's present time; nil if there is none.
    func dispatchFirst() -> NodeCore? {
        guard let core = ready.popFirst() else { return nil }
        core.dispatch(now: now)
        return core
    }

    /// Under the system clock: every node that is ready now, once.
    private func dispatchReadyTimed() {
        for _ in 0..<ready.count {
            guard let core = ready.popFirst() else { break }
            dispatchTimed(core)
            if !toRouse.isEmpty && (now >= rousesBefore || ready.first?.isLong ?? true) { rouseAll() }
        }
        runningNode.store(0, ordering: .relaxed)
    }

    /// Reads the clock once a dispatch, tells the node what it cost, and serves timers that fell due.
    func dispatchTimed(_ core: NodeCore) {
        runningSince.store(Int(now), ordering: .relaxed)
        runningNode.store(UInt(bitPattern: Unmanaged.passUnretained(core).toOpaque()), ordering: .relaxed)
        core.dispatch(now: now)
        let after = sys_monotonic_ns()
        core.noteCost(Int(after - now), at: after)
        now = after
        while let due = timers.popDue(Int(now)) { due.wakeLocal(.timer) }
    }

    /// Looks for work from other lanes before it sleeps, no longer than a sleep costs. False if none came.
    private func linger(_ time: Int64) -> Bool {
        now = sys_monotonic_ns()
        return watchClock(until: min(now + time, Int64(timers.earliest)))
    }

    /// Stays awake until the timer that a node was woken ahead of.
    private func waitAhead() {
        now = sys_monotonic_ns()
        headStart.ready(now: now)
        let since = now
        _ = watchClock(until: Int64(timers.earliest))
        watched.add(Int(now - since))
    }

    /// True if work came from another lane before `end`.
    private func watchClock(until end: Int64) -> Bool {
        while now < end {
            for _ in 0..<16 {
                if shared.hasWork {
                    now = sys_monotonic_ns()
                    return true
                }
                sys_pause()
            }
            now = sys_monotonic_ns()
        }
        return false
    }

    /// The lane's life on its thread.
    func run() {
        guard let poller else { return }
        var polledAt: Int64 = 0
        var lingering = Lingering()
        now = sys_monotonic_ns()
        while !shared.isStopped {
            collect()
            if ready.isEmpty {
                rouseAll()
                if headStart.watches(for: timers.earliest) {
                    waitAhead()
                    continue
                }
                if lingering.isWorthwhile {
                    if linger(lingering.time) {
                        lingering.worked()
                        continue
                    }
                    lingering.failed()
                }
                let sleptAt = sys_monotonic_ns()
                let wait = timers.earliest == .max ? -1 : max(0, Int64(timers.earliest) - sleptAt)
                // From here on another lane may borrow this one.
                guard shared.fallAsleep() else {
                    now = sleptAt
                    continue
                }
                poller.wait(wait)
                if !shared.wakeUp() { while sem_wait(returned) != 0 {} }
                poller.deliver()
                now = sys_monotonic_ns()
                lingering.slept(now - sleptAt)
                if !lingering.wasShort { wokeAt = now }
                polledAt = now
                wakeups.add(1)
            } else {
                if poller.hasDescriptors && now - polledAt > 100_000 {
                    poller.wait(0)
                    poller.deliver()
                    polledAt = now
                }
                dispatchReadyTimed()
            }
        }
        collect()
        rouseAll()
    }
}
