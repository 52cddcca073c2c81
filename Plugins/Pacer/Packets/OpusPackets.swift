import Sluice

/// What the first bytes of an Opus packet tell (RFC 6716 section 3), and packets that stand for nothing.
struct OpusPackets {
    /// Table of contents: configuration, stereo flag and code.
    let contents: UInt8
    let frames: Int
    /// Of the whole packet, at 48 kHz.
    let samples: Int

    static let rate = 48_000

    /// nil where the bytes are no Opus packet: empty, without frames, or longer than 120 ms.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        contents = first
        switch first & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard bytes.count > 1 else { return nil }
            frames = Int(bytes[1] & 63)
        }
        samples = frames * OpusPackets.frameSamples(first)
        guard samples > 0, samples <= OpusPackets.rate * 120 / 1_000 else { return nil }
    }

    /// Samples of one frame: RFC 6716 table 2.
    private static func frameSamples(_ contents: UInt8) -> Int {
        let configuration = Int(contents >> 3)
        return switch configuration {
        case 0..<12: [480, 960, 1_920, 2_880][configuration & 3]
        case 12..<16: [480, 960][configuration & 1]
        default: [120, 240, 480, 960][configuration & 3]
        }
    }

    /// A packet as long as this one whose frames are empty, as an encoder's in discontinuous transmission: the decoder goes
    /// on from what it heard last. Writes at most 2 bytes and returns how many.
    func writeEmpty(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard frames > 2 || contents & 3 == 3 else {
            bytes[0] = contents & ~3 | (frames == 2 ? 1 : 0)
            return 1
        }
        bytes[0] = contents | 3
        bytes[1] = UInt8(frames)
        return 2
    }

    /// A packet of so many samples at 48 kHz that decodes to silence: CELT frames with the silence flag set, which is the
    /// first bit of FF FE (RFC 6716 section 4.3). At most `silentBytes`; returns how many it wrote.
    static func writeSilent(samples: Int, isStereo: Bool, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
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

    static let silentBytes = 2 + 2 * 48
}
