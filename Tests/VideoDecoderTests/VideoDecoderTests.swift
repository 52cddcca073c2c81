import Bitstream
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
        #expect(frames.map { VideoFrame.NumberCode.read($0) } == Array(0..<60))
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
        let numbers = frames(harness).map { VideoFrame.NumberCode.read($0) }
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
            copy.header = packet.header
            return copy
        }
        let harness = try decode(damaged)
        #expect(harness.error == nil)
        #expect(harness.events.filter { $0.what.hasPrefix("damaged") }.count <= 1)
    }

    /// The same bytes, said to be of another size, or with other bytes.
    private func copy(_ packet: Packet, width: Int, height: Int, bytes: [UInt8]? = nil) -> Packet {
        let bytes = bytes ?? Array(packet.bytes)
        let format = MediaFormat(codec: packet.format.codec!, video: VideoLayout(width: width, height: height))
        let copy = Packet(format: format, count: bytes.count)
        copy.mutableBytes.copyBytes(from: bytes)
        copy.header = packet.header
        return copy
    }

    private func run(_ packets: [Packet], _ parameters: [String: ParameterValue] = [:]) throws
        -> NodeHarness<VideoDecoder>
    {
        let harness = try NodeHarness(VideoDecoder.self, parameters: parameters)
        harness.push(packets.map { $0 as MediaItem })
        harness.finish()
        return harness
    }

    /// A keyframe of VP8 that claims a size and has hardly more than its head.
    private func claim(_ width: Int, _ height: Int, like packet: Packet, format: (Int, Int)? = nil) -> Packet {
        let head: [UInt8] = [
            0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, UInt8(width & 255), UInt8(width >> 8), UInt8(height & 255),
            UInt8(height >> 8),
        ]
        let packet = copy(
            packet, width: format?.0 ?? width, height: format?.1 ?? height,
            bytes: head + [UInt8](repeating: 0, count: 300))
        packet.header.flags.insert(.keyframe)
        return packet
    }

    @Test(arguments: [true, false]) func aPictureThatClaimsTooMuchIsLeftOutAndTheNextOnesAreShown(isTold: Bool)
        throws
    {
        let packets = try Self.packets()
        let good = packets.map { copy($0, width: 320, height: 180) }
        // Told by the format, or by the bytes alone.
        let format = isTold ? nil : (320, 180)
        let bad = [(16_383, 16_383), (16_383, 16), (16, 16_383), (8_193, 8_192), (8_192, 8_192), (8_192, 4_353)].map {
            claim($0.0, $0.1, like: packets[0], format: format)
        }
        let harness = try run(bad + good + bad + good)
        #expect(harness.error == nil)
        #expect(
            frames(harness).filter { $0.layout.width == 320 }.map { VideoFrame.NumberCode.read($0) } == Array(0..<60)
                + Array(0..<60))
        #expect(frames(harness).allSatisfy { $0.layout.width <= 8_192 && $0.layout.height <= 8_192 })
        let (tooLarge, damaged) = (
            harness.context.counter("too_large").count, harness.context.counter("damaged_packets").count
        )
        #expect(tooLarge == 12 && damaged == 0)
        #expect(
            harness.events.filter {
                $0.what.contains("16383x16383 is left out: max_width is 8192, max_height 8192, max_pixels 35651584")
            }.count == 1)
    }

    /// A sequence parameter set of constrained baseline that claims so many macroblocks each way.
    private func parameterSet(columns: Int, rows: Int) -> [UInt8] {
        var bits: [UInt8] = []
        func add(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { bits.append(UInt8(value >> bit & 1)) }
        }
        func exp(_ value: Int) {
            let size = (value + 1).bitWidth - (value + 1).leadingZeroBitCount
            add(value + 1, 2 * size - 1)
        }
        for byte in [66, 0xc0, 62] { add(byte, 8) }
        for value in [0, 0, 2, 1] { exp(value) }
        add(0, 1)
        exp(columns - 1)
        exp(rows - 1)
        // Frames alone, direct_8x8_inference; neither cropping nor VUI; the stop bit.
        add(0b11001, 5)
        while bits.count % 8 != 0 { bits.append(0) }
        var (unit, zeros): ([UInt8], Int) = ([0x67], 0)
        for start in stride(from: 0, to: bits.count, by: 8) {
            let byte = bits[start..<start + 8].reduce(0) { $0 << 1 | $1 }
            if zeros >= 2, byte <= 3 {
                unit.append(3)
                zeros = 0
            }
            unit.append(byte)
            zeros = byte == 0 ? zeros + 1 : 0
        }
        return unit
    }

    @Test func aStreamOfH264ThatClaimsTooMuchIsLeftOutAndTheNextOneIsShown() throws {
        let stream = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x192:r=30", "-frames:v", "1", "-c:v",
                "libx264", "-profile:v", "baseline", "-x264-params", "sei=0", "-f", "h264", "pipe:1",
            ], feeding: [])
        var units: [Range<Int>] = []
        stream.withUnsafeBytes { NALUnits.splitByStartCode($0, into: &units) }
        let format = MediaFormat(codec: .h264, video: VideoLayout(width: 320, height: 192))
        func packet(_ set: [UInt8]? = nil) -> Packet {
            let bytes = units.flatMap { unit -> [UInt8] in
                let own = Array(stream[unit])
                return [0, 0, 0, 1] + (NALUnits.type(own[0]) == NALUnits.sps ? set ?? own : own)
            }
            let packet = Packet(format: format, count: bytes.count)
            packet.mutableBytes.copyBytes(from: bytes)
            packet.header.flags.insert(.keyframe)
            return packet
        }
        let claims = [(513, 1), (1, 513), (512, 512), (512, 273), (1_023, 1_023)]
        let bad = claims.map { packet(parameterSet(columns: $0.0, rows: $0.1)) }
        let harness = try run(bad + [packet()] + bad + [packet()])
        #expect(harness.error == nil)
        #expect(frames(harness).map(\.layout.width) == [320, 320], "\(harness.events.map(\.what))")
        #expect(harness.context.counter("too_large").count == 10, "\(harness.events.map(\.what))")
        #expect(harness.events.filter { $0.what.contains("8208x16 is left out") }.count == 1)
    }

    @Test func theLimitIsTheGraphs() throws {
        let packets = try Self.packets()
        let told = try run(packets, ["max_width": 319])
        #expect(told.error == nil && frames(told).isEmpty && told.context.counter("too_large").count > 0)
        let untold = try run(packets.map { copy($0, width: 16, height: 16) }, ["max_height": 179])
        #expect(untold.error == nil && frames(untold).isEmpty)
        #expect(untold.events.contains { $0.what.contains("a picture of 320x180 is left out") })
        #expect(try frames(run(packets, ["max_width": 320, "max_height": 192])).count == 60)
        #expect(try frames(run(packets, ["max_pixels": .integer(320 * 180)])).count == 60)
        let fewer = try run(packets, ["max_pixels": .integer(320 * 180 - 1)])
        #expect(fewer.error == nil && frames(fewer).isEmpty)
    }

    @Test func aStreamThatCannotBeDecodedEndsNothing() throws {
        let packets = try Self.packets()
        let nonsense = copy(packets[0], width: 0, height: 0, bytes: [1, 2, 3])
        nonsense.header.flags.insert(.keyframe)
        let harness = try run([nonsense] + packets)
        #expect(harness.error == nil && frames(harness).count == 60)
        #expect(harness.context.counter("damaged_packets").count == 1)
        #expect(harness.events.filter { $0.what.contains("a picture is lost") }.count == 1)
    }

    @Test func forALostPictureAKeyframeIsAskedTwiceASecond() throws {
        let packets = try Self.packets()
        var graph = GraphBuilder()
        graph.node("to", Asked.self)
        graph.node("decoder", VideoDecoder.self)
        graph.node("sink", TestSink.self)
        graph.edge("to.out -> decoder.in")
        graph.edge("decoder.out -> sink.in")
        let harness = try GraphHarness(graph)
        let node = harness.node("to") as! Asked
        node.waiting = packets.enumerated().map { index, packet in
            index % 2 == 1
                ? copy(packet, width: 320, height: 180, bytes: [1, 2, 3]) : copy(packet, width: 320, height: 180)
        }
        #expect(harness.run() == .finished, "\(harness.events)")
        #expect(harness.context(of: "decoder")?.counter("damaged_packets").count ?? 0 > 20)
        // 30 pictures a second for two seconds, every other one damaged.
        #expect((3...5).contains(node.count), "\(node.count)")
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
        #expect(frames.map { VideoFrame.NumberCode.read($0) } == Array(0..<30))
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.header.pts < $1.header.pts })
    }
}

/// Sends one packet each 33 ms and counts the keyframes that are asked of it.
private final class Asked: Node {
    static let descriptor = NodeDescriptor("test-asked", summary: "Counts requests")
    let output = Output<Packet>("out", .codedVideo)
    let keyframe = RequestInput("keyframe", help: "counted")
    var waiting: [Packet] = []
    var count = 0
    private var context: NodeContext!

    func prepare(_ context: NodeContext) {
        self.context = context
        context.wake(at: context.now)
    }

    func process(now: Instant) {
        if keyframe.take() { count += 1 }
        guard context.reasons.contains(.timer) || context.reasons.contains(.start) else { return }
        if waiting.isEmpty { return context.finish() }
        output.send(waiting.removeFirst())
        context.wake(at: now + .milliseconds(33))
    }
}
