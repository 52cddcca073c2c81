import FilesPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing
import VP8Plugin

@testable import VideoDecoderPlugin

@Suite("video-decoder") struct VideoDecoderTests {
    /// The pattern through VP8, two seconds at 320x180, a keyframe each second.
    private static func packets() throws -> [Packet] {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": "pattern", "width": 320, "height": 180, "duration_s": 2])
        graph.node("vp8", VP8EncoderNode.self, ["bitrate_kbps": 300])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> vp8.in")
        graph.edge("vp8.out -> sink.in")
        let harness = try GraphHarness(graph)
        harness.run()
        return harness.sink("sink").received.compactMap { $0.item as? Packet }
    }

    private func decode(_ packets: [Packet]) throws -> NodeHarness<VideoDecoder> {
        let harness = try NodeHarness(VideoDecoder.self, announcing: ["in": packets[0].format])
        harness.push(packets.map { $0 as MediaItem })
        harness.finish()
        return harness
    }

    private func frames(_ harness: NodeHarness<VideoDecoder>) -> [VideoFrame] {
        harness.sink().received.compactMap { $0.item as? VideoFrame }
    }

    @Test func everyPacketBecomesItsPictureWithItsHeader() throws {
        let packets = try Self.packets()
        for (index, packet) in packets.enumerated() { packet.header.epoch = index < 30 ? 0 : 7 }
        let harness = try decode(packets)
        let frames = frames(harness)
        #expect(frames.map { FrameNumberCode.read($0) } == Array(0..<60))
        for (frame, packet) in zip(frames, packets) {
            #expect(frame.header.pts == packet.header.pts)
            #expect(frame.header.duration == packet.header.duration)
            #expect(frame.header.captured == packet.header.captured)
            #expect(frame.header.epoch == packet.header.epoch)
            #expect(frame.header.sourceClock == packet.header.sourceClock)
        }
        #expect(harness.sink().formats.count == 1)
        #expect(frames[0].layout.description == "320x180 i420 30/s")
    }

    @Test func afterADiscontinuityItWaitsForAKeyframe() throws {
        let packets = try Self.packets()
        let keyframes = packets.indices.filter { packets[$0].header.flags.contains(.keyframe) }
        packets[10].header.flags.insert(.discontinuity)
        let harness = try decode(Array(packets[0..<5]) + Array(packets[10...]))
        let next = keyframes.first { $0 >= 10 }
        let numbers = frames(harness).map { FrameNumberCode.read($0) }
        #expect(numbers == Array(0..<5) + (next.map { Array($0..<60) } ?? []))
        #expect(harness.context.counter("skipped_before_keyframe").count == (next ?? 60) - 10)
    }

    @Test func damagedPacketsAreCountedAndSurvived() throws {
        let packets = try Self.packets()
        var dice = Dice(seed: 3)
        let damaged = packets.map { packet in
            let copy = Packet(
                format: packet.format, count: max(1, packet.count - Int.random(in: 0...packet.count, using: &dice)))
            copy.mutableBytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet.bytes.prefix(copy.count)))
            for _ in 0..<5 {
                copy.mutableBytes[Int.random(in: 0..<copy.count, using: &dice)] = UInt8.random(
                    in: 0...255, using: &dice)
            }
            let count = copy.count
            copy.header = packet.header
            copy.header.byteCount = count
            return copy
        }
        let harness = try decode(damaged)
        #expect(harness.error == nil)
        #expect(harness.events.filter { $0.what.hasPrefix("damaged") }.count <= 1)
    }

    /// Every encoder of ffmpeg's that Debian has and a decoder here is said to know.
    @Test(arguments: ["libx264", "libvpx", "libvpx-vp9", "mpeg4"]) func otherCodecsDecode(_ encoder: String) throws {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self, ["open": "pattern", "width": 320, "height": 180, "duration_s": 1, "pace": "fast"])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> sink.in")
        let pattern = try GraphHarness(graph)
        pattern.run()
        let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).mkv").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180", "-r", "30", "-i",
                "pipe:0",
                "-c:v", encoder, "-b:v", "1M", path,
            ], feeding: pattern.sink("sink").received.flatMap { ($0.item as! VideoFrame).packed })
        var decoding = GraphBuilder()
        decoding.node("source", Source.self, ["open": .string(path), "decode": false, "pace": "fast"])
        decoding.node("decoder", VideoDecoder.self)
        decoding.node("sink", TestSink.self)
        decoding.edge("source.video -> decoder.in")
        decoding.edge("decoder.out -> sink.in")
        let harness = try GraphHarness(decoding)
        #expect(harness.run() == .finished)
        let frames = harness.sink("sink").received.compactMap { $0.item as? VideoFrame }
        #expect(frames.map { FrameNumberCode.read($0) } == Array(0..<30))
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.header.pts < $1.header.pts })
    }
}
