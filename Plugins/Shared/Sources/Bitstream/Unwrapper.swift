/// Turns a counter that wraps around (16-bit sequence numbers, 32-bit and 33-bit timestamps) into one that does not.
///
/// Each number is taken as the one nearest to the last (RFC 1982's serial arithmetic), so reordered numbers, also
/// across the wrap, come out below it. The first is itself; earlier ones may come out negative.
public struct Unwrapper<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// The number that the next one is compared with.
    public private(set) var last: Int64?
    private let shift: Int
    private let followsLatest: Bool

    /// `bits` is how many of the low ones count, at most 62. With `followsLatest` numbers are compared with the one
    /// before them, for counters that may be set back; otherwise with the highest so far.
    public init(bits: Int = Number.bitWidth, followsLatest: Bool = false) {
        shift = 64 - max(1, min(bits, 62, Number.bitWidth))
        self.followsLatest = followsLatest
    }

    /// `number` in the place nearest to the last, without moving it.
    public func place(_ number: Number) -> Int64 {
        let low = UInt64(truncatingIfNeeded: number) << UInt64(shift)
        guard let last else { return Int64(bitPattern: low >> UInt64(shift)) }
        // The sign of the difference is the highest bit that counts.
        let step = low &- (UInt64(bitPattern: last) << UInt64(shift))
        return last &+ (Int64(bitPattern: step) >> Int64(shift))
    }

    /// `place`, which the next number is then compared with.
    public mutating func unwrap(_ number: Number) -> Int64 {
        let placed = place(number)
        last = followsLatest ? placed : max(last ?? placed, placed)
        return placed
    }
}
