/// A point or a length of media time in units of 1/705,600,000 s.
///
/// The unit divides every audio rate in use, 90 kHz, and 24, 25, 30 and 60 frames a second with their 1001 variants,
/// so a conversion from those clocks is exact. Media time is never the time of a clock: see `Instant`.
@frozen
public struct MediaTime: Hashable, Comparable, Sendable {
    /// Units of 1/705,600,000 s.
    public var ticks: Int64

    /// Exact for 8 to 192 kHz, 90 kHz and the usual frame rates.
    public static let ticksPerSecond: Int64 = 705_600_000
    /// 0 ticks.
    public static let zero = MediaTime(ticks: 0)
    /// No time is known.
    public static let none = MediaTime(ticks: .min)

    /// A time of `ticks` ticks.
    @inlinable
    public init(ticks: Int64) { self.ticks = ticks }

    /// `value` units of 1/`timescale` s, rounded to the nearest tick, half away from zero.
    @inlinable
    public init(_ value: Int64, timescale: Int64) {
        ticks = rescale(value, from: timescale, to: MediaTime.ticksPerSecond)
    }

    /// `value` ms, exactly; wraps on overflow.
    @inlinable
    public static func milliseconds(_ value: Int64) -> MediaTime { MediaTime(ticks: value &* 705_600) }

    /// At most 179 years, so that sums stay in range; no number is 0.
    @inlinable
    public static func seconds(_ value: Double) -> MediaTime {
        guard !value.isNaN else { return .zero }
        return MediaTime(ticks: Int64(max(-4e18, min(4e18, (value * Double(ticksPerSecond)).rounded()))))
    }

    /// This time in units of 1/`timescale` s, rounded to the nearest, half away from zero.
    @inlinable
    public func rescaled(to timescale: Int64) -> Int64 {
        rescale(ticks, from: MediaTime.ticksPerSecond, to: timescale)
    }

    /// False of `none` alone.
    @inlinable public var isKnown: Bool { ticks != .min }
    /// In s, rounded to what a `Double` holds.
    @inlinable public var seconds: Double { Double(ticks) / Double(MediaTime.ticksPerSecond) }
    /// In ms, rounded to what a `Double` holds.
    @inlinable public var milliseconds: Double { Double(ticks) / 705_600 }

    @inlinable
    public static func < (a: MediaTime, b: MediaTime) -> Bool { a.ticks < b.ticks }
    /// The sum; wraps on overflow. `none` is to be ruled out before.
    @inlinable
    public static func + (a: MediaTime, b: MediaTime) -> MediaTime { MediaTime(ticks: a.ticks &+ b.ticks) }
    /// The difference; wraps on overflow. `none` is to be ruled out before.
    @inlinable
    public static func - (a: MediaTime, b: MediaTime) -> MediaTime { MediaTime(ticks: a.ticks &- b.ticks) }
    /// `n` times as long; wraps on overflow.
    @inlinable
    public static func * (a: MediaTime, n: Int64) -> MediaTime { MediaTime(ticks: a.ticks &* n) }
    /// Adds; wraps on overflow.
    @inlinable
    public static func += (a: inout MediaTime, b: MediaTime) { a = a + b }
}

/// `value` × `to` / `from` through a 128-bit product, rounded to the nearest, half away from zero; saturates.
@inlinable
public func rescale(_ value: Int64, from: Int64, to: Int64) -> Int64 {
    if from == to { return value }
    let product = value.magnitude.multipliedFullWidth(by: UInt64(to))
    let (low, carry) = product.low.addingReportingOverflow(UInt64(from) / 2)
    let high = product.high &+ (carry ? 1 : 0)
    guard high < UInt64(from) else { return value < 0 ? .min : .max }
    let quotient = UInt64(from).dividingFullWidth((high, low)).quotient
    guard quotient <= UInt64(Int64.max) else { return value < 0 ? .min : .max }
    return value < 0 ? -Int64(quotient) : Int64(quotient)
}
