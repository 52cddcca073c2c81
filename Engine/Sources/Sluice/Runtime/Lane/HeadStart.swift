/// How long before its time a lane wakes for a node that keeps time, so that it is awake and ready when the moment
/// comes.
///
/// A thread that sleeps until an instant runs twenty to sixty microseconds after it on an idle virtual machine, now and
/// then several times that, and then has its work to do with cold caches. A lane that wakes before, lets the node make
/// ready what it is to send, and watches the clock for the rest is late by a microsecond.
///
/// To watch the clock is to use a core for nothing. So the time goes down to what waking and making ready need, and a
/// lane is to watch for a fiftieth of its time at most. Where more is asked than that nobody gets any: a stream that is
/// on time in half of its frames is as late as one that never is.
@_spi(Testing)
public struct HeadStart {
    /// Nanoseconds that waking and making ready took in 99.5 of 100 cases, by stochastic approximation (Robbins and
    /// Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22, 1951). It goes up by a step
    /// where it was too little, and down by a two-hundredth of that where it was enough.
    public private(set) var time: Int64 = 100_000
    /// Nanoseconds that may be watched; below zero where more is asked than is earned.
    private var allowance = HeadStart.most
    private var refilledAt = Int64.min
    /// The moment that the lane is awake for; `Int.min` when it is not ahead of anything.
    private var due = Int.min
    private var isReady = false

    public init() {}

    public static let shortest: Int64 = 40_000
    public static let longest: Int64 = 250_000
    private static let step: Int64 = 4_000
    private static let share: Int64 = 50
    private static let most: Int64 = 2_000_000

    /// For a node that is to send at `due`: so many nanoseconds earlier it may be woken.
    public mutating func take(for due: Int, now: Int64) -> Int {
        if refilledAt == .min { refilledAt = now }
        let earned = max(0, now - refilledAt) / HeadStart.share
        // Parts of a nanosecond that were not earned yet stay with the time that passed.
        refilledAt += earned * HeadStart.share
        allowance = min(HeadStart.most, allowance + earned)
        guard Int64(due) - now > 2 * time else { return 0 }
        allowance = max(-HeadStart.most, allowance - time)
        return allowance >= 0 ? Int(time) : 0
    }

    /// A node was woken ahead of `due`.
    public mutating func begin(_ due: Int) {
        guard due > self.due else { return }
        self.due = due
        isReady = false
    }

    /// Whether the lane stays awake until its next timer, which falls at `earliest`.
    public func watches(for earliest: Int) -> Bool { earliest <= due }

    /// Everything is ready at `now`, and the clock is watched from here on. Time that was not needed for that is given
    /// back.
    public mutating func ready(now: Int64) {
        guard !isReady else { return }
        isReady = true
        let took = now - (Int64(due) - time)
        allowance = min(HeadStart.most, allowance + max(0, min(took, time)))
        let change = took > time ? HeadStart.step : -HeadStart.step / 200
        time = max(HeadStart.shortest, min(HeadStart.longest, time + change))
    }
}
