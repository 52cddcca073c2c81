import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Files whose times leap, and files that begin again.
@Suite("Times of source") struct SourceTimesTests {
    private func played(_ path: String, _ parameters: [String: ParameterValue] = [:]) throws -> NodeHarness<Source> {
        let all: [String: ParameterValue] = ["open": .string(path), "pace": "fast", "decode": false]
        let source = try NodeHarness(Source.self, parameters: all.merging(parameters) { $1 })
        #expect(source.graph.run() == .finished)
        return source
    }

    private func times(_ source: NodeHarness<Source>, _ port: String) -> [Double] {
        source.sink(port).received.map(\.item.header.pts.seconds).sorted()
    }

    private func steps(_ times: [Double]) -> (least: Double, most: Double) {
        let steps = zip(times, times.dropFirst()).map { $1 - $0 }
        return (steps.min() ?? 0, steps.max() ?? 0)
    }

    private func warnings(_ source: NodeHarness<Source>) -> [String] {
        source.graph.events.filter { $0.level == .warning }.map(\.what)
    }

    /// `first` with what ffmpeg's `options` make of it behind it.
    private func spliced(_ first: String, _ folder: Folder, _ options: [String]) throws -> String {
        let second = folder.path("second.ts")
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-y", "-i", first, "-c", "copy"] + options + [second], feeding: [])
        let path = folder.path("spliced.ts")
        let bytes = [first, second].map { FileManager.default.contents(atPath: $0) ?? Data() }
        try (bytes[0] + bytes[1]).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test(arguments: [0, 3_600, -1], [true, false])
    func oneRecordingBehindTheOtherPlaysAsOne(offset: Int, decode: Bool) throws {
        let folder = try Folder()
        let path = try spliced(Clips.ts, folder, ["-output_ts_offset", "\(offset)"])
        let source = try played(path, ["decode": .boolean(decode)])
        let (video, audio) = (times(source, "video"), times(source, "audio"))
        #expect(video.count == 180 && steps(video).least > 0.02 && steps(video).most < 0.1)
        #expect(steps(audio).most < 0.1 && audio.count >= 300)
        #expect(abs((video.last ?? 0) - (audio.last ?? 0)) < 0.1)
        let said = warnings(source)
        #expect(said.count == 1 && said[0].contains("times"), "\(said)")
    }

    @Test func inRealTimeNothingWaitsForALeap() throws {
        let folder = try Folder()
        let path = try spliced(Clips.ts, folder, ["-output_ts_offset", "3600"])
        let source = try played(path, ["pace": "live"])
        let sent = source.sink("video").received.map { ($0.item.header.captured - Instant(nanoseconds: 0)).seconds }
        #expect(sent.count == 180 && steps(sent).most < 0.1)
    }

    @Test(arguments: ["ts", "webm", "mp4"]) func aFileBeginsAgainWithItsFirstPacket(kind: String) throws {
        let folder = try Folder()
        let path = folder.path("loop.\(kind)")
        let codecs =
            kind == "webm"
            ? ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1"]
            : ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "30", "-c:a", "aac"]
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-i", Clips.webm] + codecs + [path], feeding: [])
        let once = try played(path)
        let source = try played(path, ["loop": true, "duration_s": 12])
        for port in ["video", "audio"] {
            let round = once.sink(port).received.map { ($0.item as! Packet).bytes.count }
            let all = source.sink(port).received.map { ($0.item as! Packet).bytes.count }
            #expect(Array(all.dropFirst(round.count).prefix(round.count)) == round, "\(port)")
            #expect(steps(times(source, port)).least > 0 && steps(times(source, port)).most < 0.12, "\(port)")
        }
        #expect(times(source, "video").count >= 350 && warnings(source).isEmpty, "\(warnings(source))")
    }
}
