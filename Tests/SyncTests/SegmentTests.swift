import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SegmentsPlugin
@testable import SyncPlugin

/// Behind `av-segments`, whose source of truth are the flags of its items and the values of its feedback.
@Suite struct SegmentTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    /// A file of messages as av-segments.md describes it.
    private struct Take {
        var bytes: [UInt8] = []

        mutating func add(_ kind: UInt8, _ fields: [String: Any], payload: [UInt8] = []) throws {
            let json = [UInt8](try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys))
            bytes += Array("AVS1".utf8) + [kind, 0, 0, 0]
            for count in [json.count, payload.count] {
                bytes += (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
            }
            bytes += json + payload
        }

        /// Grey pictures of 160 x 120, 25 a second, and silence at 16 kHz.
        mutating func segment(_ number: Int, frames: Int, milliseconds: Int, epoch: Int = 1) throws {
            var fields: [String: Any] = ["segment_seq": number, "epoch": epoch]
            var payload: [UInt8] = []
            if frames > 0 {
                fields.merge(["video_frames": frames, "width": 160, "height": 120]) { $1 }
                payload += [UInt8](repeating: 128, count: frames * 160 * 120 * 3 / 2)
            }
            if milliseconds > 0 {
                fields.merge(["audio_samples": milliseconds * 16, "sample_rate": 16_000]) { $1 }
                payload += [UInt8](repeating: 0, count: milliseconds * 32)
            }
            try add(2, fields, payload: payload)
        }
    }

    private func harness(
        _ take: Take, _ parameters: [String: ParameterValue] = [:], build: (inout GraphBuilder) -> Void
    ) throws -> GraphHarness {
        let path = scratch.url.appending(path: "take.avs")
        try Data(take.bytes).write(to: path)
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, parameters.merging(["file": .string(path.path)]) { $1 })
        build(&graph)
        return try GraphHarness(graph)
    }

    @Test func theMarksOfSegmentsAreDrawnAndHeardWhereTheirDiagnosticsSay() throws {
        var take = Take()
        try take.segment(1, frames: 10, milliseconds: 400)
        try take.segment(2, frames: 4, milliseconds: 160)
        try take.segment(3, frames: 10, milliseconds: 0)
        try take.segment(4, frames: 0, milliseconds: 400)
        try take.segment(5, frames: 1, milliseconds: 200)
        let harness = try harness(take, ["calibrate": true]) {
            $0.node("mark", Calibration.self)
            $0.node("video", TestSink.self)
            $0.node("audio", TestSink.self)
            $0.edge("avatar.video -> mark.video")
            $0.edge("avatar.audio -> mark.audio")
            $0.edge("mark.video -> video.in")
            $0.edge("mark.audio -> audio.in")
        }
        let (video, audio) = (harness.sink("video"), harness.sink("audio"))
        #expect(harness.run() == .finished)
        let flashes = video.received.compactMap { $0.item as? VideoFrame }.filter { Flash.magenta(in: $0) > 0.9 }
        // 400 and 160 ms; then 400 without audio and 400 without pictures; the last one begins at 1,360 ms.
        #expect(flashes.map(\.header.pts.milliseconds) == [80, 120, 400, 440, 1_360])
        var chirps: [(begin: Double, end: Double)] = []
        for frame in audio.received.compactMap({ $0.item as? AudioFrame }) {
            for index in 0..<frame.sampleCount where frame.s16[index] != 0 {
                let time = frame.header.pts.milliseconds + Double(index) / 16
                if let last = chirps.last, time - last.end < 5 {
                    chirps[chirps.count - 1].end = time
                } else {
                    chirps.append((time, time))
                }
            }
        }
        #expect(chirps.count == 3)
        for (chirp, expected) in zip(chirps, [(80.0, 160.0), (400, 480), (1_360, 1_420)]) {
            #expect(abs(chirp.begin - expected.0) < 1 && abs(chirp.end - expected.1) < 1, "\(chirp)")
        }
        #expect(harness.context(of: "mark")?.counter("missed_marks").count == 0)
    }

    @Test func feedbackOfTheTurnMovesTheDelayFromSegmentToSegmentAndANewTurnBeginsAt0() throws {
        var take = Take()
        try take.segment(1, frames: 0, milliseconds: 400)
        try take.add(
            1,
            [
                "type": "av_sync_feedback", "turn_seq": 1, "excess_video_lag_ms": 240, "jitter_buffer_delta_ms": 90,
                "likely": "video_late_audio_leads", "at_ms": 100,
            ])
        for number in 2...3 { try take.segment(number, frames: 0, milliseconds: 400) }
        try take.add(1, ["type": "interrupt", "epoch": 2, "at_ms": 1_300])
        try take.segment(1, frames: 0, milliseconds: 400, epoch: 2)
        let harness = try harness(take) {
            $0.node("delay", AVDelay.self)
            $0.node("video", TestSink.self)
            $0.node("audio", TestSink.self)
            $0.edge("avatar.video -> video.in")
            $0.edge("avatar.audio -> delay.in")
            $0.edge("delay.out -> audio.in")
            $0.control("avatar.feedback -> delay.feedback", .record)
        }
        var delays: [Int] = []
        for turn in 0..<4 {
            harness.advance(to: Instant(nanoseconds: Int64(turn * 400 + 390) * 1_000_000))
            delays.append(harness.context(of: "delay")?.counter("delay_ms").count ?? -1)
        }
        // The second segment moves 160, the third the rest; the turn ends at 1,300 ms.
        #expect(delays == [0, 160, 240, 0])
        let (sink, context) = (harness.sink("audio"), harness.context(of: "delay"))
        #expect(harness.run() == .finished)
        #expect(context?.counter("feedback_taken").count == 1)
        let samples = sink.received.compactMap { ($0.item as? AudioFrame)?.sampleCount }.reduce(0, +)
        let (inserted, cut) = (
            context?.counter("inserted_samples").count ?? 0, context?.counter("cut_samples").count ?? 0
        )
        #expect(inserted == 240 * 16)
        // The rest of the turn went with it when it was interrupted.
        #expect(cut > 0 && samples <= (1_200 + 400) * 16 + 20 * 16 + inserted - cut)
    }
}
