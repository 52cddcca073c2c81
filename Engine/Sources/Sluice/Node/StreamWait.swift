/// Waits until every stream is there, at most `most` from the first one on, then goes on without those that are silent.
/// For what is begun once for all streams: the header of a file, the tables of a transport stream, a description.
/// `Join` does the same for items that go on. Pure.
public struct StreamWait: Sendable {
    public let most: Interval
    /// When the first stream was there and others were not.
    private var since: Instant?

    public init(most: Interval) { self.most = most }

    public enum Verdict: Equatable, Sendable {
        /// Every stream is there.
        case complete
        /// Look again then, or when another stream speaks; in the distant future where none does yet.
        case waiting(until: Instant)
        /// The time is over: those that are there go on.
        case incomplete
    }

    /// `present` of `all` streams are there at `now`.
    public mutating func look(present: Int, of all: Int, at now: Instant) -> Verdict {
        if present >= all, all > 0 { return .complete }
        guard present > 0 else { return .waiting(until: .distantFuture) }
        let began = since ?? now
        since = began
        return now - began >= most ? .incomplete : .waiting(until: began + most)
    }

    /// It begins anew.
    public mutating func restart() { since = nil }
}
