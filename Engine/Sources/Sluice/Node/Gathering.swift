/// Waits for streams that have nothing yet, at most so long, then goes on without them. For a node that needs all of
/// its streams at once: their formats before it writes, or the oldest of their items. Pure: the time is an argument.
public struct Gathering: Sendable {
    /// The thing to do now.
    public enum Verdict: Equatable, Sendable {
        /// Nothing is missing.
        case complete
        /// Something is, and is waited for until then: the node asks to be woken.
        case wait(until: Instant)
        /// It has been waited for long enough.
        case incomplete
    }

    /// The longest wait.
    public let patience: Interval
    private var since: Instant?

    /// Waits at most `patience` for what is missing.
    public init(patience: Interval) { self.patience = patience }

    /// `isComplete` says that nothing is missing at `now`. The wait begins with the first call that misses something.
    public mutating func look(_ now: Instant, isComplete: Bool) -> Verdict {
        guard !isComplete else {
            since = nil
            return .complete
        }
        let since = self.since ?? now
        self.since = since
        return now - since >= patience ? .incomplete : .wait(until: since + patience)
    }

    /// Something has come: the next wait begins anew.
    public mutating func begin() { since = nil }
}
