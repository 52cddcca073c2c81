import Sluice

/// Pauses before the next try: the least one, twice as long after each failure up to the longest, and by chance down to
/// half of that, so that a thousand streams do not come back at once. Pure.
struct Backoff: Sendable {
    /// In s, those of a connection.
    var least = 0.1
    var most = 5.0
    private var failures = 0

    init(least: Double = 0.1, most: Double = 5) { (self.least, self.most) = (least, most) }

    /// `chance` is from 0 to 1. `wish` is the provider's own, as Retry-After has it, of which five minutes are heeded.
    mutating func next(chance: Double, wish: Interval?) -> Interval {
        let whole = min(most, least * Double(1 << min(failures, 10)))
        failures += 1
        let pause = Interval.seconds(max(least, whole * (0.5 + 0.5 * min(max(chance, 0), 1))))
        guard let wish else { return pause }
        return max(pause, min(wish, .seconds(300)))
    }

    mutating func reset() { failures = 0 }
}
