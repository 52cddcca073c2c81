import Glibc
@_spi(Host) import Sluice
import Synchronization

/// Hears Ctrl-C on a thread of its own, so also while the graph is being built or a node does not return.
///
/// The first signal drains the graph, a second one leaves it at once. Where the run does not even do that, the process
/// ends a second later.
final class TerminationWatch: Sendable {
    private let run: GraphRun
    private let signals: Int32
    private let isOver = Atomic<Bool>(false)

    /// `signals` is what `Console.catchTermination` gave.
    init(_ run: GraphRun, _ signals: Int32) {
        self.run = run
        self.signals = signals
        guard signals >= 0 else { return }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        if pthread_create(&thread, nil, watchTermination, box.toOpaque()) == 0 {
            pthread_detach(thread)
        } else {
            box.release()
        }
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
                run.stop()
            case .endAtOnce: return leave()
            }
        }
    }

    private func leave() {
        run.leave()
        var patience = pollfd(fd: -1, events: 0, revents: 0)
        poll(&patience, 1, 1_000)
        // A run that is over has a report to write, or an answer that nobody reads.
        let reason =
            isOver.load(ordering: .relaxed)
            ? "what it had to say is not taken"
            : run.preparing.map { "node \"\($0)\" does not return from its preparation" } ?? "the run does not end"
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
