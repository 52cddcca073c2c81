import Synchronization

extension NodeContext {
    /// A node as other threads hold it: callbacks of a library, a server, a worker. It keeps nothing alive; after the
    /// node has ended `post` and `raiseEpoch` do nothing, and after its run `log` neither.
    public final class Handle: Sendable {
        /// In the run: `listener.1/pacer`.
        public let name: String
        /// The node in its template, where it is part of one: what many instances say becomes one line.
        private let place: String?
        private weak let end: EdgeEnd?
        private weak let run: (any NodeLog)?
        private weak let session: (any EpochRaiser)?
        private let isClosed = Atomic<Bool>(false)

        init(_ end: EdgeEnd, place: String? = nil, run: any NodeLog, session: any EpochRaiser) {
            name = end.name
            self.place = place
            self.end = end
            self.run = run
            self.session = session
        }

        /// The node has ended.
        public var isOver: Bool { isClosed.load(ordering: .relaxed) }

        /// Wakes the node with `.post`.
        public func post() { if !isOver { end?.wake(.post) } }

        /// A line on the terminal and in the report's events, as the node's own.
        public func log(_ level: EventLog.Level, _ text: String) { run?.log(level, node: name, place: place, text) }

        /// As `NodeContext.raiseEpoch`. False too where the node has ended.
        @discardableResult
        public func raiseEpoch(to epoch: UInt32? = nil) -> Bool {
            // A session needs its run.
            guard !isOver, let run, let session else { return false }
            return withExtendedLifetime(run) { session.raiseEpoch(to: epoch) }
        }

        /// On the lane: the node ends.
        func close() { isClosed.store(true, ordering: .relaxed) }
    }
}

/// Where lines of nodes go: the run. From any thread.
protocol NodeLog: AnyObject, Sendable {
    func log(_ level: EventLog.Level, node: String, place: String?, _ what: String)
}

/// The owner of an epoch: a session. From any thread.
protocol EpochRaiser: AnyObject, Sendable {
    /// False if `new` is not above the current one. Both ends of every edge that flushes are woken.
    func raiseEpoch(to new: UInt32?) -> Bool
}
