/// Payloads of audio that carry earlier ones beside their own (RFC 2198): one that is lost comes with the next packet.
public enum RedundantAudio {
    /// A part of such a payload.
    public struct Block {
        /// Of its media, as if it stood alone.
        public var payloadType: UInt8
        /// By how much its timestamp is less than the packet's; 0 of the packet's own media.
        public var timestampOffset: UInt32
        /// How many blocks follow it in the packet; 0 of the packet's own media.
        public var following: Int
        /// The media.
        public var payload: UnsafeRawBufferPointer
    }

    /// The greatest distance of timestamps, 14 bits, and of bytes, 10 bits, that a block's header holds (section 3).
    static let (longestOffset, longestBlock) = (0x3fff, 0x3ff)

    /// Calls `body` with each block of `payload`, the packet's own media last; false, and nothing called, where it is
    /// cut off.
    public static func read(_ payload: UnsafeRawBufferPointer, _ body: (Block) -> Void) -> Bool {
        var (at, blocks, redundant) = (0, 0, 0)
        while at < payload.count, payload[at] & 0x80 != 0 {
            guard at + 4 <= payload.count else { return false }
            redundant += Int(payload.big32(at) & 0x3ff)
            (at, blocks) = (at + 4, blocks + 1)
        }
        guard at < payload.count, at + 1 + redundant <= payload.count else { return false }
        var start = at + 1
        for index in 0..<blocks {
            let word = payload.big32(4 * index)
            let count = Int(word & 0x3ff)
            body(
                Block(
                    payloadType: UInt8(truncatingIfNeeded: word >> 24) & 0x7f, timestampOffset: word >> 10 & 0x3fff,
                    following: blocks - index, payload: payload.part(start..<start + count)))
            start += count
        }
        body(
            Block(
                payloadType: payload[at], timestampOffset: 0, following: 0,
                payload: payload.part(start..<payload.count)))
        return true
    }

    /// Bytes in front of the media where there is one earlier block.
    static let headerSize = 5

    /// Writes the headers and `earlier` of a payload with one earlier block, which `fits`; the packet's own media
    /// follow. `offset` is in timestamps.
    static func write(
        _ earlier: UnsafeRawBufferPointer, offset: UInt32, payloadType: UInt8,
        to room: UnsafeMutableRawBufferPointer, at start: Int
    ) {
        room.put(
            big32: 0x8000_0000 | UInt32(payloadType & 0x7f) << 24 | offset << 10 | UInt32(earlier.count), at: start)
        room[start + 4] = payloadType & 0x7f
        room.put(earlier, at: start + headerSize)
    }

    /// Whether a block's header can tell it.
    static func fits(_ count: Int, offset: UInt32) -> Bool {
        (1...longestBlock).contains(count) && (1...UInt32(longestOffset)).contains(offset)
    }
}
