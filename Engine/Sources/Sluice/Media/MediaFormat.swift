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
    /// The rest of libavcodec's description of a coded stream, as LibAV packs it; empty where there is none. No part of
    /// equality.
    @_spi(LibAV) public let details: [Int32]

    /// Raw audio; `audio` has a sample format.
    public init(audio: AudioLayout) {
        kind = .rawAudio
        (codec, self.audio, video, schema, configuration, bitrate) = (nil, audio, nil, nil, [], 0)
        details = []
    }

    /// Raw video; `video` has a pixel format.
    public init(video: VideoLayout) {
        kind = .rawVideo
        (codec, audio, self.video, schema, configuration, bitrate) = (nil, nil, video, nil, [], 0)
        details = []
    }

    /// Data items of `schema`.
    public init(data schema: DataSchema) {
        kind = .data
        (codec, audio, video, self.schema, configuration, bitrate) = (nil, nil, nil, schema, [], 0)
        details = []
    }

    /// Coded audio. `bitrate` in bits a second, 0 when unknown.
    public convenience init(codec: Codec, audio: AudioLayout, configuration: [UInt8] = [], bitrate: Int = 0) {
        self.init(codec: codec, audio: audio, configuration: configuration, bitrate: bitrate, details: [])
    }

    /// Coded video. `bitrate` in bits a second, 0 when unknown.
    public convenience init(codec: Codec, video: VideoLayout, configuration: [UInt8] = [], bitrate: Int = 0) {
        self.init(codec: codec, video: video, configuration: configuration, bitrate: bitrate, details: [])
    }

    @_spi(LibAV) public init(
        codec: Codec, audio: AudioLayout, configuration: [UInt8], bitrate: Int, details: [Int32]
    ) {
        kind = .codedAudio
        (self.codec, self.audio, video, schema) = (codec, audio, nil, nil)
        (self.configuration, self.bitrate, self.details) = (configuration, bitrate, details)
    }

    @_spi(LibAV) public init(
        codec: Codec, video: VideoLayout, configuration: [UInt8], bitrate: Int, details: [Int32]
    ) {
        kind = .codedVideo
        (self.codec, audio, self.video, schema) = (codec, nil, video, nil)
        (self.configuration, self.bitrate, self.details) = (configuration, bitrate, details)
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
