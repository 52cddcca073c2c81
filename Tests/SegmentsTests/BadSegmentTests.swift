import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import PacerPlugin
@testable import SegmentsPlugin

/// Bad segments before a pacer of their audio: the grid holds, and one event says what happened.
@Suite struct BadSegmentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let take: @Sendable (inout Take) -> Void
        /// The words of av-segments.
        let said: [String]
        /// Segments that are played, of 100 ms each, with those before and after.
        let played: Int
        var testDescription: String { name }
    }

    private static func audio(_ take: inout Take, _ fields: [String: Any] = [:], rate: Int = 16_000) {
        take.segment(fields, samples: rate / 10, rate: rate)
    }

    static let cases: [Case] = [
        Case(
            name: "the payload is too short for what it says",
            take: { $0.raw(2, #"{"audio_samples":1600,"sample_rate":16000}"#, payload: [1, 2, 3]) },
            said: ["a segment of 1600 samples of 1 ch has 3200 bytes of payload, but 3 come"], played: 2),
        Case(
            name: "half a frame",
            take: {
                $0.raw(
                    2, #"{"video_frames":1,"width":4,"height":4,"audio_samples":1,"sample_rate":16000}"#,
                    payload: [UInt8](repeating: 0, count: 12))
            },
            said: [
                "a segment of 1 pictures of 4x4 i420 and 1 samples of 1 ch has 26 bytes of payload, but 12 come"
            ], played: 2),
        Case(
            name: "neither picture nor audio", take: { $0.raw(2, "{}") },
            said: ["a segment has neither video_frames nor audio_samples"], played: 2),
        Case(
            name: "a negative time",
            take: {
                $0.raw(
                    2, #"{"audio_samples":1,"sample_rate":16000,"media_start_ms":-1}"#, payload: [0, 0])
            }, said: ["media_start_ms of a segment is -1, not a number from 0 to 1000000000"], played: 2),
        Case(
            name: "a negative length",
            take: {
                $0.raw(2, #"{"audio_samples":1,"sample_rate":16000,"duration_ms":-1}"#, payload: [0, 0])
            }, said: ["duration_ms of a segment is -1, not a number from 0 to 3600000"], played: 2),
        Case(
            name: "a length that cuts it", take: { audio(&$0, ["duration_ms": 40]) },
            said: ["a segment says duration_ms 40 but holds 100 ms: what lies beyond is not played"], played: 3),
        Case(
            name: "an epoch that falls", take: { audio(&$0, ["epoch": 3]) },
            said: ["a segment of epoch 3 is dropped: the session is at epoch 7"], played: 2),
        Case(
            name: "a time in its turn that goes back", take: { audio(&$0, ["epoch": 7, "media_start_ms": 1]) },
            said: [],
            played: 3),
        Case(
            name: "another rate", take: { audio(&$0, ["epoch": 7], rate: 48_000) }, said: [], played: 3),
        Case(
            name: "a minute at once", take: { for _ in 0..<600 { audio(&$0, ["epoch": 7]) } }, said: [], played: 602),
        Case(
            name: "a message that is none", take: { $0.raw(1, #"{"type":"interupt"}"#) },
            said: [#"there is no message of type "interupt"; there are interrupt, fence,"#], played: 2),
        Case(
            name: "an interruption that does not rise", take: { $0.message(["type": "interrupt", "epoch": 1]) },
            said: ["an interruption to epoch 1 is ignored: the session is at epoch "], played: 2),
        Case(
            name: "the end within a segment",
            take: {
                audio(&$0, ["epoch": 7])
                $0.bytes.removeLast(1_000)
                $0.isCut = true
            }, said: ["ends after 2200 of the 3200 bytes of a segment, which is dropped"], played: 1),
    ]

    @Test(arguments: cases) func theGridHolds(_ bad: Case) throws {
        var take = Take()
        Self.audio(&take, ["epoch": 7, "segment_seq": 1])
        bad.take(&take)
        if !take.isCut { Self.audio(&take, ["epoch": 7]) }
        let scratch = try Scratch()
        let registry = NodeRegistry()
        PacerPlugin.provideServices(to: registry)
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, ["file": .string(try take.write(in: scratch))])
        graph.node("pacer", Pacer.self, ["frame_ms": 20, "status_s": 0])
        graph.node("audio", TestSink.self)
        graph.edge("avatar.audio -> pacer.in", items: 50, milliseconds: 1_000)
        graph.edge("pacer.out -> audio.in")
        let harness = try GraphHarness(graph)
        #expect(harness.run() == .finished)
        #expect(harness.isBalanced)
        let tape = harness.sink("audio").received
        #expect(
            zip(tape, tape.dropFirst()).allSatisfy {
                $1.at - $0.at == .milliseconds(20) && $1.item.header.pts - $0.item.header.pts == .milliseconds(20)
            })
        let said = harness.events.filter { $0.node == "avatar" }.map(\.what)
        #expect(said.count == bad.said.count, "\(said)")
        for (one, part) in zip(said, bad.said) { #expect(one.contains(part), "\(one)") }
        // Each is 100 ms, the one that was cut 40. Where the format changes the last frame of the old one fades out.
        let frames = bad.name == "a length that cuts it" ? 12 : bad.played * 5
        let more = bad.name == "another rate" ? 2 : 1
        #expect((frames...frames + more).contains(tape.count), "\(tape.count) frames")
        #expect(harness.context(of: "pacer")?.counter("dropped").count == 0)
    }
}
