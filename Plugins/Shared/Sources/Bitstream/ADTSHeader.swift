/// The header in front of an AAC frame in a transport stream (ISO/IEC 13818-7, section 6.2).
public struct ADTSHeader: Equatable, Sendable {
    /// Hz.
    public let rate: Int
    /// 1 to 8.
    public let channels: Int
    /// Of each channel in the frame.
    public let samples: Int

    /// Bytes of the header in front of a frame, 7 or, with a checksum, 9; nil where there is none.
    public static func size(_ frame: UnsafeRawBufferPointer) -> Int? {
        guard frame.count > 7, frame[0] == 0xff, frame[1] & 0xf6 == 0xf0 else { return nil }
        let size = frame[1] & 1 == 1 ? 7 : 9
        return frame.count > size ? size : nil
    }

    private static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    /// nil where there is none, and where it leaves the channels to the stream.
    public init?(_ frame: UnsafeRawBufferPointer) {
        guard ADTSHeader.size(frame) != nil else { return nil }
        let (index, configuration) = (Int(frame[2] >> 2 & 15), Int(frame[2] & 1) << 2 | Int(frame[3] >> 6))
        guard ADTSHeader.rates.indices.contains(index), configuration > 0 else { return nil }
        rate = ADTSHeader.rates[index]
        channels = configuration == 7 ? 8 : configuration
        samples = 1_024 * (Int(frame[6] & 3) + 1)
    }
}
