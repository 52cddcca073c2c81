import Sluice

/// A point of wall time as RTCP carries it: seconds since 1900 in 32.32 fixed point (RFC 3550, section 4).
public struct NTPTime: Hashable, Sendable {
    /// 32 bits of seconds since 1900, 32 bits of their fraction.
    public var bits: UInt64

    /// Seconds since 1900 in 32.32 fixed point.
    public init(bits: UInt64) { self.bits = bits }

    /// Nanoseconds since 1970, as CLOCK_REALTIME counts them. Wraps in 2036 as NTP does.
    public init(unixNanoseconds: Int64) {
        let seconds = unixNanoseconds.dividedFlooring(by: 1_000_000_000)
        let rest = UInt64(unixNanoseconds - seconds * 1_000_000_000)
        bits = UInt64(truncatingIfNeeded: seconds &+ 2_208_988_800) << 32 | (rest << 32) / 1_000_000_000
    }

    /// The middle 32 bits: units of 1/65536 s, for round trips.
    public var compact: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }

    /// How much later than `other` this is, also across the wrap of 2036.
    public func nanoseconds(since other: NTPTime) -> Int64 {
        let difference = Int64(bitPattern: bits &- other.bits)
        let seconds = difference >> 32
        let fraction = Int64(difference & 0xffff_ffff)
        return seconds &* 1_000_000_000 &+ (fraction &* 1_000_000_000 &+ 0x8000_0000) >> 32
    }
}

extension Int64 {
    /// The quotient rounded down, also of negative numbers. `divisor` is positive.
    func dividedFlooring(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}

/// The wall time at instants of the graph's clock, from one reading of both. So all streams of one process say the same
/// of one instant, however the wall clock is set meanwhile.
public struct WallClock: Sendable {
    private let unixNanoseconds: Int64
    private let instant: Instant

    /// CLOCK_REALTIME and the graph's clock, read at the same moment.
    public init(unixNanoseconds: Int64, at instant: Instant) {
        self.unixNanoseconds = unixNanoseconds
        self.instant = instant
    }

    /// The wall time at an instant of the graph's clock.
    public func ntp(at now: Instant) -> NTPTime {
        NTPTime(unixNanoseconds: unixNanoseconds &+ (now - instant).nanoseconds)
    }
}
