import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// A transport stream whose pictures get another size and whose sound another rate, as between two programmes of a
/// broadcast, handed on without decoding.
@Suite("Formats that change within a file") struct SplicedFormatTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// A second of 64x48 with mono at 48 kHz, and one of 96x64 in 4:3 pixels with stereo at 44.1 kHz.
    private func spliced(_ video: String, _ audio: String) throws -> String {
        var bytes = Data()
        for (size, aspect, rate, channels) in [("64x48", "1/1", 48_000, 1), ("96x64", "4/3", 44_100, 2)] {
            let part = folder.path("part.ts")
            _ = try FFmpeg.run(
                [
                    "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=\(size):r=25:d=1,setsar=\(aspect)",
                    "-f", "lavfi", "-i", "sine=r=\(rate):d=1", "-ac", "\(channels)", "-c:v", video, "-g", "25",
                    "-x265-params", "log-level=none",
                    "-pix_fmt", "yuv420p", "-c:a", audio, part,
                ], feeding: [])
            bytes += try Data(contentsOf: URL(filePath: part))
        }
        let path = folder.path("spliced.ts")
        try bytes.write(to: URL(filePath: path))
        return path
    }

    private func copy(_ input: String, to name: String) throws {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(input), "decode": false, "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(folder.path(name))])
        graph.edge("source.video -> record.video")
        graph.edge("source.audio -> record.audio")
        let run = try GraphHarness(graph)
        #expect(run.run() == .finished)
    }

    private static let entries = "stream=width,height,sample_aspect_ratio,sample_rate,channels"

    @Test(arguments: [("libx264", "mp2"), ("libx265", "mp2"), ("libx264", "aac"), ("mpeg2video", "mp2")])
    func eachFileTellsItsOwn(_ video: String, _ audio: String) throws {
        try copy(spliced(video, audio), to: "copy.mkv")
        let first = try probe(folder.path("copy.mkv"), SplicedFormatTests.entries)
        #expect(first.first?.hasPrefix("64,48,1:1") == true && first.last == "48000,1", "\(first)")
        let second = try probe(folder.path("copy.2.mkv"), SplicedFormatTests.entries)
        let pixels = video == "mpeg2video" ? "" : "4:3"
        #expect(second.first?.hasPrefix("96,64,\(pixels)") == true, "\(second)")
        // Sound of the first part ends behind its pictures, and the rest has a file with the next keyframe, or the end.
        #expect(try probe(folder.path("copy.3.mkv"), SplicedFormatTests.entries).last == "44100,2")
        for name in ["copy.mkv", "copy.2.mkv"] {
            let pictures = try FFmpeg.run(
                ["ffmpeg", "-v", "error", "-i", folder.path(name), "-map", "0:v", "-f", "framemd5", "-"], feeding: [])
            let count = String(decoding: pictures, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(count.count == 25, "\(name)")
        }
    }

    /// libavformat would hand on the packets of the second part as if they were of the first one's codec.
    @Test(arguments: [true, false], [("libx265", "aac"), ("libx264", "ac3")])
    func whereTheCodecChangesItEndsAndSaysSo(decodes: Bool, second: (video: String, audio: String)) throws {
        var bytes = Data()
        for (video, audio) in [("libx264", "aac"), second] {
            let part = folder.path("part.ts")
            _ = try FFmpeg.run(
                [
                    "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-f", "lavfi",
                    "-i", "sine=d=1", "-c:v", video, "-g", "25", "-x265-params", "log-level=none", "-c:a", audio, part,
                ], feeding: [])
            bytes += try Data(contentsOf: URL(filePath: part))
        }
        let path = folder.path("codecs.ts")
        try bytes.write(to: URL(filePath: path))
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(path), "decode": .boolean(decodes), "pace": "fast"])
        for port in ["video", "audio"] {
            graph.node(port, TestSink.self)
            graph.edge("source.\(port) -> \(port).in")
        }
        let run = try GraphHarness(graph)
        #expect(run.run() == .failed)
        let what = second.video == "libx265" ? "video changes from h264 to hevc" : "audio changes from aac to ac3"
        #expect("\(run.failure!)".contains("its \(what) at "), "\(run.failure!)")
        // Streams lie in the file up to 0.7 s apart.
        let pictures = run.sink("video").received.count
        #expect(pictures >= 20 && pictures <= (second.video == "libx265" ? 25 : 45), "\(pictures)")
    }

    @Test func whatDoesNotChangeStaysOneFile() throws {
        for input in [Clips.ts, Clips.mp4, Clips.mkv] {
            try copy(input, to: "whole.mkv")
            #expect(!FileManager.default.fileExists(atPath: folder.path("whole.2.mkv")))
        }
    }
}
