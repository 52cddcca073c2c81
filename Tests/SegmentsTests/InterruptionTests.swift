import Foundation
import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import H264Plugin
@testable import OpusPlugin
@testable import SegmentsPlugin
@testable import VP8Plugin
@testable import VideoDecoderPlugin

/// Takes one item every `every_ms` and hands it on, as a sender on a thin line does: the edges before it are full.
final class ThinLine: Node {
    static let descriptor = NodeDescriptor("thin-line", summary: "Hands on one item at a time")
    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    @Parameter("every_ms", default: 100, help: "between two items") var every: Int
    private var free = Instant(nanoseconds: 0)
    private var context: NodeContext!
    /// The items that have passed, and when.
    private(set) var passed: [(item: MediaItem, at: Instant)] = []

    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        guard now >= free else { return context.wake(at: free) }
        guard let item = input.next() else { return }
        passed.append((item, now))
        output.send(item)
        free = now + .milliseconds(Int64(every))
        context.wake(at: free)
    }
}

@Suite(.timeLimit(.minutes(5)), .realPeers) struct InterruptionTests {
    private static let count = 1_000
    /// Between two interruptions, on average.
    private static let turn = 400.0

    /// A thousand turns, each longer than the time until the next interruption, at moments that are no multiples of
    /// anything.
    private static let take: (bytes: [UInt8], calls: [Double]) = {
        var dice = Dice(seed: 3)
        let pictures = (0..<32).map { Take.picture($0, 64, 48) }
        let tone = Take.tone(4_800, 16_000)
        let payloads = (0..<32).map { first in (0..<8).flatMap { pictures[(first + $0) % 32] } + tone }
        var take = Take()
        var calls: [Double] = []
        for epoch in 1...count + 1 {
            for sequence in 1...2 {
                let header = Take.json([
                    "epoch": epoch, "segment_seq": sequence, "video_frames": 8, "width": 64, "height": 48,
                    "audio_samples": 4_800, "sample_rate": 16_000,
                ])
                take.raw(2, header, payload: payloads[epoch * 5 % 32])
            }
            guard epoch <= count else { break }
            calls.append(Double(epoch) * turn + Double.random(in: -60...60, using: &dice))
            take.message(["type": "interrupt", "epoch": epoch + 1, "at_ms": calls[epoch - 1]])
        }
        return (take.bytes, calls)
    }()

    private struct Result {
        let harness: GraphHarness
        let line: ThinLine
        let decoded: [MediaItem]
    }

    private func run(
        _ port: String, _ encoder: any Node.Type, _ parameters: [String: ParameterValue], _ decoder: any Node.Type,
        every: Int
    ) throws -> Result {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "take.avs")
        try Data(Self.take.bytes).write(to: file)
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, ["file": .string(file.path)])
        graph.node("encoder", encoder, parameters)
        graph.node("line", ThinLine.self, ["every_ms": .integer(every)])
        graph.node("decoder", decoder)
        graph.node("sink", TestSink.self)
        graph.edge("avatar.\(port) -> encoder.in", items: 3)
        graph.edge("encoder.out -> line.in", items: 3)
        graph.edge("line.out -> decoder.in", items: 3)
        graph.edge("decoder.out -> sink.in")
        let harness = try GraphHarness(graph)
        let line = try #require(harness.node("line") as? ThinLine)
        harness.advance(to: Instant(nanoseconds: Int64(Self.turn * 1e6) * Int64(Self.count + 2)))
        let decoded = harness.sink("sink").takeAll()
        #expect(harness.context(of: "avatar")?.counter("interruptions").count == Self.count)
        #expect(harness.isBalanced)
        return Result(harness: harness, line: line, decoded: decoded)
    }

    /// For each interruption, how long after the call the last item of an older epoch passed the line, and the first of
    /// the new one, in milliseconds.
    private func delays(_ passed: [(item: MediaItem, at: Instant)]) -> [(last: Double, first: Double)] {
        var times: [UInt32: (first: Double, last: Double)] = [:]
        for (item, at) in passed {
            let time = Double(at.nanoseconds) / 1e6
            times[item.header.epoch] = (times[item.header.epoch]?.first ?? time, time)
        }
        return Self.take.calls.enumerated().map { index, call in
            let old = times[UInt32(index + 1)]?.last ?? .infinity
            let new = times[UInt32(index + 2)]?.first ?? .infinity
            return (old - call, new - call)
        }
    }

    @Test(arguments: ["vp8", "h264"]) func aVideoDecoderSeesNoErrorOverAThousandInterruptions(_ codec: String) throws {
        let isVP8 = codec == "vp8"
        let result = try run(
            "video", isVP8 ? VP8EncoderNode.self : H264EncoderNode.self,
            ["bitrate_kbps": 200, "gop_s": 3_600], VideoDecoder.self, every: 90)
        let packets = result.line.passed.map { $0.item as! Packet }
        // Nothing of an old epoch passes after the call: what has not passed by then is flushed.
        #expect(delays(result.line.passed).allSatisfy { $0.last <= 0 })
        #expect(result.harness.edge(to: "line.in")!.flushed > 1_000)
        #expect(packets.count > 3_000)
        let epochs = Set(packets.map(\.header.epoch))
        #expect(epochs.count == Self.count + 1)
        // After every flush of coded pictures a keyframe comes first.
        for (before, packet) in zip(packets, packets.dropFirst()) where packet.header.epoch != before.header.epoch {
            #expect(packet.header.flags.contains(.keyframe))
        }
        let decoder = try #require(result.harness.context(of: "decoder"))
        #expect(decoder.counter("damaged_packets").count == 0)
        #expect(result.decoded.count > 3_000)
        // Nor does ffmpeg, of what has passed the line.
        let stream = isVP8 ? FFmpeg.ivf(packets) : packets.flatMap { Array($0.bytes) }
        let pictures = try FFmpeg.decode(stream, kind: isVP8 ? "ivf" : "h264")
        #expect(pictures.count == packets.count * 64 * 48 * 3 / 2)
    }

    @Test func anAudioDecoderSeesNoErrorAndOneFadedFrameEndsEachTurn() throws {
        let result = try run(
            "audio", OpusEncoderNode.self, ["bitrate_kbps": 32], OpusDecoderNode.self, every: 30)
        let packets = result.line.passed.map { $0.item as! Packet }
        #expect(delays(result.line.passed).allSatisfy { $0.last <= 0 })
        #expect(Set(packets.map(\.header.epoch)).count == Self.count + 1)
        let decoder = try #require(result.harness.context(of: "decoder"))
        #expect(decoder.counter("bad_packets").count == 0)
        #expect(result.decoded.count > 10_000)
        // Timestamps never go back.
        for (before, packet) in zip(packets, packets.dropFirst()) {
            #expect(packet.header.pts > before.header.pts)
        }
        // The faded piece comes at once: within the line's own interval and one piece of the call.
        #expect(delays(result.line.passed).allSatisfy { $0.first <= 30 + 20 })
    }

    /// The reader hears, with full edges before it: the sine of each turn, a fade, the next turn's sine.
    @Test func noInterruptionClicks() throws {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "take.avs")
        try Data(Self.take.bytes).write(to: file)
        var graph = GraphBuilder()
        graph.node("avatar", AVSegments.self, ["file": .string(file.path)])
        graph.node("line", ThinLine.self, ["every_ms": 31])
        graph.node("sink", TestSink.self)
        graph.edge("avatar.audio -> line.in", items: 5)
        graph.edge("line.out -> sink.in")
        let harness = try GraphHarness(graph)
        let line = try #require(harness.node("line") as? ThinLine)
        harness.advance(to: Instant(nanoseconds: Int64(Self.turn * 1e6) * Int64(Self.count + 2)))
        let samples = line.passed.flatMap { Array(($0.item as! AudioFrame).s16) }
        // 440 Hz at 16 kHz with an amplitude of 10000 moves by at most 1728 from one sample to the next.
        let steps = zip(samples, samples.dropFirst()).map { abs(Int($0) - Int($1)) }
        #expect(steps.max()! < 1_800)
        #expect(samples.count > 100_000)
        #expect(harness.edge(to: "line.in")!.flushed > 1_000)
    }
}
