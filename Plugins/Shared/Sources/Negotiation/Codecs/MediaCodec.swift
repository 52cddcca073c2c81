import RTP

/// A codec, and what of it is sent or taken.
public struct MediaCodec: Hashable, Sendable {
    /// Opus, G.711, VP8 or H.264.
    public var format: PayloadFormat
    /// Of Opus: 2 where the stream is stereo, or where stereo is wished for.
    public var channels = 1
    /// Of H.264: that of the stream. nil takes every profile; nothing can be sent so.
    public var profile: H264Profile?

    /// G.711 of either law.
    public init(_ format: PayloadFormat) { self.format = format }

    private init(_ format: PayloadFormat, channels: Int = 1, profile: H264Profile? = nil) {
        (self.format, self.channels, self.profile) = (format, channels, profile)
    }

    /// Opus of 1 or 2 channels.
    public static func opus(channels: Int = 1) -> MediaCodec { MediaCodec(.opus, channels: channels) }
    /// VP8.
    public static let vp8 = MediaCodec(.vp8)
    /// H.264 of this profile and of no higher level.
    public static func h264(_ profile: H264Profile) -> MediaCodec { MediaCodec(.h264, profile: profile) }
    /// H.264 of every profile, to be taken.
    public static let h264 = MediaCodec(.h264)

    /// Sound or pictures.
    public var kind: MediaKind { format.isVideo ? .video : .audio }

    /// The level that is told where every one is taken: 5.2, 4K at 60 pictures a second.
    static let takenLevel: UInt8 = 52
}

extension MediaCodec: CustomStringConvertible {
    /// `H.264 constrained baseline 4 (42e028)`, `VP8`.
    public var description: String {
        switch format {
        case .opus: "Opus"
        case .h264: "H.264" + (profile.map { " \($0)" } ?? "")
        default: format.encodingName
        }
    }
}
