import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SegmentsPlugin
@testable import VP8Plugin

/// A labelled segment on its way through an encoder and a line that takes 10 ms a packet.
@Suite struct TraceGraphTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    @Test(arguments: [true, false]) func aLabelledSegmentIsTracedToItsSender(hasEncoderTrace: Bool) throws {
        var take = Take()
        for sequence in 1...2 {
            take.segment(
                ["segment_seq": sequence, "epoch": 1, "trace_label": "answer", "user_final_at": -0.0], frames: 5)
        }
        take.segment(["epoch": 1, "segment_seq": 3], frames: 5)
        let lines = scratch.url.appending(path: "lines.jsonl")
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var graph = GraphBuilder(registry: registry)
        graph.node(
            "avatar", AVSegments.self,
            ["file": .string(try take.write(in: scratch)), "diagnostics": .string(lines.path)])
        graph.node("vp8", VP8EncoderNode.self, ["bitrate_kbps": 300])
        graph.node("encoded", SegmentTrace.self, ["stage": hasEncoderTrace ? "encoder" : "sender"])
        graph.node("line", ThinLine.self, ["every_ms": 10])
        graph.node("sent", SegmentTrace.self)
        graph.node("sink", TestSink.self)
        graph.edge("avatar.video -> vp8.in")
        if hasEncoderTrace {
            graph.edge("vp8.out -> encoded.in")
            graph.edge("encoded.out -> line.in")
        } else {
            graph.edge("vp8.out -> line.in")
        }
        graph.edge("line.out -> sent.in")
        graph.edge("sent.out -> sink.in")
        if !hasEncoderTrace {
            graph.node("tone", TestSource.self)
            graph.edge("tone.out -> encoded.in")
            graph.node("end", TestSink.self)
            graph.edge("encoded.out -> end.in")
        }
        let harness = try GraphHarness(graph)
        // The sender takes nothing for 30 ms.
        harness.sink("sink").appetite = 0
        harness.advance(by: .milliseconds(30))
        harness.sink("sink").appetite = nil
        if !hasEncoderTrace { harness.source("tone").end() }
        #expect(harness.run() == .finished)
        let traces = try String(contentsOf: lines, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["type"] as? String == "trace" }
        let first = traces.filter { $0["segment_seq"] as? Int == 1 }
        #expect(
            first.map { $0["event"] as? String } == [
                "segment_enqueued", "encode_started", "encode_done", "publish_started", "first_video_sent",
            ])
        #expect(first[1]["bitrate_kbps"] as? Double == 300)
        #expect(first[4]["publish_ms"] as? Double == 30)
        #expect(first[4]["since_user_final_ms"] as? Double == 30)
        let second = traces.filter { $0["segment_seq"] as? Int == 2 }
        #expect(second.count == 5)
        #expect(second[1]["queue_ms"] as? Double == 200)
        #expect(second[4]["since_user_final_ms"] as? Double == 200)
        #expect(!traces.contains { $0["segment_seq"] as? Int == 3 })
        // Only the first picture of a turn is one that the user waits for.
        let report = try JSONSerialization.jsonObject(with: Data(harness.report.utf8)) as? [String: Any]
        let node = (report?["nodes"] as? [String: Any])?["avatar"] as? [String: Any]
        let measured = (node?["metrics"] as? [String: Any])?["user_final_to_first_picture_ms"] as? [String: Int]
        #expect(measured == ["p50": 30, "p99": 30, "max": 30])
    }

    @Test func aSegmentThatGoesOutLateSaysByHowMuch() throws {
        var take = Take()
        take.segment(["segment_seq": 1, "trace_label": "held"], frames: 10)
        let lines = scratch.url.appending(path: "lines.jsonl")
        var graph = GraphBuilder()
        graph.node(
            "avatar", AVSegments.self,
            ["file": .string(try take.write(in: scratch)), "diagnostics": .string(lines.path)])
        graph.node("sink", TestSink.self)
        graph.edge("avatar.video -> sink.in", items: 1)
        let harness = try GraphHarness(graph)
        harness.sink("sink").appetite = 0
        harness.advance(by: .milliseconds(115))
        harness.sink("sink").appetite = nil
        #expect(harness.run() == .finished)
        let last = try String(contentsOf: lines, encoding: .utf8).split(separator: "\n").last
        #expect(last?.contains(#""event": "pacing_slip", "turn_seq": 1, "segment_seq": 1, "max_slip_ms": 75"#) == true)
        #expect(harness.context(of: "avatar")?.counter("pacing_slips").count == 1)
    }
}
