import Synchronization

extension NodeContext {
    /// An instance of a template, as its starter holds it: one that waits for another's end, runs, or is over.
    public final class Instance: @unchecked Sendable {
        /// Has its argument done by the supervisor, while there is one.
        private let decide: @Sendable (@escaping @Sendable () -> Void) -> Void
        private let hasEnded = Atomic<Bool>(false)
        private let stopAsked = Atomic<Bool>(false)
        private let shown = Mutex("")

        // On the supervisor.
        private var drain: (() -> Void)?
        private var successors: [() -> Void] = []

        init(decide: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) { self.decide = decide }

        // MARK: From any thread

        /// `viewer.3`, `room.1/viewer.3`; empty until the instance is built.
        public var name: String { shown.withLock { $0 } }

        /// Drains the instance and takes it out of the graph. One that has not been built yet never is.
        public func stop() {
            stopAsked.store(true, ordering: .relaxed)
            decide { [self] in drain?() }
        }

        /// `stop` was called.
        var isStopped: Bool { stopAsked.load(ordering: .relaxed) }

        /// The instance has ended and let go of everything, or was never built and never will be.
        public var isOver: Bool { hasEnded.load(ordering: .acquiring) }

        // MARK: On the supervisor

        /// `drain` holds nothing alive.
        func built(_ name: String, drain: @escaping () -> Void) {
            self.drain = drain
            shown.withLock { $0 = name }
        }

        /// Calls `begin` when the instance is over, at once where it is already.
        func then(_ begin: @escaping () -> Void) {
            if isOver { begin() } else { successors.append(begin) }
        }

        func over() {
            hasEnded.store(true, ordering: .releasing)
            drain = nil
            let waiting = successors
            successors = []
            for begin in waiting { begin() }
        }
    }
}
