extension Interval {
    /// A least and a longest time: how long a node keeps media.
    public struct Bounds: Equatable, Sendable {
        /// At least.
        public var min: Interval
        /// At most; not less than `min`.
        public var max: Interval

        /// At least and at most.
        public init(min: Interval, max: Interval) {
            self.min = min
            self.max = max
        }

        /// No time at all.
        public static let zero = Bounds(min: .zero, max: .zero)
        /// Of one behind the other.
        public static func + (a: Bounds, b: Bounds) -> Bounds { Bounds(min: a.min + b.min, max: a.max + b.max) }
    }
}
