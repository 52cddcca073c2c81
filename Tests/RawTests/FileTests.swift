@_spi(Host) import Sluice
import Testing

@testable import RawPlugin

/// Descriptors of the process and one witness are shared, so these run one after another.
@Suite(.serialized) struct RawSuite {}

extension RawSuite {
    @Suite struct FileTests {
        @Test(arguments: [("bgra", 4.0), ("rgb24", 3.0), ("i420", 1.5), ("nv12", 1.5)])
        func picturesComeThroughToTheByte(_ pixels: String, _ bytesPerPixel: Double) throws {
            for (width, height) in [(64, 16), (128, 32), (33, 17), (2, 2), (1, 1), (17, 1_500)] {
                let rig = try Rig()
                let layout = VideoLayout(
                    width: width, height: height, pixelFormat: .init(rawValue: pixels))
                let size = PlaneRuns.byteCount(layout)
                if width % 2 == 0, height % 2 == 0 { #expect(Double(size) == Double(width * height) * bytesPerPixel) }
                let media = noise(size * 5)
                let result = try rig.video(
                    ["path": .string(rig.write("in", media))], ["path": .string(rig.path("out"))], width: width,
                    height: height, pixels: pixels, clock: .virtual)
                #expect(rig.read("out") == media)
                #expect(result.outcome == .finished)
                #expect(result.metric("source0", "bytes") == media.count)
                #expect(result.metric("output0", "bytes") == media.count)
            }
        }

        @Test(arguments: ["s16le", "f32le"])
        func audioComesThroughToTheByte(_ format: String) throws {
            let rig = try Rig()
            // One byte more than whole samples.
            let media = noise(100_000 * 8 + 1)
            rig.make(
                [
                    (
                        RawAudioSource.self,
                        ["path": .string(rig.write("in", media)), "sample_format": .string(format)],
                        RawAudioOutput.self, ["path": .string(rig.path("out"))]
                    )
                ], clock: .virtual)
            let result = try rig.execute()
            #expect(rig.read("out").elementsEqual(media.dropLast()))
            #expect(result.metric("source0", "partial_bytes") == 1)
        }

        @Test func aPartialPictureIsDroppedCountedAndSaidOnce() throws {
            let rig = try Rig()
            let media = noise(4_096 * 2 + 1_000)
            let result = try rig.video(
                ["path": .string(rig.write("in", media))], ["path": .string(rig.path("out"))], clock: .virtual)
            #expect(rig.read("out").elementsEqual(media.prefix(8_192)))
            #expect(result.metric("source0", "partial_bytes") == 1_000)
            #expect(
                result.events.filter { $0.contains("ended within a frame: 1000 of 4096 bytes dropped") }.count == 1)
        }

        @Test func timestampsCountFromTheBeginning() throws {
            let rig = try Rig()
            let source: Rig.Values = ["path": .string(rig.write("in", noise(4_096 * 1_000))), "fps": .number(29.97)]
            rig.make(
                [(RawVideoSource.self, source.merging(rig.size(64, 16, "bgra")) { $1 }, Witness.self, [:])],
                clock: .virtual)
            _ = try rig.execute()
            let seen = Witness.seen.withLock { $0 }
            #expect(seen.count == 1_000)
            for (index, header) in seen.enumerated() {
                #expect(header.pts == MediaTime(Int64(index) * 1_001, timescale: 30_000))
                #expect(header.duration == MediaTime(1_001, timescale: 30_000))
            }
        }

        @Test func wordsForWhatCannotBeOpened() throws {
            let rig = try Rig()
            func message(_ source: Rig.Values, _ output: Rig.Values, _ clock: ClockKind = .system) -> String {
                do {
                    _ = try rig.video(source, output, clock: clock)
                    return ""
                } catch { return "\(error)" }
            }
            let input = rig.write("in", noise(4_096))
            let out: Rig.Values = ["path": .string(rig.path("out"))]
            #expect(message(["path": .string(rig.path("none"))], out).contains("there is no \(rig.path("none"))"))
            #expect(message(["path": .string(rig.folder)], out).contains("is a directory"))
            #expect(
                message(["path": .string(rig.fifo("fifo"))], out, .virtual).contains("virtual time can wait for nobody")
            )
            #expect(message(["path": .string(input), "on_end": .string("reopen")], out).contains("cannot be reopened"))
            #expect(
                message(["path": .string(input), "listen": .boolean(true)], out).contains("exists and is no socket"))
            #expect(
                message(["path": .string(input)], ["path": .string(rig.path("no/such/folder"))]).contains(
                    "its directory does not exist"))
            let long = rig.path(String(repeating: "x", count: 120))
            #expect(message(["path": .string(long), "listen": .boolean(true)], out).contains("has 1 to 107 bytes"))
        }

        @Test func aFullDiskIsOneClearError() throws {
            let rig = try Rig()
            let result = try rig.video(
                ["path": .string(rig.write("in", noise(4_096 * 4)))], ["path": .string("/dev/full")])
            #expect(result.outcome == .failed)
            #expect(result.events.contains { $0.contains("/dev/full is full: No space left on device") })
        }

        @Test func ratesBecomeFractions() {
            #expect(VideoLayout.FrameRate(perSecond: 30) == .init(30))
            #expect(VideoLayout.FrameRate(perSecond: 29.97) == .init(30_000, 1_001))
            #expect(VideoLayout.FrameRate(perSecond: 23.976) == .init(24_000, 1_001))
            #expect(VideoLayout.FrameRate(perSecond: 59.94) == .init(60_000, 1_001))
            #expect(VideoLayout.FrameRate(perSecond: 12.5) == .init(12_500, 1_000))
            for rate in [0, -1, 0.0001, .nan] {
                #expect(VideoLayout.FrameRate(perSecond: rate) == .init(1, 1_000))
            }
            #expect(VideoLayout.FrameRate(perSecond: .infinity) == .init(1_000_000))
        }
    }
}
