import Sluice

/// The one of several providers that writes: after two failures within 10 s the next takes over, and the first is tried
/// again every 30 s. Pure.
struct Takeover: Sendable {
    static let window = Interval.seconds(10)
    static let again = Interval.seconds(30)

    let count: Int
    private(set) var current = 0
    private var last: Instant?
    /// When the first is tried again; never while it writes.
    private(set) var next = Instant.distantFuture

    init(count: Int) { self.count = count }

    /// The one that writes now has failed. True where another takes over.
    mutating func failed(_ now: Instant) -> Bool {
        guard let before = last, now - before <= Takeover.window, count > 1 else {
            last = now
            return false
        }
        current = (current + 1) % count
        last = nil
        next = current == 0 ? .distantFuture : now + Takeover.again
        return true
    }

    /// It is time to try the first.
    mutating func isDue(_ now: Instant) -> Bool {
        guard current != 0, now >= next else { return false }
        next = now + Takeover.again
        return true
    }

    /// The first is there again.
    mutating func isBack() { (current, last, next) = (0, nil, .distantFuture) }
}
