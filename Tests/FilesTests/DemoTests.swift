import Foundation
import OpusPlugin
import Sluice
import SluiceTesting
import TestSupport
import Testing
import VP8Plugin

@testable import FilesPlugin

/// A folder that is gone when the test is.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> String { url.appending(path: name).path }
    func bytes(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: url.appending(path: name))) }
}

extension GraphBuilder {
    /// Pattern and tone through VP8 and Opus into `path`.
    static func demo(to path: String, seconds: Double, kbps: Int = 1_000) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            ["open": "pattern", "width": 320, "height": 180, "duration_s": .number(seconds)])
        graph.node("vp8", VP8EncoderNode.self, ["bitrate_kbps": .number(Double(kbps))])
        graph.node("opus", OpusEncoderNode.self)
        graph.node("record", Record.self, ["path": .string(path)])
        graph.edge("source.video -> vp8.in")
        graph.edge("source.audio -> opus.in")
        graph.edge("vp8.out -> record.video")
        graph.edge("opus.out -> record.audio")
        return graph
    }
}

@Suite("Pattern and tone, encoded and recorded") struct DemoTests {
    @Test func aRecordingPlaysAndKeepsEveryFrameNumber() throws {
        let folder = try Folder()
        let harness = try GraphHarness(GraphBuilder.demo(to: folder.path("demo.webm"), seconds: 3, kbps: 150))
        #expect(harness.run() == .finished)
        #expect(harness.failure == nil)
        #expect(harness.events.contains { $0.what.hasPrefix("wrote \(folder.path("demo.webm")): 3.0") })
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height,sample_rate,channels", "-of",
                "csv=p=0", folder.path("demo.webm"),
            ], feeding: [])
        #expect(String(decoding: told, as: UTF8.self) == "vp8,320,180\nopus,48000,2\n")
        let pictures = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", folder.path("demo.webm"), "-f", "rawvideo", "-pix_fmt", "yuv420p",
                "pipe:1",
            ],
            feeding: [])
        #expect(numbers(pictures, width: 320, height: 180) == Array(0..<90))
    }

    @Test func twoRunsWriteTheSameBytes() throws {
        let folder = try Folder()
        for name in ["a.webm", "b.webm"] {
            #expect(try GraphHarness(GraphBuilder.demo(to: folder.path(name), seconds: 2)).run() == .finished)
        }
        #expect(try folder.bytes("a.webm") == folder.bytes("b.webm"))
    }
}
