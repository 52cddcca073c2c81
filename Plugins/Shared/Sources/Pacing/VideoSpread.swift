import Sluice

/// When each packet of a picture leaves, so that a keyframe is no burst at line rate.
///
/// The packets of one picture are released evenly over its interval: a packet is due when its share of the picture's
/// bytes that lie before it has passed. `rate` makes that shorter: at 2.5, what libwebrtc paces with before it has
/// feedback, the picture is out after 40 % of its interval. Packets that fall due within `burst` of each other leave
/// together, which spares wake-ups. The rate follows the picture's own size, so a keyframe of any size is out within
/// the interval, and nothing waits longer than that. Pure: time is an argument, and a packet is due at a time that
/// depends on its picture alone.
public struct VideoSpread: Equatable, Sendable {
    /// The interval is divided by this; 1 or more.
    public let rate: Double
    /// Packets that fall due within it leave together.
    public let burst: Interval
    private var begin = Instant(nanoseconds: 0)
    private var length: Int64 = 0
    private var bytes = 1
    private var sent = 0

    /// A `rate` below 1, or one that is not finite, counts as 1.
    public init(rate: Double = 1, burst: Interval = .zero) {
        self.rate = rate.isFinite ? max(1, rate) : 1
        self.burst = max(burst, .zero)
    }

    /// A picture of so many bytes in all begins to leave at `now`, and the next one follows after `interval`. A picture
    /// before it that is not out yet is due at once: see `due`.
    public mutating func begin(at now: Instant, interval: Interval, bytes: Int) {
        begin = now
        length = Int64(Double(max(0, min(interval.nanoseconds, 1_000_000_000))) / rate)
        self.bytes = max(1, bytes)
        sent = 0
    }

    /// When the next packet leaves.
    public var due: Instant {
        let share = Int64(Double(length) * min(1, Double(sent) / Double(bytes)))
        guard burst > .zero else { return begin + Interval(nanoseconds: share) }
        return begin + Interval(nanoseconds: share / burst.nanoseconds * burst.nanoseconds)
    }

    /// Everything has left by then.
    public var end: Instant { begin + Interval(nanoseconds: length) }

    /// A packet of so many bytes has left.
    public mutating func note(bytes count: Int) {
        let sum = sent.addingReportingOverflow(max(0, count))
        sent = sum.overflow ? .max : sum.partialValue
    }
}
