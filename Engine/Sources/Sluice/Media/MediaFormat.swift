/// The description of a frame, packet or data item: immutable, and every item points to its own. So a change of format
/// travels in order with the items and no drop can lose it. Items of one stream share one instance; comparing
/// identities is the fast path.
public final class MediaFormat: Sendable {
    /// Raw or coded, audio or video; or data.
    public let kind: Kind
    /// nil for raw media and data.
    public let codec: Codec?
    /// Rate, channels and, for raw audio, the sample format. nil for video and data.
    public let audio: AudioLayout?
    /// Size, rate and, for raw video, the pixel format. nil for audio and data.
    public let video: VideoLayout?
    /// Of data; nil for audio and video.
    public let schema: DataSchema?
    /// The codec's configuration (libavcodec's "extradata": avcC or Annex B parameter sets, OpusHead), may be empty.
    public let configuration: [UInt8]
    /// Bits a second of coded media; 0 when unknown.
    public let bitrate: Int

    /// Raw audio; `audio` has a sample format.
    public init(audio: AudioLayout) {
        kind = .rawAudio
        (codec, self.audio, video, schema, configuration, bitrate) = (nil, audio, nil, nil, [], 0)
    }

    /// Raw video; `video` has a pixel format.
    public init(video: VideoLayout) {
        kind = .rawVideo
        (codec, audio, self.video, schema, configuration, bitrate) = (nil, nil, video, nil, [], 0)
    }

    /// Data items of `schema`.
    public init(data schema: DataSchema) {
        kind = .data
        (codec, audio, video, self.schema, configuration, bitrate) = (nil, nil, nil, schema, [], 0)
    }

    /// Coded audio. `bitrate` in bits a second, 0 when unknown.
    public init(codec: Codec, audio: AudioLayout, configuration: [UInt8] = [], bitrate: Int = 0) {
        kind = .codedAudio
        (self.codec, self.audio, video, schema) = (codec, audio, nil, nil)
        (self.configuration, self.bitrate) = (configuration, bitrate)
    }

    /// Coded video. `bitrate` in bits a second, 0 when unknown.
    public init(codec: Codec, video: VideoLayout, configuration: [UInt8] = [], bitrate: Int = 0) {
        kind = .codedVideo
        (self.codec, audio, self.video, schema) = (codec, nil, video, nil)
        (self.configuration, self.bitrate) = (configuration, bitrate)
    }

    /// The length of one frame that the format itself tells: 1/fps of video. `.none` when it does not.
    public var nominalDuration: MediaTime {
        guard let rate = video?.frameRate, rate.numerator > 0 else { return .none }
        return MediaTime(
            ticks: rescale(MediaTime.ticksPerSecond, from: Int64(rate.numerator), to: Int64(rate.denominator)))
    }
}

extension MediaFormat {
    /// Of raw media with a known rate, as this engine's frames hold them; nil where the format does not tell.
    var bytesPerSecond: Double? {
        switch kind {
        case .rawAudio: return audio.map { Double($0.bytesPerSample) * Double($0.rate) }
        case .rawVideo:
            guard let video, let rate = video.frameRate, rate.denominator > 0 else { return nil }
            return Double(VideoFrame.Planes(video).byteCount) * rate.perSecond
        default: return nil
        }
    }
}

extension MediaFormat: Equatable {
    public static func == (a: MediaFormat, b: MediaFormat) -> Bool {
        a === b
            || a.kind == b.kind && a.codec == b.codec && a.audio == b.audio && a.video == b.video
                && a.schema?.name == b.schema?.name && a.configuration == b.configuration
    }
}

extension MediaFormat: CustomStringConvertible {
    /// As errors print it: `video 1280x720 i420 30/s`, `audio s16 48000 Hz 2 ch`, `video vp8 1280x720 30/s`,
    /// `data transcript`.
    public var description: String {
        var words = [kind.medium]
        if let schema { words.append(schema.name) }
        if let codec { words.append(codec.name) }
        if let video { words.append(video.description) }
        if let audio { words.append(audio.description) }
        return words.joined(separator: " ")
    }
}

extension MediaFormat {
    /// The five kinds of items on edges.
    public enum Kind: String, Sendable, CaseIterable {
        case rawAudio = "raw-audio"
        case rawVideo = "raw-video"
        case codedAudio = "coded-audio"
        case codedVideo = "coded-video"
        case data

