extension VideoLayout {
    /// Frames a second as a fraction.
    public struct FrameRate: Hashable, Sendable, CustomStringConvertible {
        /// Frames in `denominator` seconds.
        public let numerator: Int
        /// Seconds; 1,001 of the rates of NTSC.
        public let denominator: Int

        /// `numerator` frames in `denominator` seconds.
        public init(_ numerator: Int, _ denominator: Int = 1) {
            self.numerator = numerator
            self.denominator = denominator
        }

        /// 29.97 and its like mean the fractions over 1001; other values are taken to a thousandth, and from 0.001 to
        /// 10⁶.
        public init(perSecond rate: Double) {
            let rate = rate > 0.001 ? min(rate, 1e6) : 0.001
            let whole = rate.rounded()
            if abs(rate - whole) < 0.0005 && whole > 0 {
                self.init(Int(whole))
            } else if abs((rate * 1.001).rounded() / 1.001 - rate) < 0.005 && rate > 1 {
                self.init(Int((rate * 1.001).rounded()) * 1_000, 1_001)
            } else {
                self.init(Int((rate * 1_000).rounded()), 1_000)
            }
        }

        /// Frames a second, rounded to what a `Double` holds.
        public var perSecond: Double { Double(numerator) / Double(denominator) }
        public var description: String { denominator == 1 ? "\(numerator)/s" : "\(numerator)/\(denominator)/s" }
    }
}
