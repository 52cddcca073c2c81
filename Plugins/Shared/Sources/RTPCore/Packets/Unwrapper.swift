/// Turns a counter that wraps around (16-bit sequence numbers, 32-bit timestamps) into one that does not.
///
/// Each number is taken as the one nearest to the last (RFC 1982's serial arithmetic), so reordered numbers, also across
/// the wrap, come out below it. The first is itself; earlier ones may come out negative.
public struct Unwrapper<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    public private(set) var last: Int64?

    public init() {}

    /// `number` in the place nearest to the highest so far, without moving it.
    public func place(_ number: Number) -> Int64 {
        guard let last else { return Int64(truncatingIfNeeded: number) }
        let step = number &- Number(truncatingIfNeeded: last)
        let forward = Int64(truncatingIfNeeded: step)
        let half = Int64(1) << (Number.bitWidth - 1)
        return last &+ (forward < half ? forward : forward &- (half &* 2))
    }

    /// `place`, which the next number is then compared with if it is the highest.
    public mutating func unwrap(_ number: Number) -> Int64 {
        let placed = place(number)
        last = max(last ?? placed, placed)
        return placed
    }
}