        /// Raw or coded.
        public var isAudio: Bool { self == .rawAudio || self == .codedAudio }
        /// Raw or coded.
        public var isVideo: Bool { self == .rawVideo || self == .codedVideo }
        /// Audio or video; never data.
        public var isRaw: Bool { self == .rawAudio || self == .rawVideo }
        /// Audio or video; never data.
        public var isCoded: Bool { self == .codedAudio || self == .codedVideo }
        /// Packets of this kind depend on earlier ones, so after a loss nothing is usable before a keyframe.
        public var hasDependentPackets: Bool { self == .codedVideo }
        /// `audio`, `video` or `data`.
        public var medium: String { isAudio ? "audio" : isVideo ? "video" : "data" }
    }
}

/// A codec by its usual lower-case name (`vp8`, `h264`, `opus`), as libavcodec spells it.
public struct Codec: Hashable, Sendable {
    /// Lower case: libavcodec's, as `avcodec_get_name` gives it.
    public let name: String
    /// `name` in lower case, as libavcodec spells it.
    public init(_ name: String) { self.name = name }

    /// RFC 6386.
    public static let vp8 = Codec("vp8")
    /// The VP9 Bitstream & Decoding Process Specification.
    public static let vp9 = Codec("vp9")
    /// ITU-T H.264.
    public static let h264 = Codec("h264")
    /// RFC 6716.
    public static let opus = Codec("opus")
    /// ISO/IEC 14496-3.
    public static let aac = Codec("aac")
    /// G.711 µ-law.
    public static let pcmu = Codec("pcm_mulaw")
    /// G.711 A-law.
    public static let pcma = Codec("pcm_alaw")
}

/// Frames a second as a fraction.
public struct FrameRate: Hashable, Sendable, CustomStringConvertible {
    /// Frames in `denominator` seconds.
    public let numerator: Int
    /// Seconds; 1,001 of the rates of NTSC.
    public let denominator: Int

    /// `numerator` frames in `denominator` seconds.
    public init(_ numerator: Int, _ denominator: Int = 1) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// 29.97 and its like mean the fractions over 1001; other values are taken to a thousandth, and from 0.001 to 10⁶.
    public init(perSecond rate: Double) {
        let rate = rate > 0.001 ? min(rate, 1e6) : 0.001
        let whole = rate.rounded()
        if abs(rate - whole) < 0.0005 && whole > 0 {
            self.init(Int(whole))
        } else if abs((rate * 1.001).rounded() / 1.001 - rate) < 0.005 && rate > 1 {
            self.init(Int((rate * 1.001).rounded()) * 1_000, 1_001)
        } else {
            self.init(Int((rate * 1_000).rounded()), 1_000)
        }
    }

    /// Frames a second, rounded to what a `Double` holds.
    public var perSecond: Double { Double(numerator) / Double(denominator) }
    public var description: String { denominator == 1 ? "\(numerator)/s" : "\(numerator)/\(denominator)/s" }
}

/// Interleaved samples in the machine's byte order.
public enum SampleFormat: String, Sendable, CaseIterable {
    case s16, f32
    /// Bytes of one sample of one channel.
    public var bytes: Int { self == .s16 ? 2 : 4 }
}

/// How a picture lies in memory. `i420` and `nv12` are 8-bit 4:2:0; the packed ones name their bytes in order.
public enum PixelFormat: String, Sendable, CaseIterable {
    case i420, nv12, bgra, rgb24

    /// Brightness and colour, whose `ColorMatrix` matters.
    public var isYUV: Bool { self == .i420 || self == .nv12 }

    /// 1 to 3.
    public var planeCount: Int {
        switch self {
        case .i420: 3
        case .nv12: 2
        case .bgra, .rgb24: 1
        }
    }

    /// Bytes of one row of a plane without padding.
    public func rowBytes(plane: Int, width: Int) -> Int {
        switch self {
        case .i420: plane == 0 ? width : (width + 1) / 2
        case .nv12: plane == 0 ? width : (width + 1) / 2 * 2
        case .bgra: width * 4
        case .rgb24: width * 3
        }
    }

    /// Rows of a plane in a picture of `height` rows.
    public func rows(plane: Int, height: Int) -> Int {
        switch self {
        case .i420, .nv12: plane == 0 ? height : (height + 1) / 2
        case .bgra, .rgb24: height
        }
    }
}
