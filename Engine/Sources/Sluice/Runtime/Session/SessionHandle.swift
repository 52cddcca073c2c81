import Synchronization

/// An instance of a template, as its starter holds it: one that waits for another's end, runs, or is over.
public final class SessionHandle: @unchecked Sendable {
    private weak var session: Session?
    private weak let run: GraphRun?
    private let hasEnded = Atomic<Bool>(false)
    /// `viewer.3`, once it is known.
    public private(set) var name = ""

    // On the supervisor.
    /// `stop()` came before it was built.
    private(set) var isStopped = false
    private var successors: [() -> Void] = []

    init(run: GraphRun) { self.run = run }

    // MARK: From any thread

    /// Drains the instance and takes it out of the graph. One that has not been built yet never is.
    public func stop() {
        run?.supervisor.post { [self] in
            if let session { session.drain() } else { isStopped = true }
        }
    }

    /// The instance has ended and let go of everything, or was never built and never will be.
    public var isOver: Bool { hasEnded.load(ordering: .acquiring) }

    // MARK: On the supervisor

    func built(_ session: Session) {
        self.session = session
        name = session.name
        session.handle = self
    }

    /// Calls `begin` when the instance is over, at once where it is already.
    func then(_ begin: @escaping () -> Void) {
        if isOver { begin() } else { successors.append(begin) }
    }

    func over() {
        hasEnded.store(true, ordering: .releasing)
        let waiting = successors
        successors = []
        for begin in waiting { begin() }
    }
}
