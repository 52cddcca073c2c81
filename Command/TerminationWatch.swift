import Glibc
import Sluice
import Synchronization

/// Hears Ctrl-C on a thread of its own, so also while the graph is being built or a node does not return.
///
/// The first signal drains the graph, the second leaves it at once. Where the run does not even do that, the process
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
        wait()
        run.stop()
        wait()
        run.leave()
        var patience = pollfd(fd: -1, events: 0, revents: 0)
        poll(&patience, 1, 1_000)
        guard !isOver.load(ordering: .relaxed) else { return }
        let reason =
            run.preparing.map { "node \"\($0)\" does not return from its preparation" } ?? "the run does not end"
        Console.say("left at once: \(reason).\n")
        _exit(1)
    }

    private func wait() {
        var entry = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
        while Console.nextTermination(signals) == 0 { poll(&entry, 1, -1) }
    }
}

private func watchTermination(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let box { Unmanaged<TerminationWatch>.fromOpaque(box).takeRetainedValue().body() }
    return nil
}
