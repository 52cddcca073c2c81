/// How samples lie in memory and follow each other in time.
public struct AudioLayout: Hashable, Sendable, CustomStringConvertible {
    /// nil for coded audio.
    public let sampleFormat: SampleFormat?
    /// Samples a second of each channel.
    public let rate: Int
    /// Interleaved; 1 is mono.
    public let channels: Int
    /// The speaker of each channel, in order, as bits: 1 front left, 2 front right, 4 front centre, 8 low frequencies …
    /// (dwChannelMask of WAVEFORMATEXTENSIBLE; libav has the same). 0: the usual ones for that number of channels.
    public let speakers: UInt64

    /// `rate` in Hz; `sampleFormat` is nil for coded audio. `speakers` that are not as many as the channels, or are the
    /// usual ones, count as 0.
    public init(_ sampleFormat: SampleFormat?, rate: Int, channels: Int, speakers: UInt64 = 0) {
        self.sampleFormat = sampleFormat
        self.rate = rate
        self.channels = channels
        let isUsual = speakers == AudioLayout.usualSpeakers(channels)
        self.speakers = speakers.nonzeroBitCount == channels && !isUsual ? speakers : 0
    }

    /// Mono, stereo, 2.1, 4.0, 5.0, 5.1, 6.1 and 7.1, as libav takes a number of channels; 0 for other numbers.
    public static func usualSpeakers(_ channels: Int) -> UInt64 {
        let usual: [UInt64] = [0, 0x4, 0x3, 0xb, 0x107, 0x37, 0x3f, 0x70f, 0x63f]
        return usual.indices.contains(channels) ? usual[channels] : 0
    }

    /// Bytes of one sample of all channels; 0 for coded audio.
    public var bytesPerSample: Int { (sampleFormat?.bytes ?? 0) * channels }
    public var description: String {
        (sampleFormat.map { "\($0.rawValue) " } ?? "") + "\(rate) Hz \(channels) ch"
            + (speakers == 0 ? "" : " (\(speakerNames.joined(separator: " ")))")
    }

    /// `FL FR FC`.
    private var speakerNames: [String] {
        let names = [
            "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL",
            "TBC",
            "TBR",
        ]
        return (0..<64).filter { speakers >> $0 & 1 == 1 }.map { $0 < names.count ? names[$0] : "\($0)" }
    }
}

extension AudioLayout {
    /// Interleaved samples in the machine's byte order.
    public enum SampleFormat: String, Sendable, CaseIterable {
        case s16, f32
        /// Bytes of one sample of one channel.
        public var bytes: Int { self == .s16 ? 2 : 4 }
    }
}
