import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SegmentsPlugin
@testable import SyncPlugin

/// The peer's words and the headers of the segments' frames, as the nodes behind understand it.
@Suite struct SyncGraphTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    @Test func thePicturesThatAreMarkedHereGetTheFlashAndTheAudioBesideThemTheChirp() throws {
        var take = Take()
        take.segment(["segment_seq": 1], frames: 8, samples: 5_120)
        take.message(["type": "calibration", "on": true, "at_ms": 100])
        take.segment(["segment_seq": 2], frames: 8, samples: 5_120)
        let lines = scratch.url.appending(path: "lines.jsonl")
        var graph = GraphBuilder()
        graph.node(
            "avatar", AVSegments.self,
            ["file": .string(try take.write(in: scratch)), "diagnostics": .string(lines.path)])
        graph.node("mark", Calibration.self)
        graph.node("video", TestSink.self)
        graph.node("audio", TestSink.self)
        for port in ["video", "audio"] {
            graph.edge("avatar.\(port) -> mark.\(port)")
            graph.edge("mark.\(port) -> \(port).in")
        }
        graph.control("avatar.calibration -> mark.on", .value)
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished)
        // Magenta is dark and has much of both colours; the pictures here have neither.
        let flashes = harness.sink("video").takeAll().map { $0 as! VideoFrame }.filter { $0.plane(1)[0] > 180 }
        #expect(flashes.map(\.header.pts) == [.milliseconds(400), .milliseconds(440)])
        let diagnostics = try String(contentsOf: lines, encoding: .utf8)
        #expect(diagnostics.contains(#""marker_id": 1, "marker_media_time_ms": 400, "marker_duration_ms": 80"#))
        // The chirp, of 22000, is louder than the tone of 10000 alone.
        let loud = harness.sink("audio").takeAll().map { $0 as! AudioFrame }.filter { $0.s16.contains { $0 > 20_000 } }
        #expect(loud.first?.header.pts == .milliseconds(400))
        #expect(loud.last?.header.pts == .milliseconds(460))
    }

    @Test func aViewersFeedbackReachesTheDelayAsTheDelayUnderstandsIt() throws {
        var take = Take()
        func feedback(_ turn: Int, _ lag: Double, at: Int) {
            take.message([
                "type": "av_sync_feedback", "turn_seq": turn, "excess_video_lag_ms": lag, "jitter_buffer_delta_ms": 40,
                "likely": "video_late_audio_leads", "at_ms": at,
            ])
        }
        take.segment(["epoch": 5, "segment_seq": 1], samples: 8_000)
        feedback(4, 700, at: 50)
        feedback(5, 120, at: 100)
        take.segment(["epoch": 5, "segment_seq": 2], samples: 8_000)
        var graph = GraphBuilder()
        graph.node("avatar", AVSegments.self, ["file": .string(try take.write(in: scratch))])
        graph.node("delay", AVDelay.self)
        graph.node("audio", TestSink.self)
        graph.edge("avatar.audio -> delay.in")
        graph.edge("delay.out -> audio.in")
        graph.control("avatar.feedback -> delay.feedback", .record)
        let harness = try GraphHarness(graph)
        harness.advance(by: .milliseconds(900))
        let delay = try #require(harness.context(of: "delay"))
        // The fourth turn is over; the fifth is the session's.
        #expect(delay.counter("feedback_ignored").count == 1)
        #expect(delay.counter("feedback_taken").count == 1)
        #expect(delay.counter("target_ms").count == 120)
        #expect(delay.counter("delay_ms").count == 120)
        #expect(harness.run() == .finished)
    }
}
