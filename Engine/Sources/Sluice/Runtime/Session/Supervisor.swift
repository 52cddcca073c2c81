import CSys
import Glibc
import Synchronization

/// The thread that builds, watches and ends sessions: messages from lanes, timers. Under the
/// virtual clock the runner drives it between the lanes.
final class Supervisor: @unchecked Sendable {
    private let messages = Mutex<[@Sendable () -> Void]>([])
    private var timers: [(at: Int64, order: Int, action: () -> Void)] = []
    private var order = 0
    private let wake: Int32
    /// Nanoseconds of the graph's clock.
    var now: Int64

    init(now: Int64) {
        self.now = now
        wake = sys_eventfd()
    }

    deinit { Glibc.close(wake) }

    /// From any thread.
    func post(_ message: @escaping @Sendable () -> Void) {
        let isFirst = messages.withLock { all in
            all.append(message)
            return all.count == 1
        }
        if isFirst { _ = sys_eventfd_signal(wake) }
    }

    func after(_ interval: Interval, _ action: @escaping () -> Void) {
        order += 1
        timers.append((now + interval.nanoseconds, order, action))
    }

    func cancelTimers() { timers = [] }

    var earliestTimer: Int64 { timers.reduce(.max) { min($0, $1.at) } }

    /// Runs what was posted and what is due; false if there was nothing.
    @discardableResult
    func turn() -> Bool {
        var did = false
        let taken = messages.withLock { all in
            let taken = all
            all = []
            return taken
        }
        for message in taken {
            message()
            did = true
        }
        while let index = timers.indices.filter({ timers[$0].at <= now }).min(by: {
            (timers[$0].at, timers[$0].order) < (timers[$1].at, timers[$1].order)
        }) {
            timers.remove(at: index).action()
            did = true
        }
        return did
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
