import CSys
import Glibc
import Synchronization

/// The thread that decides about sessions: messages from lanes and builders, and timers. Under the virtual clock the
/// runner drives it between the lanes.
final class Supervisor: @unchecked Sendable {
    private typealias Message = @Sendable () -> Void
    /// nil once the run is over.
    private let messages = Mutex<[Message]?>([])
    /// Served before every other message.
    private let urgent = Mutex<[Message]?>([])
    private let hasUrgent = Atomic<Bool>(false)
    /// Messages so far. The locks order all that comes with a message; this says it to the thread sanitizer, which does
    /// not see into them.
    private let posted = Atomic<Int>(0)
    private var timers = ActionHeap()
    private let wake: Int32
    private let clock: Atomic<Int64>

    init(now: Int64) {
        clock = Atomic(now)
        wake = sys_eventfd()
    }

    deinit { if wake >= 0 { Glibc.close(wake) } }

    /// Nanoseconds of the graph's clock. Readable from any thread.
    var now: Int64 {
        get { clock.load(ordering: .relaxed) }
        set { clock.store(newValue, ordering: .relaxed) }
    }

    /// The system has given what a supervisor needs.
    func checkIsUsable() throws {
        guard wake < 0 else { return }
        throw NodeError(
            "the kernel refuses the run a descriptor", advice: "Raise the limit of open files (ulimit -n).")
    }

    /// From any thread.
    func post(_ message: @escaping @Sendable () -> Void) {
        posted.wrappingAdd(1, ordering: .releasing)
        let isFirst = messages.withLock { all in
            all?.append(message)
            return all?.count == 1
        }
        if isFirst { _ = sys_eventfd_signal(wake) }
    }

    /// From any thread: before everything that waits already.
    func postUrgent(_ message: @escaping @Sendable () -> Void) {
        posted.wrappingAdd(1, ordering: .releasing)
        urgent.withLock { $0?.append(message) }
        hasUrgent.store(true, ordering: .releasing)
        _ = sys_eventfd_signal(wake)
    }

    func after(_ interval: Interval, _ action: @escaping () -> Void) {
        let (end, isPastAll) = now.addingReportingOverflow(interval.nanoseconds)
        timers.push(at: isPastAll ? .max : end, action)
    }

    /// The run is over: messages and timers are dropped, those too that come from now on. They hold the run.
    func close() {
        timers = ActionHeap()
        // Let go of outside the locks: what they hold may end with them.
        _ = messages.withLock { all in
            defer { all = nil }
            return all
        }
        _ = urgent.withLock { all in
            defer { all = nil }
            return all
        }
    }

    var earliestTimer: Int64 { timers.earliest }

    /// Runs what was posted and what is due; false if there was nothing.
    @discardableResult
    func turn() -> Bool {
        var did = runUrgent()
        let taken = messages.withLock { all in
            let taken = all ?? []
            if all != nil { all = [] }
            return taken
        }
        _ = posted.load(ordering: .acquiring)
        for message in taken {
            message()
            did = true
            _ = runUrgent()
        }
        while let action = timers.popDue(now) {
            action()
            did = true
        }
        return did
    }

    private func runUrgent() -> Bool {
        guard hasUrgent.exchange(false, ordering: .acquiring) else { return false }
        let taken = urgent.withLock { all in
            let taken = all ?? []
            if all != nil { all = [] }
            return taken
        }
        _ = posted.load(ordering: .acquiring)
        for message in taken { message() }
        return true
    }

    /// Waits for a message or a timer.
    func wait() {
        now = sys_monotonic_ns()
        let earliest = earliestTimer
        let limit = earliest == .max ? -1 : Int32(clamping: max(0, earliest - now + 999_999) / 1_000_000)
        var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        if poll(&descriptor, 1, limit) > 0 { sys_eventfd_drain(wake) }
        now = sys_monotonic_ns()
    }
}

/// Actions by the time at which they are due; those of one time in the order in which they came.
struct ActionHeap {
    private var entries: [(at: Int64, order: Int, action: () -> Void)] = []
    private var order = 0

    var earliest: Int64 { entries.isEmpty ? .max : entries[0].at }

    mutating func push(at: Int64, _ action: @escaping () -> Void) {
        order += 1
        entries.append((at, order, action))
        var child = entries.count - 1
        while child > 0, comesFirst(child, (child - 1) / 2) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// nil if none is due.
    mutating func popDue(_ now: Int64) -> (() -> Void)? {
        // By subscript: an optional of an entry would allocate a thunk for its closure.
        guard !entries.isEmpty, entries[0].at <= now else { return nil }
        let action = entries[0].action
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && comesFirst(child, least) {
                    least = child
                }
                if least == parent { break }
                entries.swapAt(parent, least)
                parent = least
            }
        }
        return action
    }

    private func comesFirst(_ a: Int, _ b: Int) -> Bool {
        (entries[a].at, entries[a].order) < (entries[b].at, entries[b].order)
    }
}
