/// The header of a frame of MPEG audio, layers I to III (ISO/IEC 11172-3, section 2.4.1.3; ISO/IEC 13818-3 for the low
/// rates).
public struct MPEGAudioHeader: Equatable, Sendable {
    /// 1 to 3.
    public let layer: Int
    /// Hz.
    public let rate: Int
    /// 1 or 2.
    public let channels: Int
    /// Of each channel in the frame.
    public let samples: Int

    private static let rates = [44_100, 48_000, 32_000]

    /// nil where there is none.
    public init?(_ frame: UnsafeRawBufferPointer) {
        guard frame.count >= 4, frame[0] == 0xff, frame[1] & 0xe0 == 0xe0 else { return nil }
        let (version, layerCode) = (Int(frame[1] >> 3 & 3), Int(frame[1] >> 1 & 3))
        let (bitrate, rateIndex) = (frame[2] >> 4, Int(frame[2] >> 2 & 3))
        guard version != 1, layerCode != 0, bitrate != 15, rateIndex < 3 else { return nil }
        layer = 4 - layerCode
        // MPEG-1, MPEG-2 with half of its rates, and MPEG-2.5 with a quarter.
        rate = MPEGAudioHeader.rates[rateIndex] >> (version == 3 ? 0 : version == 2 ? 1 : 2)
        channels = frame[3] >> 6 == 3 ? 1 : 2
        samples = layer == 1 ? 384 : layer == 3 && version != 3 ? 576 : 1_152
    }
}
