/// Reads bits of bytes that somebody else holds, the most significant first. Behind the end it gives zeros and says so.
package struct PlainBits {
    private let bytes: UnsafeRawBufferPointer
    /// Bits that were read.
    package private(set) var position = 0

    /// Nothing was read.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// More was read than there is.
    package var isOver: Bool { position > bytes.count * 8 }
    /// Bits that are left; 0 behind the end.
    package var left: Int { max(0, bytes.count * 8 - position) }

    /// Up to 32 bits.
    package mutating func read(_ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            let byte = position / 8
            let bit = byte < bytes.count ? bytes[byte] >> (7 - UInt8(position & 7)) & 1 : 0
            value = value << 1 | UInt32(bit)
            position += 1
        }
        return value
    }

    package mutating func flag() -> Bool { read(1) == 1 }

    /// Passes over `count` bits.
    package mutating func skip(_ count: Int) { position += max(0, min(count, left)) }

    /// Passes over what is left of a byte that was begun.
    package mutating func align() { position = (position + 7) / 8 * 8 }

    /// `count` bytes, which need not begin at a byte's edge, into `result`; false where there are not so many.
    mutating func copy(_ count: Int, into result: inout [UInt8]) -> Bool {
        guard count >= 0, count * 8 <= left else { return false }
        result.removeAll(keepingCapacity: true)
        result.reserveCapacity(count)
        let (start, shift) = (position / 8, UInt16(position & 7))
        for index in start..<start + count {
            let next = shift > 0 ? UInt16(bytes[index + 1]) : 0
            result.append(UInt8(truncatingIfNeeded: (UInt16(bytes[index]) << 8 | next) >> (8 - shift)))
        }
        position += count * 8
        return true
    }

    /// The bits from `start` up to here, filled up with zeros to whole bytes.
    func taken(from start: Int) -> [UInt8] {
        var reader = self
        reader.position = start
        var result: [UInt8] = []
        while reader.position < position {
            let count = min(8, position - reader.position)
            result.append(UInt8(reader.read(count)) << UInt8(8 - count))
        }
        return result
    }
}
