import CSys
import Glibc
import Synchronization

/// Hands lines to `write`, which may block, on a thread of its own: the one who says something never waits.
@_spi(Host) public final class LineWriter: @unchecked Sendable {
    private struct State: Sendable {
        var queue: LineQueue
        /// The thread holds text that it has taken and not yet written.
        var isWriting = false
        var isStarted = false
        var waiters = 0
    }

    private let state: Mutex<State>
    private let write: @Sendable (String) -> Void
    /// Posted when lines have come to a thread that may wait.
    private let work = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    /// Readable when everything was written and somebody waits for that; −1 where there is no descriptor to be had.
    private let drained: Int32

    /// The writer lives as long as the process.
    public convenience init(write: @escaping @Sendable (String) -> Void) { self.init(queue: LineQueue(), write: write) }

    init(queue: LineQueue, write: @escaping @Sendable (String) -> Void) {
        state = Mutex(State(queue: queue))
        self.write = write
        sem_init(work, 0, 0)
        drained = sys_eventfd()
    }

    deinit {
        sem_destroy(work)
        work.deallocate()
        if drained >= 0 { close(drained) }
    }

    /// From any thread. Where the kernel gives no thread, `line` is written at once.
    public func say(_ line: String) {
        guard start() else { return write(line) }
        let isFirst = state.withLock { state in
            let isFirst = state.queue.isEmpty
            state.queue.add(line)
            return isFirst
        }
        if isFirst { sem_post(work) }
    }

    /// Lines wait to be written: what is soon out of date may be left out.
    public var isBehind: Bool { state.withLock { !$0.queue.isEmpty || $0.isWriting } }

    /// Waits until everything was written, for `limit` at most. False if something was not.
    @discardableResult
    public func drain(within limit: Interval) -> Bool {
        let end = sys_monotonic_ns() + limit.nanoseconds
        state.withLock { $0.waiters += 1 }
        defer { state.withLock { $0.waiters -= 1 } }
        while isBehind {
            let rest = end - sys_monotonic_ns()
            guard rest > 0 else { return false }
            // Without a descriptor it looks again every 10 ms.
            var entry = pollfd(fd: drained, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, Int32(drained < 0 ? 10 : rest / 1_000_000 + 1)) > 0 { sys_eventfd_drain(drained) }
        }
        return true
    }

    /// Starts the thread now, while there is one to be had. False if there is none.
    @discardableResult
    public func start() -> Bool {
        state.withLock { state in
            if state.isStarted { return true }
            // It takes no signal: which thread gets one is the business of those that ask for them.
            var (all, before) = (sigset_t(), sigset_t())
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            var thread = pthread_t()
            let box = Unmanaged.passRetained(self)
            state.isStarted = pthread_create(&thread, nil, writeLines, box.toOpaque()) == 0
            if state.isStarted { pthread_detach(thread) } else { box.release() }
            return state.isStarted
        }
    }

    fileprivate func body() {
        sys_set_thread_name("lines")
        while true {
            while sem_wait(work) != 0 {}
            let text = state.withLock { state in
                state.isWriting = true
                return state.queue.take()
            }
            if !text.isEmpty { write(text) }
            let tells = state.withLock { state in
                state.isWriting = false
                return state.queue.isEmpty && state.waiters > 0
            }
            if tells { _ = sys_eventfd_signal(drained) }
        }
    }
}

private func writeLines(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let box { Unmanaged<LineWriter>.fromOpaque(box).takeUnretainedValue().body() }
    return nil
}
