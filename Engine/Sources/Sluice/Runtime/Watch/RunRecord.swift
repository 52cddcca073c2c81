import Synchronization

/// Everything of a run that others than its supervisor look at. The supervisor writes it, any thread reads it, nobody
/// holds it for longer than a copy takes.
final class RunRecord: Sendable {
    struct Contents: Sendable {
        /// The graph and every instance that has not ended, by `Session.id`, which rises.
        var sessions: [Int: Session] = [:]
        var ended = EndedSessions()
        /// Nanoseconds of the graph's clock; nil while the run lasts.
        var endedAt: Int64?
        var outcome = RunOutcome.finished
        /// Nodes that had not finished when the run was given up.
        var stuck: [String] = []
    }

    private let contents = Mutex(Contents())

    var copy: Contents { contents.withLock { $0 } }

    func read<Value: Sendable>(_ value: (Contents) -> Value) -> Value { contents.withLock { value($0) } }
    func change(_ body: (inout Contents) -> Void) { contents.withLock { body(&$0) } }

    func add(_ session: Session) { change { $0.sessions[session.id] = session } }

    /// The session has ended, its counters stand still: from now on it is among the ended ones. Both in one step, so
    /// that nobody sees it twice or not at all.
    func retire(_ session: Session) {
        let last = EndedSession(session)
        change {
            $0.sessions[session.id] = nil
            $0.ended.add(last)
        }
    }
}
