/// Lengths of media time and of clock time are different types; these say when one is taken for the other.
extension Interval {
    /// A length of media time taken as clock time, to the nearest nanosecond.
    @inlinable
    public init(_ time: MediaTime) { self.init(nanoseconds: time.rescaled(to: 1_000_000_000)) }
}

extension MediaTime {
    /// A length of clock time taken as media time, to the nearest tick.
    @inlinable
    public init(_ interval: Interval) { self.init(interval.nanoseconds, timescale: 1_000_000_000) }
}
