import Glibc
import Sluice
import Synchronization

/// The threads that write: all streams of the process share them. They start when there is work, and end with the pool.
final class DecodePool: Sendable {
    private struct State {
        var queue: DecodeQueue<DecodeJob>
        var threads: [pthread_t] = []
        var idle = 0
        var isOpen = true
        /// Those that are written just now.
        var working: [DecodeJob] = []
    }

    private let most: Int
    private let state: Mutex<State>
    private let signal = Semaphore()

    /// `threads` decodes go on at a time, `capacity` jobs wait.
    init(threads: Int, capacity: Int) {
        most = max(1, threads)
        state = Mutex(State(queue: DecodeQueue(capacity: capacity)))
    }

    /// Takes the job, and calls those off that it replaces. False where too many wait, or the system gives no thread:
    /// the job is not taken then. From any thread; never waits.
    func add(_ job: DecodeJob) -> Bool {
        let (isTaken, replaced, needsThread) = state.withLock { state in
            guard state.isOpen else { return (false, [DecodeJob](), false) }
            let (isTaken, replaced) = state.queue.add(job, stream: job.stream, isFinal: job.isFinal)
            // A final makes the partial needless that is written just now.
            for other in state.working where job.isFinal && other.stream == job.stream && !other.isFinal {
                other.cancel()
            }
            return (isTaken, replaced, isTaken && state.idle < state.queue.count && state.threads.count < most)
        }
        for other in replaced { other.end(.cancelled) }
        guard isTaken else { return false }
        if needsThread, !start(), !state.withLock({ !$0.threads.isEmpty }) {
            let left = state.withLock { $0.queue.remove(stream: job.stream) }
            for other in left where other !== job { other.end(.cancelled) }
            return false
        }
        signal.post()
        return true
    }

    /// Ends all jobs of a stream, whose `done` is called with `cancelled`. From any thread.
    func remove(stream: Int) {
        let gone = state.withLock { state in
            for job in state.working where job.stream == stream { job.cancel() }
            return state.queue.remove(stream: stream)
        }
        for job in gone { job.end(.cancelled) }
    }

    /// Jobs that wait.
    var waiting: Int { state.withLock { $0.queue.count } }

    /// Comes back when all threads have ended.
    func close() {
        let (threads, jobs) = state.withLock { state in
            state.isOpen = false
            for job in state.working { job.cancel() }
            var jobs: [DecodeJob] = []
            while let job = state.queue.next() { jobs.append(job) }
            return (state.threads, jobs)
        }
        for job in jobs { job.end(.cancelled) }
        for _ in threads { signal.post() }
        for thread in threads { pthread_join(thread, nil) }
    }

    // MARK: Threads

    private func start() -> Bool {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<DecodePool>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            return false
        }
        let made = thread
        state.withLock { $0.threads.append(made) }
        return true
    }

    private func serve() {
        var writer: SpeechWriter?
        state.withLock { $0.idle += 1 }
        while true {
            signal.wait()
            let (job, isOpen) = state.withLock { state -> (DecodeJob?, Bool) in
                let job = state.queue.next()
                if let job {
                    state.idle -= 1
                    state.working.append(job)
                }
                return (job, state.isOpen)
            }
            guard isOpen else { break }
            guard let job else { continue }
            let outcome = DecodePool.write(job, by: &writer) { length, isDoubtful in
                job.hasTime(for: length, isDoubtful: isDoubtful)
                    && (isDoubtful || self.state.withLock { !$0.queue.hasFinals })
            }
            state.withLock { state in
                state.idle += 1
                state.working.removeAll { $0 === job }
            }
            job.end(outcome)
        }
    }

    /// With a writer that is kept for the next job of that model.
    static func write(
        _ job: DecodeJob, by writer: inout SpeechWriter?,
        hasTime: @escaping (Duration, _ isDoubtful: Bool) -> Bool = { _, _ in true }
    ) -> DecodeJob.Outcome {
        guard !job.isCancelled else { return .cancelled }
        do {
            if writer?.isFor(job.model) != true {
                writer = nil
                writer = try SpeechWriter(job.model)
            }
            return writer!.write(job, hasTime: hasTime)
        } catch let error as NodeError {
            return .failed(error.message)
        } catch {
            return .failed("\(error)")
        }
    }
}

/// Counts work that waits, and lets a thread sleep while there is none.
private final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 {} }
}
