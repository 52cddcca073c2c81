import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("record") struct RecordTests {
    private func remux(_ from: String, to path: String, decode: Bool = false, _ extra: [String: ParameterValue] = [:])
        throws -> GraphHarness
    {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(from), "decode": .boolean(decode), "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(path)].merging(extra) { $1 })
        graph.edge("source.video -> record.video", optional: true)
        graph.edge("source.audio -> record.audio", optional: true)
        return try GraphHarness(graph)
    }

    @Test func everyContainerPlaysWhatWasRemuxedIntoIt() throws {
        let folder = try Folder()
        for (source, name, codecs) in [
            (Clips.webm, "a.webm", ["vp8", "opus"]), (Clips.webm, "a.mkv", ["vp8", "opus"]),
            (Clips.mp4, "b.mkv", ["h264", "aac"]),
            (Clips.mp4, "b.mp4", ["h264", "aac"]), (Clips.mp4, "b.ts", ["h264", "aac"]),
            (Clips.ts, "c.mp4", ["h264", "opus"]),
            (Clips.ts, "c.mkv", ["h264", "opus"]), (Clips.ts, "c.ts", ["h264", "opus"]),
            (Clips.mkv, "d.mkv", ["h264", "flac"]),
        ] {
            let path = folder.path(name)
            let harness = try remux(source, to: path)
            #expect(harness.run() == .finished, "\(name): \(harness.events)")
            #expect(try probe(path) == codecs, "\(name)")
            #expect(try numbers(in: path) == Array(0..<90), "\(name)")
            let duration = try Double(probe(path, "format=duration").first ?? "") ?? 0
            #expect(abs(duration - 3) < 0.1, "\(name): \(duration)")
        }
    }

    @Test(arguments: [("eac3", "mp4"), ("eac3", "ts"), ("eac3", "mkv"), ("alac", "mp4"), ("alac", "mkv")])
    func otherAudioGoesWhereItMay(_ codec: String, _ kind: String) throws {
        let folder = try Folder()
        let (source, path) = (folder.path("in.mkv"), folder.path("out.\(kind)"))
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=r=48000:d=2", "-c:a", codec, source], feeding: [])
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(source), "decode": false, "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(path)])
        graph.edge("source.audio -> record.audio")
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished, "\(harness.events)")
        #expect(try probe(path).first?.hasPrefix(codec) == true)
        let pcm = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1"], feeding: [])
        #expect(abs(pcm.count / 2 - 96_000) < 3_100, "\(pcm.count / 2)")
    }

    @Test func rawAudioGoesIntoWavUnchanged() throws {
        let folder = try Folder()
        let path = folder.path("tape.wav")
        #expect(try remux(Clips.wav, to: path, decode: true).run() == .finished)
        func samples(_ path: String) throws -> [UInt8] {
            try FFmpeg.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "pipe:1"], feeding: [])
        }
        #expect(try samples(path) == samples(Clips.wav))
    }

    @Test func whatWasWrittenPlaysWhenTheProcessIsKilled() throws {
        let folder = try Folder()
        for name in ["a.webm", "a.mkv", "b.mp4", "b.ts", "c.wav"] {
            let source = name.hasPrefix("a") ? Clips.webm : name.hasPrefix("b") ? Clips.mp4 : Clips.wav
            var graph = GraphBuilder()
            graph.node("source", Source.self, ["open": .string(source), "decode": .boolean(name == "c.wav")])
            graph.node("record", Record.self, ["path": .string(folder.path(name))])
            if name != "c.wav" { graph.edge("source.video -> record.video") }
            graph.edge("source.audio -> record.audio")
            let harness = try GraphHarness(graph)
            harness.advance(by: .milliseconds(2_500))
            // The file that kill -9 would leave.
            let killed = folder.path("killed-" + name)
            try FileManager.default.copyItem(atPath: folder.path(name), toPath: killed)
            harness.stop()
            harness.run()
            if name == "c.wav" {
                let pcm = try FFmpeg.run(["ffmpeg", "-v", "fatal", "-i", killed, "-f", "s16le", "pipe:1"], feeding: [])
                #expect(pcm.count > 2 * 48_000 * 4)
            } else {
                let shown = try FFmpeg.run(
                    [
                        "ffmpeg", "-v", "fatal", "-i", killed, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                        "passthrough", "pipe:1",
                    ], feeding: [])
                let found = numbers(shown, width: 320, height: 180)
                #expect(found.count >= 45, "\(name): \(found.count) frames")
                // The cut leaves out what B-frames at the end would have referred to.
                #expect(found.dropLast(4).map { $0 ?? -1 } == Array(0..<max(0, found.count - 4)), "\(name)")
            }
        }
    }

    @Test func whatAContainerDoesNotTakeNamesTheEncoder() throws {
        let folder = try Folder()
        for (source, name, decode, words) in [
            (
                Clips.mp4, "x.webm", false,
                [
                    "source.video gives video h264 320x180 30/s, record.video takes video vp8/vp9/av1"
                ]
            ),
            (
                Clips.webm, "x.webm", true,
                // No file takes raw video, so the port does not either, and "validate" says so.
                ["edge \"source.video -> record.video\"", "record.video takes video vp8/vp9/av1"]
            ),
            (
                Clips.wav, "x.ts", true,
                [
                    "source.audio gives audio s16 48000 Hz 2 ch, record.audio takes audio opus/aac/mp3/mp2/ac3/eac3"
                ]
            ),
            (Clips.webm, "x.wav", false, ["source.audio gives audio opus 48000 Hz 2 ch, record.audio takes raw audio"]),
            (Clips.webm, "x.xyz", false, ["does not tell the kind of file"]),
            (Clips.webm, "nowhere/x.webm", false, ["its directory does not exist"]),
        ] {
            let said = message { try remux(source, to: folder.path(name), decode: decode) }
            for word in words { #expect(said.contains(word), "\(name): \(said)") }
            #expect(!FileManager.default.fileExists(atPath: folder.path(name)))
        }
    }

    @Test func aFileThatASourceReadsIsNotOverwritten() throws {
        let folder = try Folder()
        let path = folder.path("same.webm")
        try FileManager.default.copyItem(atPath: Clips.webm, toPath: path)
        #expect(message { try remux(path, to: path) }.contains("this run reads that file already"))
        #expect(try folder.bytes("same.webm").count > 1_000)
        #expect(try remux(Clips.webm, to: path).run() == .finished)
    }

    @Test func aFullDiskIsSaid() throws {
        let harness = try remux(Clips.webm, to: "/dev/full", ["format": "webm"])
        #expect(harness.run() == .failed)
        let said = "\(harness.failure.map { "\($0)" } ?? "")"
        #expect(said.contains("writing \"/dev/full\" failed"))
        #expect(said.contains("No space left on device"))
        #expect(said.contains("Free some space."))
    }

    @Test func aStreamThatEndsFirstDoesNotKeepTheNodeAwake() throws {
        let folder = try Folder()
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.webm"))], unconnected: ["data"])
        record.push(try packets(of: Clips.webm, "audio").prefix(20), into: "audio")
        record.end("audio")
        for packet in try packets(of: Clips.webm, "video") {
            record.push(packet, into: "video")
            record.settle()
            record.advance(by: .milliseconds(33))
        }
        #expect(record.finish() == .finished)
        let wakeups = try #require(record.report.firstMatch(of: /"type": "record".*?"wakeups": (\d+)/)).1
        #expect(Int(wakeups)! < 150, "\(wakeups) wake-ups for 110 packets")
    }

    @Test func nothingArrivesAndNoFileIsLeft() throws {
        let folder = try Folder()
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.webm"))], unconnected: ["data"])
        #expect(record.finish() == .finished)
        #expect(record.events.contains { $0.what.contains("nothing arrived") })
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.webm")))
    }

    /// Long times, as of a source that has run for days, begin at 0 in the file.
    @Test func largeTimesBeginAtZero() throws {
        let folder = try Folder()
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.webm"))], unconnected: ["audio", "data"])
        let packets = try packets(of: Clips.webm, "video")
        for packet in packets {
            packet.header.pts += .milliseconds(1_000_000_000)
            packet.header.dts += .milliseconds(1_000_000_000)
        }
        record.push(packets, into: "video")
        #expect(record.finish() == .finished)
        #expect(try Double(probe(folder.path("a.webm"), "format=duration").first ?? "")! < 3.1)
    }

    private func packets(of path: String, _ port: String) throws -> [MediaItem] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"],
            unconnected: [port == "video" ? "audio" : "video"])
        source.graph.run()
        return source.sink(port).received.map(\.item)
    }
}
