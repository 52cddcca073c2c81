/// A reading of the graph's clock in nanoseconds: CLOCK_MONOTONIC under the system clock, from 0 under the virtual one.
@frozen
public struct Instant: Hashable, Comparable, Sendable {
    /// Of CLOCK_MONOTONIC, or since the start in virtual time.
    public var nanoseconds: Int64

    /// A reading of `nanoseconds` ns.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than every reading: a time that never comes.
    public static let distantFuture = Instant(nanoseconds: .max)

    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    /// `b` later; wraps on overflow.
    @inlinable
    public static func + (a: Instant, b: Interval) -> Instant { Instant(nanoseconds: a.nanoseconds &+ b.nanoseconds) }
    /// `b` earlier; wraps on overflow.
    @inlinable
    public static func - (a: Instant, b: Interval) -> Instant { Instant(nanoseconds: a.nanoseconds &- b.nanoseconds) }
    /// From `b` to `a`, negative where `b` is later; wraps on overflow.
    @inlinable
    public static func - (a: Instant, b: Instant) -> Interval { Interval(nanoseconds: a.nanoseconds &- b.nanoseconds) }
}

/// A length of clock time in nanoseconds.
@frozen
public struct Interval: Hashable, Comparable, Sendable {
    /// May be negative.
    public var nanoseconds: Int64

    /// A length of `nanoseconds` ns.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// 0 ns.
    public static let zero = Interval(nanoseconds: 0)
    /// `value` µs; wraps on overflow.
    @inlinable
    public static func microseconds(_ value: Int64) -> Interval { Interval(nanoseconds: value &* 1_000) }
    /// `value` ms; wraps on overflow.
    @inlinable
    public static func milliseconds(_ value: Int64) -> Interval { Interval(nanoseconds: value &* 1_000_000) }
    @inlinable
    /// At most 126 years, so that sums with instants stay in range; no number is 0.
    public static func seconds(_ value: Double) -> Interval {
        guard !value.isNaN else { return .zero }
        return Interval(nanoseconds: Int64(max(-4e18, min(4e18, (value * 1e9).rounded()))))
    }

    /// In s, rounded to what a `Double` holds.
    @inlinable public var seconds: Double { Double(nanoseconds) / 1e9 }
    /// In ms, rounded to what a `Double` holds.
    @inlinable public var milliseconds: Double { Double(nanoseconds) / 1e6 }

    @inlinable
    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The sum; wraps on overflow.
    @inlinable
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }
    /// The difference; wraps on overflow.
    @inlinable
    public static func - (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
    /// `n` times as long; wraps on overflow.
    @inlinable
    public static func * (a: Interval, n: Int64) -> Interval { Interval(nanoseconds: a.nanoseconds &* n) }
}
