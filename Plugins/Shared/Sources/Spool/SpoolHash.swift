/// Tells a chunk that is damaged from a whole one: the steps of FNV-1a (draft-eastlake-fnv-17) over words of 64 bits,
/// and after each the upper half folded into the lower one. A fifth of the time of FNV-1a over bytes. No protection
/// against those who write other bytes on purpose. Pure.
public struct SpoolHash: Equatable, Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Bytes of a word that is not whole yet.
    private var rest: UInt64 = 0
    private var count: UInt64 = 0

    /// Of no byte.
    public init() {}

    /// The next bytes, in pieces of any size.
    public mutating func take(_ bytes: some Sequence<UInt8>) {
        let isDone: Void? = bytes.withContiguousStorageIfAvailable { take(UnsafeRawBufferPointer($0)) }
        if isDone == nil { Array(bytes).withUnsafeBytes { take($0) } }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at < bytes.count, count % 8 != 0 {
            take(bytes[at])
            at += 1
        }
        while at + 8 <= bytes.count {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            (at, count) = (at + 8, count + 8)
        }
        while at < bytes.count {
            take(bytes[at])
            at += 1
        }
    }

    private mutating func take(_ byte: UInt8) {
        rest |= UInt64(byte) << (count % 8 * 8)
        count += 1
        guard count % 8 == 0 else { return }
        mix(rest)
        rest = 0
    }

    private mutating func mix(_ word: UInt64) {
        state = (state ^ word) &* 0x100_0000_01b3
        state ^= state >> 32
    }

    /// Of all bytes so far, their number included: sixteen hexadecimal digits.
    public var text: String {
        var end = self
        end.mix(rest)
        end.mix(count)
        let digits = String(end.state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
