/// How long a node keeps media.
public struct Latency: Equatable, Sendable {
    /// At least and at most; an `Interval` of the graph's clock.
    public var min: Interval
    /// At most; not less than `min`.
    public var max: Interval

    /// Both in the time of the graph's clock.
    public init(min: Interval, max: Interval) {
        self.min = min
        self.max = max
    }

    /// Nothing is kept.
    public static let zero = Latency(min: .zero, max: .zero)
    /// Of one behind the other.
    public static func + (a: Latency, b: Latency) -> Latency { Latency(min: a.min + b.min, max: a.max + b.max) }
}
