import Foundation
import Sluice
import SluiceTesting
import Testing

@testable import FilesPlugin

@Suite("source") struct SourceTests {
    private func harness(_ parameters: [String: ParameterValue], unconnected: Set<String> = []) throws -> NodeHarness<
        Source
    > {
        try NodeHarness(Source.self, parameters: parameters, unconnected: unconnected)
    }

    // MARK: Colours

    /// White is 255 in the full range of JPEG and 235 in the limited one that all YUV here has.
    @Test(arguments: ["mjpeg", "libx264", "png"]) func fullRangeBecomesLimited(codec: String) throws {
        let format = codec == "png" ? "rgb24" : "yuvj420p"
        let path = Clips.plain("white-\(codec).mkv", "scale=out_range=full,format=\(format)", codec)
        let source = try harness(["open": .string(path), "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        let frame = try #require(source.sink("video").received.last?.item as? VideoFrame)
        let isRGB = frame.layout.pixelFormat?.isYUV == false
        #expect(abs(Int(frame.plane(0)[24 * frame.stride(0) + 32]) - (isRGB ? 255 : 235)) <= 1)
        #expect(source.sink("video").received.count == 6)
    }

    @Test(
        arguments: [("bt709", .bt709), ("smpte170m", .bt601), ("unknown", nil)] as [(String, VideoLayout.ColorMatrix?)])
    func picturesSayTheMatrixOfTheirFile(word: String, matrix: VideoLayout.ColorMatrix?) throws {
        let path = Clips.plain(
            "white-\(word).mkv", "format=yuv420p", "libx264", "-colorspace", word)
        let source = try harness(["open": .string(path), "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        let frame = try #require(source.sink("video").received.first?.item as? VideoFrame)
        #expect(frame.layout.colorMatrix == matrix)
        #expect(abs(Int(frame.plane(0)[0]) - 235) <= 1)
    }

    @Test func picturesOverTheLimitAreNotDecoded() throws {
        let path = Clips.plain("white-limit.mkv", "format=yuv420p", "libx264")
        #expect {
            _ = try harness(["open": .string(path), "max_width": 32], unconnected: ["audio"])
        } throws: {
            "\($0)".contains("more than is decoded: max_width is 32, max_height 8192")
                && "\($0)".contains("Raise max_width, max_height or max_pixels")
        }
        // Packets are handed on whatever they claim.
        let packets = try harness(
            ["open": .string(path), "max_width": 32, "decode": false, "pace": "fast"], unconnected: ["audio"])
        packets.graph.run()
        #expect(packets.sink("video").received.count == 6)
    }

    // MARK: Pattern and tone

    @Test func thePatternComesInRealTimeByMediaTime() throws {
        let source = try harness(["open": "pattern", "width": 64, "height": 36, "duration_s": 1])
        source.graph.run()
        let video = source.sink("video").received
        #expect(video.count == 30)
        for (index, entry) in video.enumerated() {
            let frame = try #require(entry.item as? VideoFrame)
            #expect(VideoFrame.NumberCode.read(frame) == index)
            #expect(frame.header.pts == MediaTime(Int64(index), timescale: 30))
            #expect(entry.at == frame.header.captured)
            #expect(
                entry.at == Instant(nanoseconds: MediaTime(Int64(index), timescale: 30).rescaled(to: 1_000_000_000)))
        }
        let audio = source.sink("audio").received
        #expect(audio.count == 50)
        #expect(audio.allSatisfy { ($0.item as? AudioFrame)?.sampleCount == 960 })
        #expect(audio.last?.item.header.pts == .milliseconds(980))
    }

    @Test(arguments: [(29.97, 30_000, 1_001), (59.94, 60_000, 1_001), (25, 25, 1), (12.5, 12_500, 1_000)])
    func frameRatesAreExact(_ fps: Double, _ numerator: Int, _ denominator: Int) throws {
        #expect(VideoLayout.FrameRate(nearest: fps) == .init(numerator, denominator))
        let source = try harness(
            ["open": "pattern", "width": 64, "height": 36, "fps": .number(fps), "duration_s": 20, "pace": "fast"],
            unconnected: ["audio"])
        source.graph.run()
        let last = try #require(source.sink("video").received.last?.item)
        let count = source.sink("video").received.count
        #expect(last.header.pts == MediaTime(Int64((count - 1) * denominator), timescale: Int64(numerator)))
        #expect(VideoFrame.NumberCode.read(last as! VideoFrame) == count - 1)
    }

    @Test(arguments: [48_000, 44_100, 11_025]) func theToneHasNoJumpAndNoGap(_ rate: Int) throws {
        let source = try harness(
            ["open": "tone", "sample_rate": .integer(rate), "channels": 1, "duration_s": 2, "pace": "fast"],
            unconnected: ["video"])
        source.graph.run()
        let frames = source.sink("audio").received.compactMap { $0.item as? AudioFrame }
        var samples: [Int16] = []
        for frame in frames {
            #expect(frame.header.pts == MediaTime(Int64(samples.count), timescale: Int64(rate)))
            samples += Array(frame.s16)
        }
        #expect(samples.count == rate * 2)
        // 2 kHz at −18 dBFS moves at most amplitude × 2π × 2000 / rate from one sample to the next.
        let steepest = 4_125 * 2 * Double.pi * 2_000 / Double(rate)
        #expect(zip(samples, samples.dropFirst()).allSatisfy { abs(Double($1) - Double($0)) <= steepest + 1 })
        #expect(abs(Double(samples.max()!) - 4_125) < 30)
    }

    @Test func theClockSlipsWhenEverythingWasHeld() throws {
        let source = try harness(["open": "pattern", "width": 64, "height": 36, "duration_s": 6])
        source.advance(by: .milliseconds(500))
        for port in ["video", "audio"] { source.sink(port).appetite = 0 }
        source.advance(by: .milliseconds(3_000))
        for port in ["video", "audio"] { source.sink(port).appetite = nil }
        source.graph.run()
        #expect(source.sink("video").received.count == 180)
        #expect(source.context.counter("slipped_ms").count > 2_000)
        // The items that the edges held come at once, nothing else does.
        let burst = source.sink("video").received.filter { $0.at == Instant(nanoseconds: 3_500_000_000) }
        #expect(burst.count <= 17)
    }

    @Test func fastKeepsBothStreamsWithinASecond() throws {
        let source = try harness(["open": "pattern", "width": 64, "height": 36, "pace": "fast", "duration_s": 100])
        source.sink("audio").appetite = 0
        source.settle()
        let last = try #require(source.sink("video").received.last?.item.header.pts)
        #expect(last < .milliseconds(1_600))
    }

    @Test func rawMediaHaveNoPackets() {
        #expect(
            message { try harness(["open": "tone", "decode": false]) }.contains(
                "\"tone\" is raw media and has no packets"))
    }

    // MARK: Files

    @Test func aFileDecodesWithEveryFrameInItsPlace() throws {
        for path in [Clips.webm, Clips.mp4, Clips.ts, Clips.mkv] {
            let source = try harness(["open": .string(path), "pace": "fast"])
            #expect(source.graph.run() == .finished)
            let frames = source.sink("video").received.compactMap { $0.item as? VideoFrame }
            #expect(frames.map { VideoFrame.NumberCode.read($0) } == Array(0..<90), "\(path)")
            // Matroska's clock counts milliseconds; audio starts 6.5 ms earlier where the encoder's delay is in the
            // times.
            for (index, frame) in frames.enumerated() {
                let off = frame.header.pts.seconds - Double(index) / 30
                #expect(abs(off - (frames[0].header.pts.seconds)) < 0.001, "\(path) \(index)")
            }
            #expect(abs(frames[0].header.pts.seconds) < 0.03)
            let audio = source.sink("audio").received.compactMap { $0.item as? AudioFrame }
            let total = audio.reduce(0) { $0 + $1.sampleCount }
            #expect(abs(total - 3 * 48_000) < 3_000, "\(path): \(total) samples")
            for (a, b) in zip(audio, audio.dropFirst()) {
                #expect(a.header.pts + a.header.duration == b.header.pts, "\(path)")
            }
        }
    }

    @Test func aFileComesInRealTime() throws {
        let source = try harness(["open": .string(Clips.mp4)])
        source.graph.run()
        let video = source.sink("video").received
        let start = video[0].at - Instant(nanoseconds: video[0].item.header.pts.rescaled(to: 1_000_000_000))
        for entry in video {
            let due = start.nanoseconds + entry.item.header.pts.rescaled(to: 1_000_000_000)
            #expect(abs(entry.at.nanoseconds - due) < 2)
        }
    }

    @Test func packetsAreHandedOnWithTheirFlagsAndOrder() throws {
        let source = try harness(["open": .string(Clips.mp4), "decode": false, "pace": "fast"])
        #expect(source.sink("video").format?.codec == .h264)
        source.graph.run()
        let packets = source.sink("video").received.compactMap { $0.item as? Packet }
        #expect(packets.count == 90)
        #expect(packets.filter { $0.header.flags.contains(.keyframe) }.count == 3)
        #expect(zip(packets, packets.dropFirst()).allSatisfy { $0.header.dts < $1.header.dts })
        #expect(packets.allSatisfy { $0.header.dts <= $0.header.pts })
        #expect(packets.contains { $0.header.dts < $0.header.pts })
        #expect(!packets[0].format.configuration.isEmpty)
        #expect(source.sink("audio").received.allSatisfy { $0.item.format.codec == .aac })
    }

    @Test(arguments: [true, false]) func aLoopGoesOnWithoutAGap(_ decode: Bool) throws {
        let source = try harness(
            ["open": .string(Clips.mp4), "loop": true, "duration_s": 8, "decode": .boolean(decode)])
        #expect(source.graph.run() == .finished)
        let video = source.sink("video").received.map(\.item).sorted { $0.header.pts < $1.header.pts }
        #expect(video.count > 235)
        let steps = zip(video, video.dropFirst()).map { ($1.header.pts - $0.header.pts).seconds }
        #expect(steps.allSatisfy { $0 > 0.032 && $0 < 0.1 })
        if decode {
            let numbers = video.compactMap { VideoFrame.NumberCode.read($0 as! VideoFrame) }
            #expect(numbers.prefix(180) == (Array(0..<90) + Array(0..<90))[...])
        }
    }

    @Test func picturesInOtherFormatsBecomeI420() throws {
        let source = try harness(["open": .string(Clips.deep), "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        let frames = source.sink("video").received.compactMap { $0.item as? VideoFrame }
        #expect(frames.count == 15)
        #expect(frames.allSatisfy { $0.layout.pixelFormat == .i420 })
        #expect(frames.map { VideoFrame.NumberCode.read($0) } == Array(0..<15))
    }

    @Test func aStreamThatIsNotThereIsAbsent() throws {
        let source = try harness(["open": .string(Clips.wav), "pace": "fast"])
        #expect(source.graph.run() == .finished)
        #expect(source.events.contains { $0.what.contains("has no video") })
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(Clips.wav)])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> sink.in")
        #expect(message { try GraphHarness(graph) }.contains("holds no video"))
    }
}

/// The error that `body` threw, in words; empty if nothing.
func message(_ body: () throws -> Any) -> String {
    do { _ = try body() } catch { return "\(error)" }
    return ""
}
