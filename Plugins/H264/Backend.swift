import CLibAV
import Sluice

/// An encoder of libavcodec, and how to ask it for the stream that all give alike. That is Constrained Baseline at a
/// constant bitrate over half a second, without B-frames, with no keyframes but the regular and the asked ones, and
/// every picture out at once.
///
/// The names and values of the options are those of libavcodec 59 to 61 (its nvenc_h264.c, qsvenc_h264.c,
/// amfenc_h264.c, vaapi_encode_h264.c, videotoolboxenc.c and libx264.c).
struct Backend: Sendable {
    let name: String
    /// Pictures that it takes as they are. Every one takes nv12.
    let pixels: [VideoLayout.PixelFormat]
    /// Whether pictures are to be in the memory of VA-API.
    var takesSurfaces = false
    /// Whether another bitrate takes a new encoder, and so a keyframe.
    var reopensForBitrate = true
    /// The option that makes a picture a keyframe where it is asked to be coded by itself; nil where each such one is.
    /// Without this option, which h264_amf has not had for long, a keyframe takes a new encoder.
    var keyframeOption: String?
    /// Of the context and of the encoder.
    let options: @Sendable (Settings) -> [(String, String)]

    /// In the order in which they are tried unless a graph says another.
    static let all = [nvenc, qsv, amf, vaapi, videotoolbox, libx264]

    static let nvenc = Backend(
        name: "h264_nvenc", pixels: [.i420, .nv12], reopensForBitrate: false, keyframeOption: "forced-idr",
        options: {
            [
                ("preset", "p\($0.preset.speed + 1)"), ("tune", "ull"), ("profile", "baseline"),
                ("level", "\($0.level.code)"), ("rc", "cbr"), ("zerolatency", "1"), ("delay", "0"),
                ("no-scenecut", "1"),
            ]
        })

    static let qsv = Backend(
        name: "h264_qsv", pixels: [.nv12], keyframeOption: "forced_idr",
        options: {
            [
                ("preset", "\(max(4, 7 - $0.preset.speed))"), ("profile", "baseline"), ("level", "\($0.level.code)"),
                ("async_depth", "1"), ("look_ahead", "0"), ("pic_timing_sei", "0"),
            ]
        })

    static let amf = Backend(
        name: "h264_amf", pixels: [.nv12, .i420], keyframeOption: "forced_idr",
        options: {
            [
                ("usage", "ultralowlatency"), ("profile", "constrained_baseline"), ("level", "\($0.level.code)"),
                ("rc", "cbr"), ("quality", $0.preset.speed < 2 ? "speed" : "balanced"),
            ]
        })

    static let vaapi = Backend(
        name: "h264_vaapi", pixels: [.nv12], takesSurfaces: true,
        options: {
            [
                ("profile", "constrained_baseline"), ("level", "\($0.level.code)"), ("rc_mode", "CBR"),
                ("async_depth", "1"), ("sei", "0"),
            ]
        })

    static let videotoolbox = Backend(
        name: "h264_videotoolbox", pixels: [.nv12, .i420],
        options: {
            [
                ("profile", "constrained_baseline"), ("level", "\($0.level.code)"), ("realtime", "1"),
                ("constant_bit_rate", "1"),
            ]
        })

    static let libx264 = Backend(
        name: "libx264", pixels: [.i420, .nv12], reopensForBitrate: false, keyframeOption: "forced-idr",
        options: {
            [
                ("preset", $0.preset.rawValue), ("tune", "zerolatency"), ("profile", "baseline"),
                ("level", "\($0.level)"), ("x264-params", "scenecut=0"),
            ]
        })

    /// The form in which pictures of this format are handed over.
    func pixels(for format: VideoLayout.PixelFormat) -> VideoLayout.PixelFormat {
        pixels.contains(format) ? format : .nv12
    }

    /// Those that a graph names, `h264_vaapi, libx264`, in its order.
    static func named(_ text: String) throws -> [Backend] {
        let names = text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        let known = all.map(\.name)
        guard !names.isEmpty else {
            throw NodeError(
                "encoders names none", advice: "Name some of \(known.joined(separator: ", ")).", isInputError: true)
        }
        return try names.enumerated().map { index, name in
            guard let backend = all.first(where: { $0.name == name }) else {
                throw NodeError(
                    "encoders names \"\(name)\", which is no H.264 encoder that this node knows",
                    advice: NodeError.suggestion(for: name, in: known, listing: "It knows"), isInputError: true)
            }
            guard !names[..<index].contains(name) else {
                throw NodeError("encoders names \(name) twice", advice: "Name each once.", isInputError: true)
            }
            return backend
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
