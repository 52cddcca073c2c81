import Glibc
@_spi(Host) import Sluice
import Synchronization

/// Hears Ctrl-C on a thread of its own, so also while the graph is being built or a node does not return.
///
/// The first signal drains the graph, a second one leaves it at once. Where the run does not even do that, the process
/// ends a second later.
final class TerminationWatch: Sendable {
    private struct State {
        var run: GraphRun?
        /// The first signal has come.
        var isAsked = false
    }

    private let state = Mutex(State())
    private let signals: Int32
    private let isOver = Atomic<Bool>(false)
    /// Its writing end is closed when the first signal comes, which ends a `wait`.
    private let asked: (reading: Int32, writing: Int32)

    /// `signals` is what `Console.catchTermination` gave.
    init(_ signals: Int32) {
        self.signals = signals
        var ends: (Int32, Int32) = (-1, -1)
        _ = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { pipe($0) }
        }
        asked = (ends.0, ends.1)
        guard signals >= 0 else { return }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        if pthread_create(&thread, nil, watchTermination, box.toOpaque()) == 0 {
            pthread_detach(thread)
        } else {
            box.release()
        }
    }

    /// The run that a signal ends. False where one has come already.
    func follow(_ run: GraphRun) -> Bool {
        state.withLock { state in
            state.run = run
            return !state.isAsked
        }
    }

    /// A signal has come.
    var isAsked: Bool { state.withLock { $0.isAsked } }

    /// Waits so long, or until a signal comes; true where one has come.
    func wait(_ time: Interval) -> Bool {
        var entry = pollfd(fd: asked.reading, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, Int32(clamping: Int(time.milliseconds)))
        return isAsked
    }

    /// The run has ended by itself.
    func end() { isOver.store(true, ordering: .relaxed) }

    fileprivate func body() {
        var termination = Termination()
        while true {
            wait()
            switch termination.heard(at: clock()) {
            case .nothing: continue
            case .drain:
                if !isOver.load(ordering: .relaxed) { Console.say("stopping; again to end at once\n") }
                let run = state.withLock { state in
                    state.isAsked = true
                    return state.run
                }
                run?.stop()
                close(asked.writing)
            case .endAtOnce: return leave()
            }
        }
    }

    private func leave() {
        let run = state.withLock { $0.run }
        run?.leave()
        var patience = pollfd(fd: -1, events: 0, revents: 0)
        poll(&patience, 1, 1_000)
        // A run that is over has a report to write, or an answer that nobody reads.
        let reason =
            isOver.load(ordering: .relaxed)
            ? "what it had to say is not taken"
            : run?.preparing.map { "node \"\($0)\" does not return from its preparation" } ?? "the run does not end"
        Console.say("left at once: \(reason).\n")
        Console.drain(within: .milliseconds(100))
        _exit(1)
    }

    private func wait() {
        var entry = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
        while Console.nextTermination(signals) == 0 { poll(&entry, 1, -1) }
    }

    private func clock() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

private func watchTermination(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let box { Unmanaged<TerminationWatch>.fromOpaque(box).takeRetainedValue().body() }
    return nil
}
