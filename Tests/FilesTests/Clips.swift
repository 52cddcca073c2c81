import Foundation
import OpusPlugin
import Sluice
import SluiceTesting
import TestSupport
import Testing
import VP8Plugin

@testable import FilesPlugin

/// Media files made once for all tests: three seconds of the pattern by our own encoders, and the same by ffmpeg's.
enum Clips {
    /// VP8 and Opus, 320x180 at 30/s.
    static let webm = made("demo.webm") { path in
        _ = try GraphHarness(GraphBuilder.demo(to: path, seconds: 3)).run()
    }
    /// H.264 with B-frames and AAC: decoding times differ from presentation times, and both start below 0.
    static let mp4 = made("demo.mp4") { path in
        try ffmpeg(["-c:v", "libx264", "-preset", "fast", "-g", "30", "-c:a", "aac", path])
    }
    /// H.264 without B-frames, Annex B, and Opus.
    static let ts = made("demo.ts") { path in
        try ffmpeg([
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-c:a", "libopus", path,
        ])
    }
    static let mkv = made("demo.mkv") { path in
        try ffmpeg(["-c:v", "libx264", "-preset", "fast", "-g", "30", "-c:a", "flac", path])
    }
    static let wav = made("demo.wav") { path in try ffmpeg(["-vn", "-c:a", "pcm_s16le", path]) }
    /// 4:2:2 in 10 bit, which the engine has no word for.
    static let deep = made("deep.mkv") { path in
        try ffmpeg(["-an", "-t", "0.5", "-c:v", "ffv1", "-pix_fmt", "yuv422p10le", path])
    }

    /// Plain pictures of one colour, as `filters` make them of white.
    static func plain(_ name: String, _ filters: String, _ codec: String...) -> String {
        made(name) { path in
            let source = "color=white:size=64x48:rate=30:duration=0.2,\(filters)"
            _ = try FFmpeg.run(
                ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v"] + codec + [path], feeding: [])
        }
    }

    nonisolated(unsafe) private static var kept: Folder?
    nonisolated(unsafe) private static let folder: Folder = {
        let folder = try! Folder()
        kept = folder
        atexit { Clips.kept = nil }
        return folder
    }()

    private static func made(_ name: String, _ make: (String) throws -> Void) -> String {
        let path = folder.path(name)
        do { try make(path) } catch { Issue.record("\(name) was not made: \(error)") }
        return path
    }

    private static func ffmpeg(_ arguments: [String]) throws {
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-y", "-i", webm] + arguments, feeding: [])
    }
}

/// ffprobe's words on a file: one line a stream.
func probe(_ path: String, _ entries: String = "stream=codec_name") throws -> [String] {
    let told = try FFmpeg.run(
        ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", path], feeding: [])
    // A stream that belongs to a program is told twice.
    var lines: [String] = []
    for line in String(decoding: told, as: UTF8.self).split(separator: "\n").map(String.init)
    where !lines.contains(line) {
        lines.append(line)
    }
    return lines
}

/// The frame numbers that ffmpeg decodes from a file.
func numbers(in path: String) throws -> [Int?] {
    let pictures = try FFmpeg.run(
        [
            "ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough",
            "pipe:1",
        ],
        feeding: [])
    return numbers(pictures, width: 320, height: 180)
}
