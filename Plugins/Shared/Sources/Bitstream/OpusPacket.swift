/// The facts in the first bytes of an Opus packet (RFC 6716, section 3.1).
public struct OpusPacket: Equatable, Sendable {
    /// Table of contents: configuration, stereo flag and code.
    public let contents: UInt8
    /// Frames in the packet: 1 to 48.
    public let frames: Int
    /// Of each channel in the whole packet, at 48 kHz.
    public let samples: Int

    /// Samples a second by which lengths are counted, whatever was encoded.
    public static let rate = 48_000
    /// The longest packet: 120 ms.
    public static let longest = 5_760

    /// nil where the bytes are no Opus packet: empty, without frames, or longer than 120 ms.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        contents = first
        switch first & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard bytes.count > 1 else { return nil }
            frames = Int(bytes[1] & 63)
        }
        samples = frames * OpusPacket.frameSamples(first)
        guard samples > 0, samples <= OpusPacket.longest else { return nil }
    }

    /// Samples of each channel at 48 kHz, at most 120 ms; nil if it is no Opus packet.
    public static func samples(_ packet: UnsafeRawBufferPointer) -> Int? { OpusPacket(packet)?.samples }

    /// Samples of one frame (table 2).
    private static func frameSamples(_ contents: UInt8) -> Int {
        let configuration = Int(contents >> 3)
        return switch configuration {
        case 0..<12: [480, 960, 1_920, 2_880][configuration & 3]
        case 12..<16: [480, 960][configuration & 1]
        default: 120 << (configuration & 3)
        }
    }
}
