import Sluice

/// When the next RTCP report is due: at once, then every `interval`. Each is moved by up to half of that either way, so
/// that many senders do not report in step (RFC 3550, section 6.3.1). The move is drawn from the source's number, so
/// that equal runs stay equal.
public struct ReportTimer: Sendable {
    private let interval: Interval
    private var state: UInt64
    /// nil before the first `take`.
    public private(set) var due: Instant?

    /// Equal `ssrc`s give equal times.
    public init(interval: Interval, ssrc: UInt32) {
        self.interval = interval
        state = UInt64(ssrc)
    }

    /// True once each time it is due.
    public mutating func take(now: Instant) -> Bool {
        if let due, now < due { return false }
        // Knuth's MMIX generator; the upper bits are the good ones.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let part = Double(state >> 40) / Double(1 << 24) + 0.5
        due = now + Interval(nanoseconds: Int64(Double(interval.nanoseconds) * part))
        return true
    }
}
