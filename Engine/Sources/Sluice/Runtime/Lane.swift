import CSys
import Synchronization

/// One thread's worth of nodes: a ready queue, a timer heap, messages, and descriptors.
///
/// A lane is passive: `LaneThread` runs one on a thread of its own under the system clock, `VirtualRunner` runs all of
/// them in turn under the virtual one. In one turn a lane serves what is due in this order: timers, messages and wakes
/// from other threads, descriptors, then each node that is ready, once. A node that used its budget up goes to the back.
final class Lane: @unchecked Sendable {
    let name: String
    /// Nanoseconds. Refreshed before each dispatch under the system clock, set by the runner under the virtual one.
    @exclusivity(unchecked) var now: Int64 = 0
    let isVirtual: Bool
    /// Runs, or is going to run, with real-time priority. Of the supervisor.
    var wantsRealtime = false
    /// What the graph gives it.
    let plan: LanePlan

    // Only the thread that runs the lane touches these.
    @exclusivity(unchecked) private var ready = ReadyQueue()
    @exclusivity(unchecked) private var timers = TimerHeap()
    /// Sleeping lanes that have work from this one, and when they are to be roused at the latest.
    @exclusivity(unchecked) private var toRouse: ContiguousArray<Lane> = []
    @exclusivity(unchecked) private var rousesBefore: Int64 = 0
    private let poller: Poller?

    // Written from any thread.
    private let door = LaneDoor<HardwareWord>()
    private let messages = Mutex<[@Sendable () -> Void]>([])

    let wakeups = Counter()
    /// What runs now and since when, for the watchdog: the node's address, and nanoseconds.
    let runningNode = Atomic<UInt>(0)
    let runningSince = Atomic<Int>(0)

    init(name: String, isVirtual: Bool, plan: LanePlan = LanePlan()) throws {
        self.name = name
        self.plan = plan
        self.isVirtual = isVirtual
        poller = isVirtual ? nil : try Poller()
    }

    // MARK: From any thread

    /// Puts a woken node before the lane. The caller rouses the lane.
    func enqueueIncoming(_ core: NodeCore) {
        door.push(Int(bitPattern: Unmanaged.passRetained(core).toOpaque()), link: { core.nextIncoming = $0 })
    }

    /// After nodes were put before the lane.
    func rouseForIncoming() { if door.mustRingForIncoming() { poller?.signal() } }

    /// On this lane, after nodes were put before `other`: rouses it before this one does anything long or sleeps. A lane
    /// that wakes on the same core runs at once, so it should find all that the nodes ready here have for it.
    func rouseSoon(_ other: Lane) {
        guard other.door.isAsleepWithIncoming, !toRouse.contains(where: { $0 === other }) else { return }
        if toRouse.isEmpty { rousesBefore = now + Lane.longestHold }
        toRouse.append(other)
    }

    private func rouseAll() {
        for other in toRouse { other.rouseForIncoming() }
        toRouse.removeAll(keepingCapacity: true)
    }

    /// Nanoseconds.
    private static let longestHold: Int64 = 10_000

    /// Runs `message` on the lane, between dispatches.
    func perform(_ message: @escaping @Sendable () -> Void) {
        messages.withLock { $0.append(message) }
        if door.noteMessage() { poller?.signal() }
    }

    func stop() { if door.noteStop() { poller?.signal() } }

    // MARK: On the lane

    func enqueueReady(_ core: NodeCore) { ready.append(core) }
    func arm(_ core: NodeCore, at: Int) { timers.arm(core, at: at) }
    func disarm(_ core: NodeCore) { timers.cancel(core) }

    func watch(_ descriptor: Int32, _ interest: NodeContext.Interest, for core: NodeCore) throws {
        guard let poller else {
            throw NodeError(
                "\(core.name) waits for a descriptor, which virtual time has none of",
                advice: "Run it with --clock system.")
        }
        try poller.watch(
            descriptor, interest.rawValue, token: UInt(bitPattern: Unmanaged.passUnretained(core).toOpaque()))
    }

    func unwatch(_ descriptor: Int32) { poller?.unwatch(descriptor) }

    var earliestTimer: Int { timers.earliest }

