import CSys
import Glibc
import Synchronization

/// A small pool of threads for calls that wait: name servers, file systems, servers. A lane never waits; it asks, goes
/// on, and gets the answer as a post. See `NodeContext.ask`.
///
/// Threads start when there is work and stay. Of the calls that wait no more than `capacity` are kept.
@_spi(Host) public final class Worker: Sendable {
    /// The worker that every run of the process shares.
    public static let shared = Worker(threads: 4, capacity: 4_096)

    private struct State: Sendable {
        var queue: [@Sendable () -> Void] = []
        /// Calls at the head of `queue` that are taken already.
        var taken = 0
        var threads = 0
        var idle = 0
        var waiting: Int { queue.count - taken }
    }

    private let most: Int
    private let capacity: Int
    private let state = Mutex(State())
    /// A thread that waits for work is woken by one count; a semaphore, since a waiting thread holds no lock.
    private let signal: Signal

    /// - Parameters:
    ///   - threads: how many calls go on at a time, at most.
    ///   - capacity: how many wait, at most.
    public init(threads: Int, capacity: Int) {
        (most, self.capacity) = (max(1, threads), max(1, capacity))
        signal = Signal()
    }

    /// Threads that run.
    public var threads: Int { state.withLock { $0.threads } }

    /// Runs `call` on one of the threads. From any thread; never waits. Throws where the queue is full, and where the
    /// system gives no thread and none is there.
    public func run(_ call: @escaping @Sendable () -> Void) throws {
        let needsThread = try state.withLock { state in
            guard state.waiting < capacity else {
                throw NodeError("\(state.waiting) calls wait for a worker already", advice: "Ask for less at a time.")
            }
            state.queue.append(call)
            guard state.idle < state.waiting, state.threads < most else { return false }
            state.threads += 1
            return true
        }
        if needsThread { try start() }
        signal.post()
    }

    private func start() throws {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let code = pthread_create(&thread, nil, workerThreadBody, box.toOpaque())
        guard code != 0 else {
            pthread_detach(thread)
            return
        }
        box.release()
        let isAlone = state.withLock { state in
            state.threads -= 1
            // The call that could not be served is the last one: nobody else is asked for it.
            if state.threads == 0, state.waiting > 0 { state.queue.removeLast() }
            return state.threads == 0
        }
        if isAlone { throw NodeError("the system gives no thread for a worker: \(errorText(code))") }
    }

    fileprivate func serve() {
        sys_set_thread_name("worker")
        while true {
            state.withLock { $0.idle += 1 }
            signal.wait()
            let call: (@Sendable () -> Void)? = state.withLock { state in
                state.idle -= 1
                guard state.waiting > 0 else { return nil }
                let call = state.queue[state.taken]
                state.taken += 1
                if state.taken == state.queue.count {
                    (state.queue, state.taken) = ([], 0)
                } else if state.taken >= 64, state.taken * 2 >= state.queue.count {
                    state.queue.removeFirst(state.taken)
                    state.taken = 0
                }
                return call
            }
            call?()
        }
    }

    /// A counting semaphore (sem_overview(7)) in memory of its own.
    private final class Signal: @unchecked Sendable {
        private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        init() { sem_init(semaphore, 0, 0) }
        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
        func post() { sem_post(semaphore) }
        func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
    }
}

private func workerThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().serve()
    return nil
}
