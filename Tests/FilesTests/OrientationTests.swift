import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Files whose pictures are to be turned, as phones write them.
@Suite("Pictures that are to be turned") struct OrientationTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func harness(_ path: String, _ parameters: [String: ParameterValue] = [:]) throws -> NodeHarness<Source> {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"].merging(parameters) { $1 },
            unconnected: ["audio"])
        source.graph.run()
        return source
    }

    private func items(_ source: NodeHarness<Source>) -> [MediaItem] { source.sink("video").received.map(\.item) }

    /// Ten pictures of 64x48 in H.264, turned by our own muxer's matrix.
    private func clip(_ name: String, _ orientation: VideoLayout.Orientation) throws -> String {
        let plain = folder.path("plain.mp4")
        if !FileManager.default.fileExists(atPath: plain) {
            _ = try FFmpeg.run(
                [
                    "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4,setsar=4/3",
                    "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", plain,
                ], feeding: [])
        }
        let packets = try items(harness(plain, ["decode": false]))
        let (format, layout) = (packets[0].format, try #require(packets[0].format.video))
        let turned = MediaFormat(
            codec: .h264,
            video: VideoLayout(
                width: layout.width, height: layout.height, frameRate: layout.frameRate,
                pixelAspect: layout.pixelAspect, orientation: orientation),
            configuration: format.configuration)
        for packet in packets { packet.format = turned }
        let path = folder.path(name)
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(path)], unconnected: ["audio", "data"])
        record.push(packets, into: "video")
        #expect(record.finish() == .finished)
        return path
    }

    /// The pictures that ffmpeg shows, turned by itself.
    private func shown(_ path: String) throws -> [UInt8] {
        try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], feeding: [])
    }

    private func rotation(_ path: String) throws -> [String] { try probe(path, "stream_side_data=rotation") }

    @Test(arguments: (0..<8).map { VideoLayout.Orientation(quarters: $0, isMirrored: $0 >= 4) })
    func theyComeOutAsFFmpegShowsThem(orientation: VideoLayout.Orientation) throws {
        let path = try clip("phone.mp4", orientation)
        let source = try harness(path)
        let frames = items(source).compactMap { $0 as? VideoFrame }
        #expect(frames.count == 10)
        let layout = try #require(frames.first?.layout)
        #expect(
            (layout.width, layout.height, layout.pixelAspect.description)
                == (orientation.exchangesSides ? (48, 64, "3:4") : (64, 48, "4:3")))
        #expect(frames.flatMap(\.packed) == (try shown(path)))
        #expect(source.sink("video").formats.count == 1)
        let isTold = source.events.contains { $0.what.contains("its pictures are \(orientation)") }
        #expect(isTold == (orientation != .upright))
    }

    @Test(arguments: [90, 180, 270]) func whatFFmpegWritesIsTurned(degrees: Int) throws {
        let plain = try clip("plain2.mp4", .upright)
        let path = folder.path("turned.mp4")
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=\(degrees)", path],
            feeding: [])
        #expect(try rotation(path).first?.isEmpty == false)
        #expect(try items(harness(path)).compactMap { $0 as? VideoFrame }.flatMap(\.packed) == (try shown(path)))
    }

    @Test func askedForNoneTheyStayAsTheyAreStored() throws {
        let path = try clip("phone.mp4", .init(quarters: 1))
        let source = try harness(path, ["rotate": "none"])
        let plain = try items(harness(folder.path("plain.mp4"))).compactMap { $0 as? VideoFrame }
        #expect(items(source).compactMap { $0 as? VideoFrame }.flatMap(\.packed) == plain.flatMap(\.packed))
        let packets = try items(harness(path, ["rotate": "none", "decode": false]))
        #expect(packets.first?.format.video?.orientation == .upright)
    }

    @Test func packetsCarryItIntoTheNextMp4AndOtherFilesWarn() throws {
        let path = try clip("phone.mp4", .init(quarters: 3, isMirrored: true))
        let before = try rotation(path)
        for ending in ["mp4", "mkv", "ts"] {
            var graph = GraphBuilder()
            graph.node("source", Source.self, ["open": .string(path), "decode": false, "pace": "fast"])
            graph.node("record", Record.self, ["path": .string(folder.path("again.\(ending)"))])
            graph.edge("source.video -> record.video")
            let run = try GraphHarness(graph)
            #expect(run.run() == .finished)
            let warnings = run.events.filter { $0.what.contains("mirrored and turned by 270°, and") }
            #expect(warnings.count == (ending == "mp4" ? 0 : 1), "\(ending)")
        }
        #expect(!before.isEmpty)
        #expect(try rotation(folder.path("again.mp4")) == before)
    }

    /// The four numbers of the matrix in the track's header, found behind those of a quarter turn and replaced.
    private func patched(_ name: String, _ numbers: [Int32]) throws -> String {
        let path = try clip("phone.mp4", .init(quarters: 1))
        var bytes = try Data(contentsOf: URL(filePath: path))
        func big(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        let found = try #require(bytes.range(of: Data(big(0) + big(65_536) + big(0) + big(-65_536) + big(0))))
        bytes.replaceSubrange(
            found, with: Data([numbers[0], numbers[1], 0, numbers[2], numbers[3]].flatMap(big)))
        let patched = folder.path(name)
        try bytes.write(to: URL(filePath: patched))
        return patched
    }

    @Test func anAngleThatIsNoQuarterIsSaidInASentence() throws {
        let source = try harness(patched("askew.mp4", [46_341, 46_341, -46_341, 46_341]))
        #expect(items(source).first?.format.video?.width == 64)
        #expect(
            source.events.filter { $0.what.contains("to be turned by 45°, which is no quarter turn") }.count == 1)
    }

    @Test(arguments: [[0, 0, 0, 0], [.min, .max, .max, .min]] as [[Int32]])
    func matricesThatMakeNoSenseDoNoHarm(numbers: [Int32]) throws {
        let source = try harness(patched("lies.mp4", numbers))
        #expect(items(source).count == 10 && items(source).first?.format.video?.width == 64)
    }
}
