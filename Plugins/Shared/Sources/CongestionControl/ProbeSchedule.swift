import Sluice

/// When a probe is worth its packets, and how fast it is.
///
/// - At the start 3 × and 6 × the first rate.
/// - Behind a probe of which 70 % arrived, and the link was not full: 2 × what it proved.
/// - When the wish rises above the estimate: 2 × the estimate, at most the wish.
/// - Every 5 s while the wish exceeds the estimate: an encoder that takes a part of the estimate sends too little to
///   let it grow, and a link that got wider would not be found for long.
/// - 3 s after the estimate fell by a third or more in 3 s: 85 % of what it was, for a dip that is over.
///
/// None while delay rises or within a second of it, one at a time, none above the most that is allowed. A probe lasts
/// 15 ms and is 5 packets at least; where packets come unevenly it lasts nine times as long as they are apart from
/// their time on the average, 100 ms at most, since a shorter one would measure that. At the estimate it is under way
/// for 80 ms at most.
struct ProbeSchedule: Sendable {
    /// Bits a second; 0 before it is known.
    private var wished = 0.0
    private var waiting: [(rate: Double, reason: RateDecision.ProbeReason)] = []
    private var regular: Instant?
    private var fallen: (rate: Double, at: Instant)?
    private var quiet: Instant?
    private var number = 0

    static let interval = Interval.seconds(5)
    static let settling = Interval.seconds(1)
    static let afterFall = Interval.seconds(3)
    static let span = 15.0
    static let jitters = 9.0
    static let mostSpan = 100.0
    static let mostDelay = 80.0
    static let packets = 5
    static let packetBytes = 1_200

    init(first: Double, now: Instant) {
        waiting = [(3 * first, .start), (6 * first, .start)]
        regular = now + ProbeSchedule.interval
    }

    mutating func noteWish(_ wish: Double, estimate: Double) {
        if wish > wished * 1.05, wish > estimate * 1.05, waiting.isEmpty, wished > 0 {
            waiting.append((2 * estimate, .wish))
        }
        wished = wish
    }

    /// The rate by delay or loss fell.
    mutating func noteFall(from before: Double, now: Instant) {
        waiting.removeAll()
        quiet = now + ProbeSchedule.settling
        if let fallen, now - fallen.at < ProbeSchedule.afterFall {
            self.fallen = (fallen.rate, now)
        } else {
            fallen = (before, now)
        }
    }

    /// A probe has raised the estimate.
    mutating func noteProof(_ result: ProbeFlight.Result) {
        if result.isFull {
            waiting.removeAll()
        } else if result.share >= 0.7, waiting.isEmpty {
            waiting.append((2 * result.proved, .further))
        }
    }

    /// The next probe, where one is due.
    mutating func take(
        estimate: Double, most: Double, isRising: Bool, jitter: Double, now: Instant
    ) -> (probe: Probe, reason: RateDecision.ProbeReason)? {
        if isRising { quiet = max(quiet ?? now, now + ProbeSchedule.settling) }
        if let quiet, now < quiet { return nil }
        if let fallen, now >= fallen.at + ProbeSchedule.afterFall {
            if estimate < 0.66 * fallen.rate { waiting.append((0.85 * fallen.rate, .afterFall)) }
            self.fallen = nil
        }
        if waiting.isEmpty, let regular, now >= regular {
            self.regular = now + ProbeSchedule.interval
            if wished > estimate * 1.05 { waiting.append((2 * estimate, .regular)) }
        }
        while let (rate, reason) = waiting.first {
            waiting.removeFirst()
            let limit = reason == .start ? most : min(most, max(wished, estimate))
            let rate = min(rate, limit)
            guard rate > estimate * 1.05 else { continue }
            number += 1
            regular = now + ProbeSchedule.interval
            let span = min(max(ProbeSchedule.span, ProbeSchedule.jitters * jitter), ProbeSchedule.mostSpan)
            let most = estimate * ProbeSchedule.mostDelay / 8_000
            let bytes = max(
                min(Int(rate * span / 8_000), Int(most)), ProbeSchedule.packets * ProbeSchedule.packetBytes / 2)
            return (
                Probe(
                    number: number, bitsPerSecond: Int(rate), bytes: bytes, packets: ProbeSchedule.packets), reason
            )
        }
        return nil
    }

    /// When `take` may have one.
    func due(estimate: Double) -> Instant? {
        var next = waiting.isEmpty ? (wished > estimate * 1.05 ? regular : nil) : Instant(nanoseconds: .min)
        if let fallen { next = min(next ?? .distantFuture, fallen.at + ProbeSchedule.afterFall) }
        return next.map { max($0, quiet ?? $0) }
    }
}
