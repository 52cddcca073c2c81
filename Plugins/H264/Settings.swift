import Sluice

/// The settings that an encoder is opened with.
struct Settings: Equatable {
    var width: Int
    var height: Int
    var pixelFormat: PixelFormat
    var frameRate: FrameRate
    /// The stream's word for it; nil for none.
    var colorMatrix: VideoLayout.ColorMatrix?
    /// Thousands of bits a second.
    var bitrate: Int
    /// Pictures from one keyframe to the next; nil leaves keyframes to requests.
    var keyframeDistance: Int?
    var level: Level
    var preset: Preset
    var threads: Int
}

/// Speed against quality, in x264's words; other encoders get what comes nearest.
enum Preset: String, CaseIterable, ParameterConvertible {
    case ultrafast, superfast, veryfast, faster, fast, medium

    /// 0 for the fastest.
    var speed: Int { Preset.allCases.firstIndex(of: self) ?? 0 }
}
