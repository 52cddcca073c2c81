import Sluice

/// Pauses before the next connection: 0.1 s, twice as long after each failure, 5 s at most, and by chance down to half
/// of that, so that a thousand streams do not come back at once. Pure.
struct Backoff: Sendable {
    static let least = 0.1
    static let most = 5.0
    private var failures = 0

    /// `chance` is from 0 to 1. `wish` is the provider's own, as Retry-After has it, of which five minutes are heeded.
    mutating func next(chance: Double, wish: Interval?) -> Interval {
        let whole = min(Backoff.most, Backoff.least * Double(1 << min(failures, 10)))
        failures += 1
        let pause = Interval.seconds(max(Backoff.least, whole * (0.5 + 0.5 * min(max(chance, 0), 1))))
        guard let wish else { return pause }
        return max(pause, min(wish, .seconds(300)))
    }

    mutating func reset() { failures = 0 }
}