    /// Timers that are due, messages, wakes from elsewhere.
    func collect() {
        while let core = timers.popDue(Int(now)) { core.wakeLocal(.timer) }
        if door.takeMessages() {
            for message in messages.withLock({ all in
                let taken = all
                all = []
                return taken
            }) { message() }
        }
        takeIncoming()
    }

    private func takeIncoming() {
        var top = door.takeIncoming()
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

    /// Under the system clock: every node that is ready now, once. Reads the clock once a dispatch, serves timers that
    /// fall due in between, and tells each node what it cost.
    func dispatchReadyTimed() {
        for _ in 0..<ready.count {
            guard let core = ready.popFirst() else { break }
            runningSince.store(Int(now), ordering: .relaxed)
            runningNode.store(UInt(bitPattern: Unmanaged.passUnretained(core).toOpaque()), ordering: .relaxed)
            core.dispatch(now: now)
            let after = sys_monotonic_ns()
            core.noteCost(Int(after - now), at: after)
            now = after
            if !toRouse.isEmpty && (now >= rousesBefore || ready.first?.isLong ?? true) { rouseAll() }
            while let due = timers.popDue(Int(now)) { due.wakeLocal(.timer) }
        }
        runningNode.store(0, ordering: .relaxed)
    }

    /// Looks for work from other lanes before it sleeps, no longer than a sleep costs. False if none came.
    private func linger() -> Bool {
        now = sys_monotonic_ns()
        let end = min(now + Lingering.time, Int64(timers.earliest))
        while now < end {
            for _ in 0..<16 {
                if door.hasWork {
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
        while !door.isStopped {
            collect()
            if ready.isEmpty {
                rouseAll()
                if lingering.isWorthwhile {
                    if linger() {
                        lingering.worked()
                        continue
                    }
                    lingering.failed()
                }
                guard door.fallAsleep() else {
                    now = sys_monotonic_ns()
                    continue
                }
                now = sys_monotonic_ns()
                let wait = timers.earliest == .max ? -1 : max(0, Int64(timers.earliest) - now)
                let sleptAt = now
                poller.wait(wait)
                door.wakeUp()
                now = sys_monotonic_ns()
                lingering.slept(now - sleptAt)
                polledAt = now
                wakeups.add(1)
            } else {
                if poller.hasDescriptors && now - polledAt > 100_000 {
                    poller.wait(0)
                    polledAt = now
                }
                dispatchReadyTimed()
            }
        }
        collect()
        rouseAll()
    }
}

/// Whether a lane that has nothing to do looks on for a moment before it sleeps.
///
/// Going to sleep and being woken costs both lanes microseconds. Where two lanes hand full edges to each other on two
/// cores, the next work is there sooner. Where media are paced every sleep is long, and no lane lingers. Where both lanes
/// share one core lingering is in vain, and is tried less and less: competitive spinning (Karlin, Li, Manasse and Owicki,
/// "Empirical studies of competitive spinning for a shared-memory multiprocessor", SOSP 1991).
private struct Lingering {
    /// Nanoseconds: about what a sleep and its end cost.
    static let time: Int64 = 5_000
    /// Nanoseconds: a sleep shorter than that was not worth it.
    static let shortSleep: Int64 = 50_000

    private var wasShort = false
    private var failures = 0
    private var skips = 0

    var isWorthwhile: Bool { wasShort && skips == 0 }

    mutating func worked() { failures = 0 }

    mutating func failed() {
        failures = min(failures + 1, 10)
        skips = 1 << failures
    }

    mutating func slept(_ time: Int64) {
        wasShort = time < Lingering.shortSleep
        if skips > 0 { skips -= 1 }
    }
}

/// First in, first out, without allocation once it has grown.
private struct ReadyQueue {
    private var slots = ContiguousArray<Unmanaged<NodeCore>?>(repeating: nil, count: 16)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ core: NodeCore) {
        if count == slots.count {
            let old = slots
            slots = ContiguousArray(repeating: nil, count: old.count * 2)
            for index in 0..<count { slots[index] = old[(head + index) & (old.count - 1)] }
            head = 0
        }
        slots[(head + count) & (slots.count - 1)] = .passRetained(core)
        count += 1
    }

    var first: NodeCore? { count > 0 ? slots[head]?.takeUnretainedValue() : nil }

    mutating func popFirst() -> NodeCore? {
        guard count > 0 else { return nil }
        let core = slots[head]?.takeRetainedValue()
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return core
    }
}
