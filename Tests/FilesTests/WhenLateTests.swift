import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("A source in real time that is held up") struct WhenLateTests {
    private func pattern(_ rule: String, seconds: Double = 6) throws -> NodeHarness<Source> {
        try NodeHarness(
            Source.self,
            parameters: [
                "open": "pattern", "width": 64, "height": 36, "duration_s": .number(seconds),
                "when_late": .string(rule),
            ])
    }

    private func hold(_ source: NodeHarness<Source>, _ ports: String..., from: Int64 = 500, for length: Int64 = 3_000) {
        source.advance(to: Instant(nanoseconds: from * 1_000_000))
        for port in ports { source.sink(port).appetite = 0 }
        source.advance(by: .milliseconds(length))
        for port in ports { source.sink(port).appetite = nil }
    }

    private func said(_ source: NodeHarness<Source>, _ words: String) -> Int {
        source.events.count { $0.level != .error && $0.what.contains(words) }
    }

    @Test func slippingSendsAllOfBothStreamsLaterAndSaysSo() throws {
        let source = try pattern("slip")
        hold(source, "video", "audio")
        #expect(source.graph.run() == .finished)
        #expect(source.sink("video").received.count == 180)
        #expect(source.sink("audio").received.count == 300)
        #expect(source.context.counter("slipped_ms").count > 2_000)
        #expect(said(source, "all is sent so much later") == 1)
        #expect(said(source, "was too slow: of ") == 1)
    }

    /// Held up alone, pictures hold the audio back: it never runs away from them.
    @Test func slippingTheStreamsDoNotPart() throws {
        let source = try pattern("slip")
        hold(source, "video")
        let (video, audio) = (source.sink("video").received, source.sink("audio").received)
        let heard = try #require(audio.last { $0.at < Instant(nanoseconds: 3_500_000_000) })
        // Half a second beside what lies on the full edge.
        #expect(heard.item.header.pts < .milliseconds(500 + 500 + 500 + 100))
        #expect(!video.isEmpty)
        source.graph.run()
        #expect(source.sink("video").received.count == 180)
        #expect(source.sink("audio").received.count == 300)
    }

    @Test func leavingOutKeepsTheTimesOfBothStreams() throws {
        let source = try pattern("drop")
        hold(source, "video")
        #expect(source.graph.run() == .finished)
        let (video, audio) = (source.sink("video").received, source.sink("audio").received)
        // The audio was never held up.
        #expect(audio.count == 300)
        for entry in audio { #expect(entry.at.nanoseconds == entry.item.header.pts.rescaled(to: 1_000_000_000)) }
        let dropped = source.context.counter("late_video_dropped").count
        #expect(dropped > 50 && video.count + dropped == 180)
        let gap = try #require(video.first { $0.item.header.flags.contains(.discontinuity) })
        // Items that are late by less go out at once.
        #expect((2.99...3.51).contains(gap.item.header.pts.seconds))
        for entry in video.filter({ $0.at > Instant(nanoseconds: 3_600_000_000) }) {
            #expect(abs(entry.at.nanoseconds - entry.item.header.pts.rescaled(to: 1_000_000_000)) < 2)
        }
        #expect(said(source, "what is late is left out") == 1)
        #expect(said(source, "\(dropped) pictures and 0 pieces of audio were late and left out") == 1)
        #expect(source.context.counter("slipped_ms").count == 0)
    }

    @Test(arguments: [true, false]) func ofAFileWhatIsLeftOutEndsWithAKeyframe(_ decode: Bool) throws {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(Clips.mp4), "when_late": "drop", "decode": .boolean(decode)])
        hold(source, "video", "audio", from: 300, for: 1_500)
        #expect(source.graph.run() == .finished)
        let video = source.sink("video").received.map(\.item)
        let gap = try #require(
            video.dropFirst().first { $0.header.flags.contains(.discontinuity) } ?? (decode ? video.last : nil))
        if !decode { #expect(gap.header.flags.contains(.keyframe)) }
        // The keyframe of every second; audio goes on at once.
        #expect(video.contains { abs($0.header.pts.seconds - 2.05) < 0.1 })
        #expect(!video.contains { (1.0...1.9).contains($0.header.pts.seconds) })
        if decode {
            #expect(
                video.compactMap { VideoFrame.NumberCode.read($0 as! VideoFrame) }.suffix(30) == Array(60..<90)[...])
        }
        let times = source.sink("audio").received.map(\.item.header.pts.seconds)
        #expect(!times.contains { (1.3...1.7).contains($0) } && times.contains { (1.85...1.95).contains($0) })
    }

    @Test func whereItIsAnErrorTheRunSaysSo() throws {
        let source = try pattern("fail")
        source.advance(to: Instant(nanoseconds: 500_000_000))
        for port in ["video", "audio"] { source.sink(port).appetite = 0 }
        source.graph.run()
        #expect("\(source.error.map { "\($0)" } ?? "")".contains("s behind, and \"when_late\" is \"fail\""))
        #expect("\(source.error.map { "\($0)" } ?? "")".contains("Lower size or fps"))
    }

    @Test func aWriterThatSetsTheTimeIsNoError() throws {
        let folder = try Folder()
        mkfifo(folder.path("fifo"), 0o600)
        let said = message {
            try NodeHarness(Source.self, parameters: ["open": .string(folder.path("fifo")), "when_late": "fail"])
        }
        #expect(said.contains("comes when its writer sends it"))
    }

    /// A live writer is not held by a node that takes nothing, where the graph says so: each stream by itself goes on
    /// with the present, and the rest is counted.
    @Test func aWriterIsReadOnWhateverTheOutputsTake() throws {
        let folder = try Folder()
        let (fifo, clip) = (folder.path("fifo"), folder.path("clip.ts"))
        mkfifo(fifo, 0o600)
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=6", "-f", "lavfi", "-i",
                "sine=r=48000:d=6", "-c:v", "libx264", "-g", "5", "-b:v", "20k", "-c:a", "libopus", "-b:a", "12k", clip,
            ], feeding: [])
        let bytes = try folder.bytes("clip.ts")
        // Larger than what a demuxer reads at the start; all of it is there at once.
        let both = open(fifo, O_RDWR | O_NONBLOCK)
        // F_SETPIPE_SZ.
        let room = fcntl(both, 1_031, 1 << 20)
        #expect(room >= bytes.count && write(both, bytes, bytes.count) == bytes.count)
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(fifo), "when_late": "drop", "decode": false],
            capacity: .init(items: 4, milliseconds: 200))
        source.settle()
        close(both)
        hold(source, "video", from: 1_000, for: 3_000)
        #expect(source.graph.run() == .finished)
        let (video, audio) = (source.sink("video").received, source.sink("audio").received)
        let left = source.context.counter("late_video_dropped").count
        #expect(left >= 20 && video.count + left == 60, "\(left) of \(video.count)")
        #expect(source.context.counter("late_audio_dropped").count == 0)
        // The audio never waited for the pictures.
        #expect(
            audio.count >= 300
                && audio.allSatisfy {
                    abs(($0.at - audio[0].at).seconds - ($0.item.header.pts - audio[0].item.header.pts).seconds) < 0.03
                })
        let gap = try #require(video.dropFirst().first { $0.item.header.flags.contains(.discontinuity) })
        #expect(gap.item.header.flags.contains(.keyframe) && gap.item.header.pts.seconds > 3)
        #expect(said(source, "what is late is left out") == 1)
    }
}
