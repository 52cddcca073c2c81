import FilesPlugin
import Foundation
import Geometry
import Sluice
import SluiceTesting
import TestSupport
import Testing
import VideoDecoderPlugin

/// Pictures whose codec says that they are to be turned, and packets that carry the word of their container.
@Suite("Streams that are to be turned") struct TurnedStreamTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    /// Ten pictures of H.264 in Matroska, which has no display matrix; `filter` is libavcodec's for bitstreams.
    private func packets(_ filter: String) throws -> [Packet] {
        let path = scratch.url.appending(path: "clip.mkv").path
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", "-c:v", "libx264",
                "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-bsf:v", filter, path,
            ], feeding: [])
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        return source.sink("video").received.compactMap { $0.item as? Packet }
    }

    private func decoded(_ packets: [Packet]) throws -> [VideoFrame] {
        let harness = try NodeHarness(VideoDecoder.self, announcing: ["in": packets[0].format])
        harness.push(packets)
        #expect(harness.finish() == .finished)
        return harness.pullAll().compactMap { $0 as? VideoFrame }
    }

    private func turned(_ frames: [VideoFrame], _ orientation: VideoLayout.Orientation) -> [UInt8] {
        frames.flatMap { frame in
            let result = VideoFrame(format: MediaFormat(video: frame.layout.turned(by: orientation)))
            PictureTurn.turn(frame, by: orientation, into: result)
            return result.packed
        }
    }

    /// The display orientation of H.264 (ITU-T H.264, D.1.27) counts against the clock.
    @Test func theDecoderTurnsAsTheStreamItselfSays() throws {
        let plain = try decoded(packets("null"))
        let frames = try decoded(packets("h264_metadata=display_orientation=insert:rotate=90"))
        #expect(frames.count == 10 && frames.allSatisfy { $0.layout.width == 48 && $0.layout.height == 64 })
        #expect(frames.flatMap(\.packed) == turned(plain, .init(quarters: 3)))
    }

    @Test func theDecoderTurnsAsTheFormatSaysAndAnnouncesIt() throws {
        let packets = try packets("null")
        let plain = try decoded(packets)
        let layout = try #require(packets[0].format.video)
        let told = MediaFormat(
            codec: .h264,
            video: VideoLayout(
                width: layout.width, height: layout.height, frameRate: layout.frameRate,
                orientation: .init(quarters: 1, isMirrored: true)),
            configuration: packets[0].format.configuration)
        for packet in packets { packet.format = told }
        let harness = try NodeHarness(VideoDecoder.self, announcing: ["in": told])
        #expect(harness.sink().format?.video?.description == "48x64 i420 25/s")
        harness.push(packets)
        #expect(harness.finish() == .finished)
        let frames = harness.pullAll().compactMap { $0 as? VideoFrame }
        #expect(frames.flatMap(\.packed) == turned(plain, .init(quarters: 1, isMirrored: true)))
    }

    /// H.264 says the shape of its pixels where its parameter sets do.
    @Test func packetsThatSayTheShapeOfTheirPixelsNeedNoWarning() throws {
        func format(_ aspect: VideoLayout.PixelAspect, _ filter: String) throws -> MediaFormat {
            let packet = try packets(filter)[0].format
            let layout = VideoLayout(width: 64, height: 48, pixelAspect: aspect)
            return MediaFormat(codec: .h264, video: layout, configuration: packet.configuration)
        }
        #expect(try format(.init(4, 3), "h264_metadata=sample_aspect_ratio=4/3").statedPixelAspect == nil)
        #expect(try format(.init(64, 45), "h264_metadata=sample_aspect_ratio=64/45").statedPixelAspect == nil)
        #expect(try format(.square, "h264_metadata=sample_aspect_ratio=4/3").statedPixelAspect == .init(4, 3))
        #expect(try format(.init(4, 3), "null").statedPixelAspect == .square)
        #expect(try format(.square, "null").statedPixelAspect == nil)
        #expect(MediaFormat(codec: .vp8, video: VideoLayout(width: 64, height: 48)).statedPixelAspect == .square)
    }
}
