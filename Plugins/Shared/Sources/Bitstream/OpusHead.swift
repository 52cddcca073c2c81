/// The identification header that containers keep as an Opus stream's configuration (RFC 7845, section 5.1), for one
/// mono or stereo stream (channel mapping family 0).
public struct OpusHead: Equatable, Sendable {
    /// 1 or 2 in mapping family 0.
    public var channels: Int
    /// Samples at 48 kHz that a decoder throws away at the start: the encoder's delay.
    public var preSkip: Int
    /// Of what was encoded, for information.
    public var inputRate: Int

    /// Without a pre-skip for streams whose times say where audio begins: RTP and transport streams.
    public init(channels: Int, preSkip: Int = 0, inputRate: Int = 48_000) {
        self.channels = channels
        self.preSkip = preSkip
        self.inputRate = inputRate
    }

    /// nil where it is no header, or one of another major version than 0.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 19, Array(bytes[0..<8]) == Array("OpusHead".utf8) else { return nil }
        // The upper four bits are the major version; a decoder takes every minor one.
        guard bytes[8] & 0xf0 == 0 else { return nil }
        channels = Int(bytes[9])
        preSkip = Int(bytes[10]) | Int(bytes[11]) << 8
        inputRate = (0..<4).reduce(0) { $0 | Int(bytes[12 + $1]) << (8 * $1) }
    }

    /// 19 bytes, as a container keeps them.
    public var bytes: [UInt8] {
        let rate = (0..<4).map { UInt8(truncatingIfNeeded: inputRate >> (8 * $0)) }
        let skip = [UInt8(truncatingIfNeeded: preSkip), UInt8(truncatingIfNeeded: preSkip >> 8)]
        return Array("OpusHead".utf8) + [1, UInt8(truncatingIfNeeded: channels)] + skip + rate + [0, 0, 0]
    }
}
