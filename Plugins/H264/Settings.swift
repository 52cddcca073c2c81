import Sluice

/// What an encoder is opened with.
struct Settings: Equatable {
    var width: Int
    var height: Int
    var pixelFormat: PixelFormat
    var frameRate: FrameRate
    /// Thousands of bits a second.
    var bitrate: Int
    /// Pictures from one keyframe to the next; nil leaves keyframes to requests.
    var keyframeDistance: Int?
    var level: Level
    var hrd: HRD
    var preset: String
    var threads: Int
}

/// Whether the stream says that it keeps to the model of its receiver's buffer (H.264, annex C).
enum HRD: String, CaseIterable, ParameterConvertible {
    case cbr, none
}

/// An encoder of libavcodec and how to ask it for the same thing: Constrained Baseline at a constant bitrate, every
/// picture out at once. Those that are tried come first to last; one that is listed need not open.
struct Backend: Sendable {
    let name: String
    /// The encoder takes another bitrate without a break.
    let reconfigures: @Sendable (Settings) -> Bool
    let options: @Sendable (Settings) -> [(String, String)]

    static let all = [libx264]

    static let libx264 = Backend(
        name: "libx264",
        // libx264 ignores a new bitrate once the stream has declared its HRD ("VBV parameters cannot be changed").
        reconfigures: { $0.hrd == .none },
        options: {
            [
                ("preset", $0.preset), ("tune", "zerolatency"), ("profile", "baseline"), ("level", "\($0.level)"),
                ("forced-idr", "1"), ("nal-hrd", $0.hrd.rawValue), ("x264-params", "scenecut=0"),
            ]
        })
}
