/// The restarts of one node in the last minute: whether one more is allowed, and how long it waits. Pure; times are
/// nanoseconds of the run's clock.
struct Restarts {
    /// In a minute.
    static let most = 5
    private static let minute: Int64 = 60_000_000_000
    /// One after the other.
    private static let waits: [Int64] = [100_000_000, 300_000_000, 900_000_000, 2_700_000_000, 5_000_000_000]

    private var instants: [Int64] = []

    var count: Int { instants.count }

    func isAllowed(at now: Int64) -> Bool {
        instants.count { now - $0 < Restarts.minute } < Restarts.most
    }

    /// How many there are now with this one, and how long it waits.
    mutating func note(at now: Int64) -> (count: Int, wait: Interval) {
        instants.removeAll { now - $0 >= Restarts.minute }
        instants.append(now)
        return (count, Interval(nanoseconds: Restarts.waits[min(count, Restarts.waits.count) - 1]))
    }
}
