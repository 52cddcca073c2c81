import Sluice

/// Which decisions are worth a line of their own. Pure.
///
/// A decision is told where the estimate is another by a tenth or more than was told last. A line has all that happened
/// since the one before, with the reason of the decision that moved the estimate most. Lines come no more often than
/// once a second, so that one who reads them learns what happened, and feedback a thousand times a second fills no log.
public struct RateNews: Sendable {
    private var told: Int
    private var last: Instant?
    private var waiting: RateDecision?
    /// How far the decision in `waiting` moved the estimate.
    private var step = 0

    static let pace = Interval.seconds(1)
    static let share = 10

    /// `told` is the estimate that is known already, in bits a second.
    public init(told: Int) { self.told = told }

    /// A decision was made.
    public mutating func note(_ decision: RateDecision) {
        let moved = (decision.after - decision.before).magnitude
        if waiting == nil || moved >= UInt(step) {
            step = Int(min(moved, UInt(Int.max)))
            waiting = decision
        } else {
            waiting?.after = decision.after
        }
    }

    /// The next to be told, with the estimate told before and the present one; nil where there is nothing, or not yet.
    public mutating func take(now: Instant) -> RateDecision? {
        guard var decision = waiting, last.map({ now - $0 >= RateNews.pace }) ?? true else { return nil }
        (waiting, step) = (nil, 0)
        let change = (decision.after - told).magnitude
        guard change * UInt(RateNews.share) >= UInt(max(told, 1)) else { return nil }
        decision.before = told
        (told, last) = (decision.after, now)
        return decision
    }
}
