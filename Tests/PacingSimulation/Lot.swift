/// Pseudo-random numbers of a seed (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
public struct Lot: RandomNumberGenerator {
    private var state: UInt64

    /// The seed is mixed before it is a state: states that differ by the step are one sequence, a number later.
    public init(seed: UInt64) {
        state = seed
        state = next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< 1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
