import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Containers that say no presentation times, with B-frames.
@Suite("Pictures without presentation times") struct PicturesWithoutTimesTests {
    private static let h264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "30"]
    private static let hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=3"]

    @Test(arguments: [
        ("avi", ["-c:v", "mpeg4", "-bf", "2"]), ("m2v", ["-c:v", "mpeg2video", "-bf", "2"]),
        ("m4v", ["-c:v", "mpeg4", "-bf", "2"]), ("avi", h264), ("h264", h264), ("hevc", hevc),
    ])
    func areHandedOnWithThoseOfTheOrderInWhichTheyAreShown(kind: String, codec: [String]) throws {
        let folder = try Folder()
        let path = folder.path("b.\(kind)")
        // ffmpeg complains that the container has no times.
        _ = try FFmpeg.run(["ffmpeg", "-v", "fatal", "-i", Clips.webm, "-an"] + codec + [path], feeding: [])
        let file = folder.path("out.mkv")
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(path), "pace": "fast", "decode": false])
        graph.node("file", Record.self, ["path": .string(file)])
        graph.edge("source.video -> file.video")
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished)
        #expect(try numbers(in: file) == Array(0..<90))
        // A player shows by times; ffmpeg's decoder, above, by numbers.
        let shown = try FFmpeg.run(
            ["ffprobe", "-v", "error", "-show_entries", "frame=pts_time", "-of", "csv=p=0", file], feeding: [])
        let times = String(decoding: shown, as: UTF8.self).split(separator: "\n").compactMap {
            Double($0.prefix { $0.isNumber || $0 == "." })
        }
        let steps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(times.count == 90 && steps.allSatisfy { $0 > 0.02 && $0 < 0.05 }, "\(steps)")
    }

    private func order(_ numbers: [Int], depth: Int, keys: Set<Int> = [0]) -> [Int] {
        var order = DisplayOrder(depth: depth)
        var shown: [Int] = []
        let format = MediaFormat(codec: .h264, video: VideoLayout(width: 64, height: 36))
        var pool = Pool<Packet>()
        func take() { while let packet = order.take() { shown.append(Int(packet.header.pts.milliseconds)) } }
        for (index, number) in numbers.enumerated() {
            let packet = pool.take(format, count: 1)
            packet.header = MediaItem.Header()
            packet.header.dts = .milliseconds(Int64(index) * 40)
            if keys.contains(index) { packet.header.flags.insert(.keyframe) }
            order.add(packet, number: number, step: .milliseconds(40))
            take()
        }
        order.finish(step: .milliseconds(40))
        take()
        return shown
    }

    @Test func numbersGiveTheOrder() {
        #expect(order([0, 8, 4, 2, 6], depth: 2) == [80, 240, 160, 120, 200])
        // The second keyframe begins anew, though its numbers are lower.
        #expect(order([0, 4, 2, 0, 4, 2], depth: 1, keys: [0, 3]) == [40, 120, 80, 160, 240, 200])
        #expect(order([0, 2, 4], depth: 0) == [0, 40, 80])
    }
}
