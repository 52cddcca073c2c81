/// Packets that stand for nothing.
extension OpusPacket {
    /// A packet as long as this one whose frames are empty, as an encoder's in discontinuous transmission: the decoder
    /// goes on from what it heard last. Writes at most 2 bytes and returns how many.
    public func writeEmpty(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard frames > 2 || contents & 3 == 3 else {
            bytes[0] = contents & ~3 | (frames == 2 ? 1 : 0)
            return 1
        }
        writeEmptyWithCount(bytes)
        return 2
    }

    /// The silence of `writeEmpty` in exactly two bytes: the frames are counted by a byte of their own.
    public func writeEmptyWithCount(_ bytes: UnsafeMutableRawBufferPointer) {
        bytes[0] = contents | 3
        bytes[1] = UInt8(frames)
    }

    /// A packet of so many samples at 48 kHz that decodes to silence: CELT frames with the silence flag set, which is
    /// the first bit of FF FE (RFC 6716, section 4.3). At most `silentBytes`; returns how many it wrote.
    public static func writeSilent(samples: Int, isStereo: Bool, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
        let length = [960, 480, 240, 120].first { samples % $0 == 0 } ?? 120
        let size: UInt8 = length == 960 ? 31 : length == 480 ? 30 : length == 240 ? 29 : 28
        let count = min(48, max(1, samples / length))
        let contents = size << 3 | (isStereo ? 4 : 0)
        var end = 0
        func put(_ byte: UInt8) {
            bytes[end] = byte
            end += 1
        }
        if count == 1 {
            put(contents)
        } else {
            put(contents | 3)
            put(UInt8(count))
        }
        for _ in 0..<count {
            put(0xFF)
            put(0xFE)
        }
        return end
    }

    /// The longest packet that `writeSilent` writes.
    public static let silentBytes = 2 + 2 * 48
}
