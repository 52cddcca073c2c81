import Sluice

/// The kinds of file that `source` opens, by libavformat's names: those that hold their media themselves. A playlist
/// (`SegmentList` apart), a session description or a script names other files and addresses. Then the sender of such a
/// file would choose what is read on this machine.
enum MediaFormats {
    private static let names: [String] = [
        // Containers.
        "mov", "matroska", "mpegts", "mpegtsraw", "mpeg", "avi", "flv", "live_flv", "ogg", "asf", "asf_o", "nut", "mxf",
        "gxf", "ivf", "obu", "yuv4mpegpipe", "rm", "nsv", "dv",
        // Audio.
        "wav", "w64", "aiff", "caf", "au", "mp3", "aac", "ac3", "eac3", "flac", "amr", "amrnb", "amrwb", "dts", "dtshd",
        "truehd", "mlp", "tta", "tak", "wv", "ape", "voc", "sox", "sbc", "aptx", "gsm", "oma",
        // Elementary streams of video.
        "h264", "hevc", "m4v", "mpegvideo", "h261", "h263", "mjpeg", "mjpeg_2000", "smjpeg", "av1", "vc1", "vc1test",
        "dirac", "dnxhd",
        // Pictures.
        "gif", "gif_pipe", "apng", "png_pipe", "jpeg_pipe", "bmp_pipe", "webp_pipe", "tiff_pipe", "ppm_pipe",
        "pgm_pipe",
    ]

    static let list = names.joined(separator: ",")

    /// `name` as libavformat has it: `mov,mp4,m4a,3gp,3g2,mj2`.
    static func holdTheirMedia(_ name: String) -> Bool {
        name.split(separator: ",").contains { names.contains(String($0)) }
    }

    /// For a path that is not there: it may be an address that another node takes.
    static func advice(onMissing path: String) -> String {
        func isAddress(_ schemes: String...) -> Bool { schemes.contains { path.lowercased().hasPrefix($0 + ":") } }
        if isAddress("srt") {
            return #"SRT is received by a node of its own: { "type": "srt-input", "url": "srt://…" }."#
        }
        if isAddress("rtp", "udp") {
            return #"RTP is received by a node of its own: { "type": "rtp-input", "sdp": "FILE" }."#
        }
        if isAddress("http", "https") {
            return #"Fetch it first, or lead it in: curl -s URL | sluice run …, with "open": "-"."#
        }
        if isAddress("rtmp", "rtsp", "whip", "whep") {
            return #"Let ffmpeg or a media server hand it on by SRT, for a node "srt-input"."#
        }
        if isAddress("file") { return "Give the path alone." }
        return #"Give a media file, "-", "pattern" or "tone"; paths are relative to the working directory."#
    }

    static func refusal(of name: String, _ path: String) -> NodeError {
        NodeError(
            "\"\(path)\" is \(name), which is no media file that `source` opens",
            advice:
                "It opens files that hold their media themselves (mp4, mkv, ts, wav and the like); playlists and descriptions name other files. Open one of those. An HLS list has to end in .m3u8.",
            isInputError: true)
    }
}
