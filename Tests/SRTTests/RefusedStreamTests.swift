import FilesPlugin
import FlowPlugin
import Foundation
import Glibc
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing
import VideoDecoderPlugin

@testable import SRTPlugin

/// A remote sender sends media that nothing behind `srt-input` takes: its connection ends, not the run.
@Suite("Streams that nothing takes", .serialized, .realPeers) struct RefusedStreamTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Takes Opus alone, as a decoder does.
    private final class OpusOnly: Node {
        static let descriptor = NodeDescriptor("opus-only", summary: "takes Opus")
        let input = Input<Packet>("in", .codedAudio([.opus]))
        private var packets: Metric.Counter?
        init() {}
        func prepare(_ context: NodeContext) { packets = context.counter("packets") }
        func process(now: Instant) { while input.next() != nil { packets?.add() } }
    }

    /// The clip's audio in another codec, to `url`.
    private func ffmpeg(_ options: [String], to url: String) -> [String] {
        ["ffmpeg", "-v", "warning", "-re", "-i", place.clip] + options + ["-f", "mpegts", url]
    }

    @Test func aCodecThatNoEdgeTakesIsRefusedAndTheNextSenderIsWaitedFor() throws {
        var graph = GraphBuilder()
        graph.node("in", SRTInput.self, ["url": .string(place.listening), "latency_ms": 30])
        graph.node("relay", Relay.self)
        graph.node("decoder", OpusOnly.self)
        graph.node("sink", NullSink.self)
        graph.edge("in.video -> sink.in")
        graph.edge("in.audio -> relay.in")
        graph.edge("relay.out -> decoder.in")
        let (outcome, report) = try execute(graph) { [place] run in
            try waitUntil("the port to be listened at", run) { isTaken(place.port) }
            let stranger = try startPeer(
                ffmpeg(["-map", "0", "-c:v", "copy", "-c:a", "aac"], to: place.address))
            try waitUntil("the refusal", run) { run.report.contains("its connection is refused") }
            stranger.waitUntilExit()
            let friend = try startPeer(place.ffmpeg(to: place.address))
            try waitUntil("packets of Opus", run) { nodeMetrics(run.report, "decoder")["packets"] ?? 0 > 50 }
            friend.waitUntilExit()
            run.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("sends audio aac"), "\(report)")
        #expect(report.contains("and decoder.in takes audio opus: its connection is refused"), "\(report)")
    }

    @Test func picturesThatClaimTooMuchAreLeftOutAndTheRunGoesOn() throws {
        var graph = GraphBuilder()
        graph.node("in", SRTInput.self, ["url": .string(place.listening), "latency_ms": 30])
        graph.node("decoder", VideoDecoder.self, ["max_pixels": .integer(320 * 180 - 1)])
        graph.node("sink", NullSink.self)
        graph.node("audio", NullSink.self)
        graph.edge("in.video -> decoder.in")
        graph.edge("decoder.out -> sink.in")
        graph.edge("in.audio -> audio.in")
        let (outcome, report) = try execute(graph) { [place] run in
            try waitUntil("the port to be listened at", run) { isTaken(place.port) }
            let sender = try startPeer(place.ffmpeg(to: place.address))
            try waitUntil("pictures to be left out", run) { nodeMetrics(run.report, "decoder")["too_large"] ?? 0 > 0 }
            sender.waitUntilExit()
            run.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("a picture of 320x180 is left out: max_width is 8192"), "\(report)")
    }

    /// H.264 of another size does not fit the file that was begun: the next one goes on.
    @Test func anotherSizeGoesOnInTheNextFile() throws {
        let (outcome, report) = try execute(place.receiver(into: place.file("tape.mkv"))) { [place] run in
            try waitUntil("the port to be listened at", run) { isTaken(place.port) }
            try startPeer(place.ffmpeg(to: place.address)).waitUntilExit()
            try waitUntil("the first sender's end", run) { run.report.contains("ended the connection") }
            let larger = ffmpeg(["-map", "0", "-c:v", "libx264", "-s", "640x360", "-c:a", "copy"], to: place.address)
            try startPeer(larger).waitUntilExit()
            try waitUntil("the next file", run) { nodeMetrics(run.report, "tape")["files"] == 2 }
            run.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("video changed from video h264 320x180"), "\(report)")
    }

    /// Refusing is the default: nobody takes over what somebody sends.
    @Test func aSecondCallerIsRefusedUnlessTheGraphAsksForMore() throws {
        let run = begin(place.receiver())
        let first = begin(place.sender(["reconnect": false], loop: true))
        try waitUntil("the first sender's media", run, first) { run.report.contains("sends h264 and opus") }
        let (outcome, report) = try execute(place.sender(["reconnect": false]))
        #expect(outcome == .failed && report.contains("(409)"), "\(report)")
        for one in [first, run] { one.stop() }
    }
}
