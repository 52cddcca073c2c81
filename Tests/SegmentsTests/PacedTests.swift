import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import PacerPlugin
@testable import SegmentsPlugin
@testable import VP8Plugin

/// Segments with gaps between them, their audio through a pacer.
@Suite struct PacedTests {
    /// 200 ms of 48 kHz s16: 100 ms of silence, 50 ms of a level, silence.
    fileprivate static let mark: [UInt8] =
        [UInt8](repeating: 0, count: 9_600) + (0..<2_400).flatMap { _ in [0, 40] as [UInt8] }
        + [UInt8](repeating: 0, count: 4_800)

    /// Segments of 200 ms, in time, hardly late, late or much too late.
    static func take(count: Int, seed: UInt64, delays: [Double]) -> Take {
        var dice = Dice(seed: seed)
        var take = Take()
        var time = 0.0
        let picture = Take.picture(1, 64, 48)
        for sequence in 1...count {
            let header = Take.json([
                "segment_seq": sequence, "epoch": 1, "video_frames": 5, "width": 64, "height": 48,
                "audio_samples": 9_600, "sample_rate": 48_000,
            ])
            take.raw(2, header, payload: (0..<5).flatMap { _ in picture } + mark)
            time += 200 + delays[Int.random(in: 0..<delays.count, using: &dice)]
            take.message(["type": "calibration", "on": false, "at_ms": time])
        }
        return take
    }

    /// Of each segment: how far its audio is from its first picture, in ms, by timestamps and by when they come.
    private func offsets(_ take: Take, pacesVideo: Bool) throws -> [(times: Double, sent: Double)] {
        let scratch = try Scratch()
        let registry = NodeRegistry()
        PacerPlugin.provideServices(to: registry)
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, ["file": .string(try take.write(in: scratch))])
        graph.node("pacer", Pacer.self, ["frame_ms": 20, "status_s": 0, "target_depth_ms": pacesVideo ? 60 : 100])
        graph.node("video", TestSink.self)
        graph.node("audio", TestSink.self)
        if pacesVideo {
            graph.node("vp8", VP8EncoderNode.self, ["bitrate_kbps": 100])
            graph.node("picture", Pacer.self, ["status_s": 0])
            graph.edge("avatar.video -> vp8.in")
            graph.edge("vp8.out -> picture.in", items: 50, milliseconds: 1_000)
            graph.edge("picture.out -> video.in")
        } else {
            graph.edge("avatar.video -> video.in")
        }
        graph.edge("avatar.audio -> pacer.in", items: 50, milliseconds: 1_000)
        graph.edge("pacer.out -> audio.in")
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished)
        let pictures = harness.sink("video").received.filter { $0.item.header.flags.contains(.segmentStart) }
        var marks: [(time: MediaTime, at: Instant)] = []
        var isLoud = false
        for (item, at) in harness.sink("audio").received.map({ ($0.item as! AudioFrame, $0.at) }) {
            for (index, sample) in item.s16.enumerated() where isLoud != (sample > 5_000) {
                isLoud.toggle()
                let offset = MediaTime(Int64(index), timescale: 48_000)
                if isLoud { marks.append((item.header.pts + offset, at + Interval(offset))) }
            }
        }
        #expect(marks.count == pictures.count)
        return zip(marks, pictures).map {
            (($0.time - $1.item.header.pts).milliseconds - 100, ($0.at - $1.at).milliseconds - 100)
        }
    }

    @Test(arguments: UInt64(8)...27) func pacedAudioStaysWithItsPacedPicturesAcrossGaps(seed: UInt64) throws {
        let take = Self.take(count: 60, seed: seed, delays: [0, 30, 39, 137.3, 411.1, 1_204.7])
        let found = try offsets(take, pacesVideo: true)
        #expect(found.count == 60)
        let text = found.map { "\(decimal($0.times, places: 1))/\(decimal($0.sent, places: 1))" }
        #expect(found.allSatisfy { abs($0.times) <= 5 && abs($0.sent) <= 5 }, "\(text)")
    }

    @Test func audioStaysWithPicturesThatNothingPacesAcrossGaps() throws {
        let take = Self.take(count: 60, seed: 8, delays: [0, 30, 137.3, 1_204.7])
        let found = try offsets(take, pacesVideo: false)
        #expect(found.count == 60)
        #expect(found.allSatisfy { abs($0.times) <= 5 }, "\(found.map { decimal($0.times, places: 1) })")
    }
}
