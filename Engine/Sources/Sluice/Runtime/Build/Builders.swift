import CSys
import Glibc
import Synchronization

/// A few threads that prepare instances, so that neither the supervisor nor a lane waits for one that takes its time.
///
/// They come when there is work that nobody has taken, and stay until the run ends. They have a lower priority than the
/// lanes: a guest who comes takes nothing from those who are there.
final class Builders: @unchecked Sendable {
    static let most = 3
    /// Of the threads.
    private static let nice: Int32 = 5

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let bell = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Under the lock.
    private var jobs: [@Sendable () -> Void] = []
    private var nextJob = 0
    private var threads: [pthread_t] = []
    private var idle = 0
    private var isStopped = false

    init() {
        pthread_mutex_init(lock, nil)
        pthread_cond_init(bell, nil)
    }

    deinit {
        pthread_cond_destroy(bell)
        pthread_mutex_destroy(lock)
        lock.deallocate()
        bell.deallocate()
    }

    /// Runs `job` on one of the threads, in the order of the calls. Throws `NodeError` where there is no thread at all.
    func submit(_ job: @escaping @Sendable () -> Void) throws {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if jobs.count - nextJob >= idle, threads.count < Builders.most { try addThread() }
        jobs.append(job)
        pthread_cond_signal(bell)
    }

    /// More threads are a gain, one is needed.
    private func addThread() throws {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let code = pthread_create(&thread, nil, builderBody, box.toOpaque())
        if code == 0 { return threads.append(thread) }
        box.release()
        guard threads.isEmpty else { return }
        throw NodeError(
            "the kernel refuses a thread to build it: \(errorText(code))",
            advice: "Raise the limit of processes (ulimit -u) or of memory.")
    }

    /// No job begins any more. Where one may be in a call that does not return, `isStuck`, nobody waits for it.
    func stop(isStuck: Bool) {
        pthread_mutex_lock(lock)
        isStopped = true
        let all = threads
        threads = []
        pthread_cond_broadcast(bell)
        pthread_mutex_unlock(lock)
        for thread in all { if isStuck { pthread_detach(thread) } else { pthread_join(thread, nil) } }
    }

    fileprivate func body() {
        sys_set_thread_name("builder")
        _ = sys_set_nice(Builders.nice)
        while let job = next() { job() }
    }

    private func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        idle += 1
        while nextJob == jobs.count, !isStopped { pthread_cond_wait(bell, lock) }
        idle -= 1
        guard !isStopped else { return nil }
        let job = jobs[nextJob]
        nextJob += 1
        if nextJob * 2 >= jobs.count {
            jobs.removeFirst(nextJob)
            nextJob = 0
        }
        return job
    }
}

private func builderBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Builders>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
}
