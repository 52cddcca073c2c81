/// FNV-1a of 64 bits (draft-eastlake-fnv-17): tells a chunk that is damaged from a whole one. No protection against
/// those who write other bytes on purpose. Pure.
public struct SpoolHash: Equatable, Sendable {
    /// Of all bytes so far.
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Of no byte.
    public init() {}

    /// The next bytes.
    public mutating func take(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// Sixteen hexadecimal digits.
    public var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
