import Sluice

/// The rate by delay: additive or multiplicative increase, multiplicative decrease (draft-ietf-rmcat-gcc-02, section
/// 5.5).
///
/// On overuse it is 0.85 × what arrives, once a round trip (10 to 200 ms). While a queue drains it holds. While delay
/// is steady it rises: by 8 % a second while the link's capacity is not known, and by half a packet in a response time
/// (from a packet to its feedback) near what the link carried when it was last overused. It never rises above 1.5 ×
/// what arrives, since a sender that sends little learns nothing of the link, and above 1.5 × the most that a probe
/// has proved.
struct DelayRate: Sendable {
    enum Change: Equatable, Sendable {
        case none
        /// It begins to rise, or does so in the other way.
        case rises(isNearLink: Bool)
        case falls
    }

    private(set) var bits: Double
    private(set) var link = LinkCapacity()
    /// The link was overused once.
    var hasFallen: Bool { fell != nil }
    private var rising: Bool?
    private var holds = false
    private var last: Instant?
    private var fell: Instant?

    static let decrease = 0.85
    static let increase = 1.08
    static let most = 1.5
    static let packetBits = 9_600.0

    init(bits: Double) { self.bits = bits }

    /// The rate is another for a reason of its own: a probe, loss, the receiver's word.
    mutating func set(_ bits: Double, now: Instant) {
        if bits > self.bits { link.forget() }
        (self.bits, last) = (bits, now)
    }

    /// `arrived`, and `proved`, the most that a probe has, in bits a second.
    mutating func update(
        _ signal: DelayTrend.Signal, arrived: Double?, proved: Double? = nil, roundTrip: Interval, now: Instant
    ) -> Change {
        let passed = last.map { min(max((now - $0).seconds, 0), 1) } ?? 0
        switch signal {
        case .overuse:
            last = now
            return fall(arrived ?? bits, roundTrip, now)
        case .draining:
            (last, holds, rising) = (now, false, nil)
            return .none
        case .steady:
            last = now
            guard !holds else {
                holds = false
                return .none
            }
            return rise(passed, arrived, proved, roundTrip)
        }
    }

    private mutating func fall(_ arrived: Double, _ roundTrip: Interval, _ now: Instant) -> Change {
        let wait = min(max(roundTrip, .milliseconds(10)), .milliseconds(200))
        if let fell, now - fell < wait { return .none }
        (holds, rising) = (true, nil)
        if link.isAbove(arrived) { link.forget() }
        link.note(arrived)
        let next = min(bits, DelayRate.decrease * arrived)
        fell = now
        guard next < bits else { return .none }
        bits = next
        return .falls
    }

    private mutating func rise(
        _ seconds: Double, _ arrived: Double?, _ proved: Double?, _ roundTrip: Interval
    ) -> Change {
        if let arrived, link.isBelow(arrived) { link.forget() }
        let isNear = link.bitsPerSecond != nil
        let more: Double
        if isNear {
            more = max(0.5 * DelayRate.packetBits / max(roundTrip.seconds, 0.05), 4_000) * seconds
        } else {
            // 1.08^t for t within a second, to a thousandth.
            more = max(bits * (DelayRate.increase - 1) * seconds, 1_000 * seconds)
        }
        let limit = min(
            arrived.map { DelayRate.most * $0 + 10_000 } ?? bits, proved.map { DelayRate.most * $0 } ?? .infinity)
        guard limit > bits else { return .none }
        bits = min(bits + more, limit)
        guard rising != isNear else { return .none }
        rising = isNear
        return .rises(isNearLink: isNear)
    }
}
