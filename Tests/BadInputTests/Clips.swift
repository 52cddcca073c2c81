import Foundation
import TestSupport
import Testing

/// Four seconds of ffmpeg's test picture and a sine as H.264 and AAC, or PCM: made once for all tests.
enum Clips {
    static let all = ["clip.mp4", "clip.mkv", "clip.ts", "clip.wav"]
    static func path(_ name: String) -> String { scratch.path(name) }

    nonisolated(unsafe) private static var kept: Scratch?
    nonisolated(unsafe) private static let scratch: Scratch = {
        let scratch = try! Scratch()
        kept = scratch
        atexit { Clips.kept = nil }
        for name in all + ["silent.mp4"] {
            let codecs =
                name.hasSuffix("wav")
                ? ["-vn", "-c:a", "pcm_s16le"]
                : ["-c:v", "libx264", "-preset", "veryfast", "-g", "30"]
                    + (name == "silent.mp4" ? ["-an"] : ["-c:a", "aac"])
            let words =
                ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=4:s=160x120:r=30"]
                + ["-f", "lavfi", "-i", "sine=d=4"] + codecs + [scratch.path(name)]
            do { _ = try FFmpeg.run(words, feeding: []) } catch { Issue.record("\(name) was not made: \(error)") }
        }
        return scratch
    }()

    /// The first part of a clip, `count` bytes, in a file of the same kind.
    static func cut(_ name: String, to count: Int, in scratch: Scratch) throws -> String {
        let cut = "cut." + name.split(separator: ".").last!
        try Data(contentsOf: URL(filePath: path(name))).prefix(count).write(to: scratch.url.appending(path: cut))
        return cut
    }

    static func size(_ name: String) throws -> Int { try Data(contentsOf: URL(filePath: path(name))).count }
}
