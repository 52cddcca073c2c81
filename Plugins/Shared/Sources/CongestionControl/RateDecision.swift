import Sluice

/// A decision of congestion control, and its reason.
public struct RateDecision: Equatable, Sendable {
    /// The reason of a decision.
    public enum Cause: Equatable, Sendable {
        /// Delay rises, by so many ms a second.
        case delay(rise: Double)
        /// Of what was sent `lost` has not come, 0 to 1; `own` of it the link loses at lower rates too.
        case loss(lost: Double, own: Double)
        /// Loss is no bound any more.
        case lossOver
        /// Delay is steady, and the rate begins to rise; near what the link carried at its last overuse it does so
        /// carefully.
        case steady(isNearLink: Bool)
        /// A probe leaves at so many bits a second.
        case probe(Int, ProbeReason)
        /// A probe has proved so many bits a second; `isFull` where the link carried less than was sent.
        case proved(Int, isFull: Bool)
        /// Too little of a probe came.
        case unproved
        /// The receiver has told its estimate.
        case receiver
        /// The receiver reports, and has never told when packets come, though it agreed to.
        case untold
        /// No feedback has come for so long, though packets were sent.
        case silence(Interval)
    }

    /// Why a probe is sent.
    public enum ProbeReason: Equatable, Sendable {
        /// Nothing is known yet.
        case start
        /// The probe before it came whole.
        case further
        /// More is wished than before.
        case wish
        /// More is wished than the estimate, and none was sent for a while.
        case regular
        /// The estimate has fallen far.
        case afterFall
    }

    /// When.
    public var at: Instant
    /// The estimate in bits a second.
    public var before: Int
    /// The estimate behind it; the same where the decision does not change it.
    public var after: Int
    /// The reason.
    public var cause: Cause

    /// Rates in bits a second.
    public init(at: Instant, before: Int, after: Int, cause: Cause) {
        (self.at, self.before, self.after, self.cause) = (at, before, after, cause)
    }

    /// "1.9 → 0.7 Mb/s, delay rises 14 ms a second".
    public var sentence: String {
        let rates =
            before == after
            ? RateDecision.megabits(after) + " Mb/s"
            : "\(RateDecision.megabits(before)) → \(RateDecision.megabits(after)) Mb/s"
        return "\(rates), \(reason)"
    }

    private var reason: String {
        switch cause {
        case .delay(let rise): "delay rises \(RateDecision.whole(rise)) ms a second"
        case .loss(let lost, let own) where own > 0.005:
            "\(RateDecision.percent(lost)) is lost, \(RateDecision.percent(own)) at lower rates"
        case .loss(let lost, _): "\(RateDecision.percent(lost)) is lost"
        case .lossOver: "loss is no bound any more"
        case .steady(true): "delay is steady: rises by half a packet a response time"
        case .steady(false): "delay is steady: rises by 8 % a second"
        case .probe(let rate, let reason): "probes at \(RateDecision.megabits(rate)) Mb/s: \(RateDecision.text(reason))"
        case .proved(let rate, true): "the link was full at \(RateDecision.megabits(rate)) Mb/s of a probe"
        case .proved(let rate, false): "a probe came at \(RateDecision.megabits(rate)) Mb/s"
        case .unproved: "too little of a probe came"
        case .receiver: "the receiver's estimate"
        case .untold: "the receiver does not tell when packets come, so its reports count"
        case .silence(let span): "no feedback for \(RateDecision.whole(span.milliseconds)) ms"
        }
    }

    private static func text(_ reason: ProbeReason) -> String {
        switch reason {
        case .start: "nothing is known yet"
        case .further: "the last one came whole"
        case .wish: "more is wished than before"
        case .regular: "more is wished than the estimate"
        case .afterFall: "the estimate fell far"
        }
    }

    private static func megabits(_ bits: Int) -> String {
        // Two digits that count.
        guard bits >= 100_000 else { return decimal(bits, unit: 1_000_000, digits: 2) }
        return bits >= 10_000_000 ? "\((bits + 500_000) / 1_000_000)" : decimal(bits, unit: 1_000_000, digits: 1)
    }

    private static func decimal(_ value: Int, unit: Int, digits: Int) -> String {
        let scale = digits == 1 ? 10 : 100
        let parts = (value + unit / scale / 2) / (unit / scale)
        let rest = parts % scale
        return "\(parts / scale).\(digits == 2 && rest < 10 ? "0" : "")\(rest)"
    }

    private static func percent(_ share: Double) -> String { whole(share * 100) + " %" }

    private static func whole(_ value: Double) -> String { "\(Int(min(max(value.rounded(), -1e9), 1e9)))" }
}
