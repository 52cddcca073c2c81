import Sluice

/// The settings that an encoder is opened with.
struct Settings: Equatable {
    var width: Int
    var height: Int
    var pixelFormat: VideoLayout.PixelFormat
    /// Pictures a second, where somebody knows.
    var frameRate: VideoLayout.FrameRate?
    /// The stream's word for it; nil for none.
    var colorMatrix: VideoLayout.ColorMatrix?
    /// The shape of a pixel, which the stream's parameter set tells.
    var pixelAspect = VideoLayout.PixelAspect.square
    /// Thousands of bits a second.
    var bitrate: Int
    /// Seconds from one keyframe to the next; 0 leaves keyframes to requests.
    var keyframeInterval: Double
    var level: Level
    var preset: Preset
    var threads: Int

    /// The rate for what has to be decided before the first picture.
    var assumedRate: VideoLayout.FrameRate { frameRate ?? .init(30) }

    /// The encoder's units of time: pictures where the rate is known, else as fine as any rate asks for.
    var timescale: VideoLayout.FrameRate { frameRate ?? .init(240) }
}

/// Speed against quality, in x264's words; other encoders get what comes nearest.
enum Preset: String, CaseIterable, ParameterValue.Convertible {
    case ultrafast, superfast, veryfast, faster, fast, medium

    /// 0 for the fastest.
    var speed: Int { Preset.allCases.firstIndex(of: self) ?? 0 }
}
