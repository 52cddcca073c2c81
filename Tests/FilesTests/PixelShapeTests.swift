import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing
import VideoDecoderPlugin

@testable import FilesPlugin

/// Files whose container was told another shape of pixels than their pictures say: players go by the container.
@Suite("The shape of pixels that a container tells") struct PixelShapeTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// Ten pictures of 64x48 in H.264 whose own shape is `codec`, copied into a container that says `shown` of all.
    private func clip(_ codec: String, _ shown: String, _ ending: String) throws -> String {
        let plain = folder.path("plain.mp4")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4,setsar=\(codec)",
                "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", plain,
            ], feeding: [])
        let path = folder.path("corrected.\(ending)")
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-y", "-i", plain, "-c", "copy", "-aspect", shown, path], feeding: [])
        return path
    }

    private func items(_ path: String, _ parameters: [String: ParameterValue] = [:]) throws -> [MediaItem] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"].merging(parameters) { $1 },
            unconnected: ["audio"])
        source.graph.run()
        #expect(source.sink("video").formats.count == 1, "the shape changes in the middle")
        return source.sink("video").received.map(\.item)
    }

    @Test(
        arguments: [("1/1", "16:9", "4:3"), ("4/3", "4:3", "1:1"), ("16/11", "16:9", "4:3"), ("4/3", "16:9", "4:3")],
        ["mp4", "mkv"])
    func aSourceGivesTheContainersShape(_ clip: (codec: String, shown: String, pixels: String), _ ending: String) throws
    {
        let frames = try items(self.clip(clip.codec, clip.shown, ending)).compactMap { $0 as? VideoFrame }
        #expect(frames.count == 10)
        #expect(frames.allSatisfy { $0.layout.pixelAspect.description == clip.pixels })
    }

    @Test func aTransportStreamHasNoneAndItsCodecsCounts() throws {
        let frames = try items(clip("4/3", "1:1", "ts")).compactMap { $0 as? VideoFrame }
        #expect(frames.count == 10 && frames.allSatisfy { $0.layout.pixelAspect == .init(4, 3) })
    }

    @Test(arguments: [("1/1", "16:9"), ("16/11", "16:9")]) func packetsCarryItToTheDecoder(
        _ codec: String, _ shown: String
    )
        throws
    {
        let packets = try items(clip(codec, shown, "mp4"), ["decode": false]).compactMap { $0 as? Packet }
        let decoder = try NodeHarness(VideoDecoder.self, announcing: ["in": packets[0].format])
        decoder.push(packets)
        #expect(decoder.finish() == .finished)
        let frames = decoder.pullAll().compactMap { $0 as? VideoFrame }
        #expect(frames.count == 10 && frames.allSatisfy { $0.layout.pixelAspect == .init(4, 3) })
    }
}
