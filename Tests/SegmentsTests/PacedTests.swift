import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import PacerPlugin
@testable import SegmentsPlugin

/// Segments with gaps between them, their sound through a pacer.
@Suite struct PacedTests {
    /// 200 ms of 48 kHz s16: 100 ms of silence, 50 ms of a level, silence.
    private static let mark: [UInt8] =
        [UInt8](repeating: 0, count: 9_600) + (0..<2_400).flatMap { _ in [0, 40] as [UInt8] }
        + [UInt8](repeating: 0, count: 4_800)

    @Test func soundStaysWithItsPicturesAcrossGapsThoughAPacerHoldsIt() throws {
        var dice = Dice(seed: 8)
        var take = Take()
        var time = 0.0
        let picture = Take.picture(1, 64, 48)
        for sequence in 1...60 {
            let header = Take.json([
                "segment_seq": sequence, "epoch": 1, "video_frames": 5, "width": 64, "height": 48,
                "audio_samples": 9_600, "sample_rate": 48_000,
            ])
            take.raw(2, header, payload: (0..<5).flatMap { _ in picture } + Self.mark)
            // In time, hardly late, late, or much too late.
            time += 200 + [0, 30, 137.3, 1_204.7][Int.random(in: 0..<4, using: &dice)]
            take.message(["type": "calibration", "on": false, "at_ms": time])
        }
        let scratch = try Scratch()
        var graph = GraphBuilder()
        graph.node("avatar", AVSegments.self, ["file": .string(try take.write(in: scratch))])
        graph.node("pacer", Pacer.self, ["frame_ms": 20, "status_s": 0])
        graph.node("video", TestSink.self)
        graph.node("audio", TestSink.self)
        graph.edge("avatar.video -> video.in")
        graph.edge("avatar.audio -> pacer.in", items: 50, milliseconds: 1_000)
        graph.edge("pacer.out -> audio.in")
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished)
        let pictures = harness.sink("video").takeAll().filter { $0.header.flags.contains(.segmentStart) }
        var marks: [MediaTime] = []
        var isLoud = false
        for frame in harness.sink("audio").takeAll().map({ $0 as! AudioFrame }) {
            for (index, sample) in frame.s16.enumerated() where isLoud != (sample > 5_000) {
                isLoud.toggle()
                if isLoud { marks.append(frame.header.pts + MediaTime(Int64(index), timescale: 48_000)) }
            }
        }
        #expect(pictures.count == 60)
        #expect(marks.count == 60)
        let offsets = zip(marks, pictures).map { ($0 - $1.header.pts).milliseconds - 100 }
        #expect(offsets.allSatisfy { abs($0) <= 20 }, "\(offsets.map { decimal($0, places: 1) })")
    }
}
