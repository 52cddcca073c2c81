import FilesPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import DeinterlacePlugin

@Suite("deinterlace") struct DeinterlaceTests {
    /// Television as MPEG-2 has it: a second of a moving pattern at 50 pictures a second, woven into 25 of two fields,
    /// and how ffmpeg's bwdif makes whole pictures of it.
    private static func television(_ first: String, _ filter: String) throws -> (items: [VideoFrame], wanted: [UInt8]) {
        let path = FileManager.default.temporaryDirectory.appending(path: "tv-\(UUID().uuidString).ts").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=50:d=1", "-vf",
                "interlace=scan=\(first)", "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2", path,
            ], feeding: [])
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        let wanted = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", path, "-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo",
                "pipe:1",
            ], feeding: [])
        return (source.sink("video").received.compactMap { $0.item as? VideoFrame }, wanted)
    }

    @Test(arguments: [("tff", "frame"), ("bff", "frame"), ("tff", "field"), ("bff", "field")])
    func fieldsBecomeTheWholePicturesThatFFmpegMakes(first: String, rate: String) throws {
        let (frames, wanted) = try Self.television(first, "bwdif=mode=send_\(rate)")
        #expect(frames.count == 25)
        #expect(frames.allSatisfy { $0.header.flags.contains(.interlaced) })
        #expect(frames.allSatisfy { $0.header.flags.contains(.bottomFieldFirst) == (first == "bff") })
        let result = try NodeBench(Deinterlace.self, ["rate": .string(rate)]).run(frames)
        #expect(result.outcome == .finished)
        let isDouble = rate == "field"
        #expect(result.video.count == (isDouble ? 50 : 25))
        #expect(result.video.flatMap(\.packed) == wanted)
        #expect(result.metric("interlaced_pictures") == 25)
        for (index, frame) in result.video.enumerated() {
            let origin = frames[isDouble ? index / 2 : index].header
            let half = MediaTime(Int64(index % 2), timescale: 50)
            #expect(frame.header.pts == (isDouble ? origin.pts + half : origin.pts))
            #expect(frame.header.duration == MediaTime(1, timescale: isDouble ? 50 : 25))
            #expect(frame.header.captured == origin.captured && frame.header.epoch == origin.epoch)
            #expect(!frame.header.flags.contains(.interlaced))
            #expect(frame.layout.frameRate == .init(isDouble ? 50 : 25))
        }
    }

    @Test func wholePicturesPassUntouchedInTheirOwnMemory() throws {
        let frames = Picture.moving(64, 48, count: 5)
        let result = try NodeBench(Deinterlace.self).run(frames)
        #expect(result.video.map(\.packed) == frames.map(\.packed))
        #expect(zip(result.video, frames).allSatisfy { $0.plane(0) == $1.plane(0) })
        #expect(result.metric("whole_pictures") == 5)
        #expect(result.events.contains { $0.contains("no picture said that it is interlaced") })
    }

    @Test func askedForAllItTakesPicturesThatSayNothing() throws {
        let (frames, wanted) = try Self.television("tff", "bwdif=mode=send_frame")
        for frame in frames { frame.header.flags.remove(.interlaced) }
        let result = try NodeBench(Deinterlace.self, ["pictures": "all", "first_field": "top"]).run(frames)
        #expect(result.video.flatMap(\.packed) == wanted)
    }

    @Test func aDiscontinuityAndAnotherSizeAreKeptApart() throws {
        let (frames, _) = try Self.television("tff", "bwdif")
        let small = Picture.moving(64, 48, count: 3)
        for (index, frame) in (frames + small).enumerated() { frame.header.epoch = UInt32(index) }
        frames[10].header.flags.insert(.discontinuity)
        for frame in small { frame.header.flags.insert(.interlaced) }
        let result = try NodeBench(Deinterlace.self).run(frames + small)
        #expect(result.video.map(\.header.epoch) == (0..<28).map { UInt32($0) })
        #expect(result.video.map(\.layout.width) == Array(repeating: 96, count: 25) + Array(repeating: 64, count: 3))
        #expect(result.video[10].header.flags.contains(.discontinuity))
        // The pictures around the break are made as if nothing stood on its other side.
        let alone = try NodeBench(Deinterlace.self).run(Array(frames[0..<10]))
        #expect(result.video[0..<10].map(\.packed) == alone.video.map(\.packed))
    }

    @Test func picturesWithoutFieldsAreRefused() throws {
        #expect { try NodeBench(Deinterlace.self).run(Picture.moving(2, 2, count: 1)) } throws: {
            "\($0)".contains("too small to have fields")
        }
    }
}
