import Sluice

/// Requests that make work, by address: so many a second, and twice as many at once. Pure.
///
/// A bucket for each address that has asked lately. A full one says nothing, so it is forgotten.
struct RequestLimits {
    static let mostGroups = 16_384

    private struct Bucket {
        var level: Double
        var at: Instant
    }

    let perSecond: Double
    private var byGroup: [[UInt8]: Bucket] = [:]
    private var swept = Instant(nanoseconds: 0)

    init(perSecond: Int) { self.perSecond = Double(perSecond) }

    /// Addresses that it remembers.
    var groups: Int { byGroup.count }
    private var size: Double { perSecond * 2 }

    /// False where the address has asked too often.
    mutating func admit(_ group: [UInt8], now: Instant) -> Bool {
        // Where many addresses ask, looking through them for each would be the work that they want to make.
        if now - swept >= .seconds(byGroup.count < RequestLimits.mostGroups ? 10 : 1) { sweep(now) }
        var bucket = byGroup[group] ?? Bucket(level: size, at: now)
        bucket.level = min(size, bucket.level + max(0, (now - bucket.at).seconds) * perSecond)
        bucket.at = now
        let isAdmitted = bucket.level >= 1
        if isAdmitted { bucket.level -= 1 }
        // Where more addresses ask than are kept, those that are new go free; connections are limited all the same.
        if byGroup[group] != nil || byGroup.count < RequestLimits.mostGroups { byGroup[group] = bucket }
        return isAdmitted
    }

    /// Seconds until the next request is admitted, at least 1.
    var retryAfter: Int { max(1, Int((1 / perSecond).rounded(.up))) }

    private mutating func sweep(_ now: Instant) {
        swept = now
        byGroup = byGroup.filter { $0.value.level + max(0, (now - $0.value.at).seconds) * perSecond < size }
    }
}
