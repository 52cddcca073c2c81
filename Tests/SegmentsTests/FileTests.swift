import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SegmentsPlugin

/// The node in virtual time, fed by a file.
@Suite struct FileTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func harness(
        _ take: Take, _ parameters: [String: ParameterValue] = [:], unconnected: Set<String> = ["microphone"]
    ) throws -> NodeHarness<AVSegments> {
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var all = parameters
        all["file"] = .string(try take.write(in: scratch))
        return try NodeHarness(AVSegments.self, parameters: all, unconnected: unconnected, registry: registry)
    }

    private func times(_ sink: TestSink) -> [String] {
        sink.received.map { item, at in
            let (pts, epoch) = (item.header.pts.milliseconds, item.header.epoch)
            return "\(decimal(pts, places: 1)) at \(decimal(Double(at.nanoseconds) / 1e6, places: 1)) e\(epoch)"
        }
    }

    private func lines(_ name: String) throws -> [[String: Any]] {
        try String(contentsOf: scratch.url.appending(path: name), encoding: .utf8).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func aControlThatLeadsBackToTheNodeDoesNotGoRoundForEver() throws {
        var take = Take()
        take.message(["type": "calibration", "on": true])
        take.segment(["segment_seq": 1], frames: 2, samples: 1_280)
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, ["file": .string(try take.write(in: scratch))])
        graph.node("video", TestSink.self)
        graph.node("audio", TestSink.self)
        graph.edge("avatar.video -> video.in")
        graph.edge("avatar.audio -> audio.in")
        graph.control("avatar.calibration -> avatar.calibrate", .value)
        let harness = try GraphHarness(graph)
        var steps = 0
        while steps < 1_000, harness.step("avatar") != nil { steps += 1 }
        #expect(steps < 100)
        #expect(harness.run() == .finished)
    }

    @Test func aTakeIsPlayedAtItsMediaTime() throws {
        var take = Take()
        take.segment(["segment_seq": 1], frames: 2, samples: 1_280)
        take.segment(["segment_seq": 2], samples: 400)
        let harness = try harness(take)
        #expect(harness.finish() == .finished)
        #expect(times(harness.sink("video")) == ["0.0 at 0.0 e1", "40.0 at 40.0 e1"])
        #expect(
            times(harness.sink("audio")) == [
                "0.0 at 0.0 e1", "20.0 at 20.0 e1", "40.0 at 40.0 e1", "60.0 at 60.0 e1", "80.0 at 80.0 e1",
                "100.0 at 100.0 e1",
            ])
        #expect(harness.now == Instant(nanoseconds: 105_000_000))
        let audio = harness.sink("audio").received.map { $0.item as! AudioFrame }
        #expect(audio.flatMap { Array($0.bytes) } == Take.tone(1_280, 16_000) + Take.tone(400, 16_000))
        #expect(audio.map { $0.header.flags.contains(.segmentStart) } == [true, false, false, false, true, false])
        let pictures = harness.sink("video").received.map { $0.item as! VideoFrame }
        #expect(pictures.map { $0.header.flags.contains(.segmentStart) } == [true, false])
        #expect(pictures[1].packed == Take.picture(1, 64, 48))
        #expect(pictures.allSatisfy { $0.header.duration == .milliseconds(40) && $0.header.sourceClock == 1 })
        #expect(harness.events.isEmpty)
    }

    @Test func segmentsWaitForAViewerAndArePlayedAsIfTheyHadJustCome() throws {
        var take = Take()
        take.segment(["segment_seq": 1], samples: 320)
        take.segment(["segment_seq": 2], samples: 320)
        let harness = try harness(take, ["connect_timeout_s": 10])
        harness.advance(by: .seconds(4))
        #expect(harness.sink("audio").received.isEmpty)
        #expect(harness.set("viewers", to: 1))
        #expect(harness.finish() == .finished)
        #expect(times(harness.sink("audio")) == ["0.0 at 4000.0 e1", "20.0 at 4020.0 e1"])
        #expect(harness.sink("events").received.count == 2)
        #expect(harness.context.counter("skipped").count == 0 && harness.events.isEmpty)
    }

    @Test func segmentsThatNoViewerComesForAreDroppedWithOneEvent() throws {
        var take = Take()
        for sequence in 1...5 { take.segment(["segment_seq": sequence], samples: 320) }
        let harness = try harness(take, ["connect_timeout_s": 10])
        harness.advance(by: .seconds(9.9))
        #expect(harness.context.counter("unwatched_segments").count == 0)
        #expect(harness.finish() == .finished)
        // Two wait at a time.
        #expect(harness.now == Instant(nanoseconds: 30_000_000_000))
        #expect(harness.context.counter("unwatched_segments").count == 5)
        #expect(harness.sink("audio").received.isEmpty)
        #expect(
            harness.events.map(\.what) == [
                "no viewer was connected within 10 s: segments are dropped until one is"
            ])
    }

    @Test func aSegmentThatHasBegunIsPlayedToItsEndWhenTheViewerLeaves() throws {
        var take = Take()
        take.segment(["segment_seq": 1], samples: 3_200)
        take.segment(["segment_seq": 2], samples: 320)
        let harness = try harness(take, ["connect_timeout_s": 10])
        #expect(harness.set("viewers", to: 1))
        harness.advance(by: .milliseconds(50))
        #expect(harness.set("viewers", to: 0))
        harness.advance(by: .seconds(1))
        #expect(harness.sink("audio").received.count == 10)
        #expect(harness.finish() == .finished)
        #expect(harness.sink("audio").received.count == 10)
        #expect(harness.context.counter("unwatched_segments").count == 1)
    }

    @Test func diagnosticsComeBeforeTheFirstPictureAndEqualTakesGiveEqualLines() throws {
        var take = Take()
        for sequence in 1...3 {
            take.segment(
                ["segment_seq": sequence, "epoch": 4, "trace_label": "greeting", "user_final_at": 40.5],
                frames: 5, samples: 3_200)
        }
        take.segment(["epoch": 4], samples: 320)
        let path = ParameterValue.string(scratch.url.appending(path: "lines").path)
        let node = try harness(take, ["diagnostics": path, "session": "room"])
        node.advance(by: .milliseconds(410))
        #expect(node.finish() == .finished)
        let first = try String(contentsOf: scratch.url.appending(path: "lines"), encoding: .utf8)
        let diagnostics = try lines("lines").filter { $0["type"] as? String == "segment" }
        #expect(diagnostics.map { $0["segment_seq"] as? Int } == [1, 2, 3])
        #expect(diagnostics.map { $0["publish_wall_ms"] as? Double } == [0, 200, 400])
        #expect(diagnostics.allSatisfy { $0["turn_seq"] as? Int == 4 && $0["session"] as? String == "room" })
        #expect(diagnostics.allSatisfy { $0["duration_ms"] as? Double == 200 })
        let traces = try lines("lines").filter { $0["type"] as? String == "trace" }
        #expect(traces.map { $0["event"] as? String } == ["segment_enqueued", "segment_enqueued", "segment_enqueued"])
        #expect(traces.first?["since_user_final_ms"] as? Double == -40.5)
        _ = try harness(take, ["diagnostics": path, "session": "room"]).finish()
        #expect(try String(contentsOf: scratch.url.appending(path: "lines"), encoding: .utf8) == first)
    }

    /// Segments that do not say where they begin count on, so that one that does is where it says.
    @Test func timesInATurnCountOn() throws {
        var take = Take()
        take.segment(["segment_seq": 1, "epoch": 1], samples: 3_200)
        take.segment(["segment_seq": 2, "epoch": 1], samples: 3_200)
        take.segment(["segment_seq": 3, "epoch": 1, "media_start_ms": 400], samples: 3_200)
        take.segment(["segment_seq": 4, "epoch": 1, "media_start_ms": 700], samples: 3_200)
        take.segment(["segment_seq": 5, "epoch": 1], samples: 3_200)
        take.segment(["segment_seq": 1, "epoch": 2], samples: 3_200)
        let path = ParameterValue.string(scratch.url.appending(path: "lines").path)
        let node = try harness(take, ["diagnostics": path])
        #expect(node.finish() == .finished)
        #expect(try lines("lines").map { $0["media_start_ms"] as? Double } == [0, 200, 400, 700, 900, 0])
        #expect(try lines("lines").map { $0["publish_wall_ms"] as? Double } == [0, 200, 400, 700, 900, 1_100])
        // The times of the audio leave the pause that the fourth asks for, and no other.
        let starts = node.sink("audio").received.filter { $0.item.header.flags.contains(.segmentStart) }
        #expect(starts.map { $0.item.header.pts.milliseconds.rounded() } == [0, 200, 400, 700, 900, 1_100])
    }

    /// A segment that is cut to less than a sample sends no piece, and no picture.
    @Test func nothingWithoutSamplesIsSent() throws {
        var take = Take()
        take.segment(["epoch": 1, "duration_ms": 0.01], samples: 320)
        take.segment(["epoch": 1], samples: 320)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        let frames = node.sink("audio").received.compactMap { $0.item as? AudioFrame }
        #expect(frames.allSatisfy { $0.sampleCount > 0 } && frames.count == 1, "\(frames.map(\.sampleCount))")
    }

    @Test func markedSegmentsCarryTheirMarkerOnTwoPictures() throws {
        var take = Take()
        take.segment(["segment_seq": 1], frames: 6, samples: 3_840)
        take.message(["type": "calibration", "on": true, "at_ms": 10])
        take.segment(["segment_seq": 2], frames: 6, samples: 3_840)
        take.segment(["segment_seq": 3], frames: 3)
        take.segment(["segment_seq": 4], frames: 3, samples: 320)
        let path = ParameterValue.string(scratch.url.appending(path: "lines").path)
        let node = try harness(take, ["diagnostics": path])
        #expect(node.finish() == .finished)
        let marked = node.sink("video").received.indices.filter {
            node.sink("video").received[$0].item.header.flags.contains(.marker)
        }
        #expect(marked == [8, 9, 15, 16])
        #expect(try lines("lines").map { $0["marker_id"] as? Int } == [0, 1, 0, 2])
        #expect(try lines("lines").map { $0["marker_media_time_ms"] as? Double } == [0, 320, 0, 600])
        #expect(node.value(of: "calibration") == 1)
    }

    @Test func anInterruptionEndsWithOneFadedPieceAndTheNewTurnFollows() throws {
        var take = Take()
        take.segment(["epoch": 1, "segment_seq": 1], frames: 25, samples: 16_000)
        take.segment(["epoch": 1, "segment_seq": 2], frames: 25, samples: 16_000)
        take.message(["type": "interrupt", "epoch": 2, "at_ms": 110])
        take.segment(["epoch": 1, "segment_seq": 3], samples: 320)
        take.segment(["epoch": 2, "segment_seq": 1], frames: 1, samples: 640)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        #expect(
            times(node.sink("audio")) == [
                "0.0 at 0.0 e1", "20.0 at 20.0 e1", "40.0 at 40.0 e1", "60.0 at 60.0 e1", "80.0 at 80.0 e1",
                "100.0 at 100.0 e1", "120.0 at 120.0 e2", "140.0 at 140.0 e2", "160.0 at 160.0 e2",
            ])
        #expect(times(node.sink("video")).suffix(2) == ["80.0 at 80.0 e1", "140.0 at 140.0 e2"])
        let audio = node.sink("audio").received.map { $0.item as! AudioFrame }
        let faded = audio[6]
        let whole = Take.tone(16_000, 16_000)[1_920 * 2..<2_240 * 2]
        #expect(abs(Int(faded.s16[0]) - Int(audio[5].s16[319])) < 1_800)
        #expect(faded.s16.suffix(10).allSatisfy { abs($0) < 40 })
        #expect(Array(faded.bytes) != Array(whole))
        #expect(node.context.counter("interruptions").count == 1)
        #expect(node.context.counter("interrupted_segments").count == 2)
        #expect(node.context.counter("stale_segments").count == 1)
        #expect(node.events.map(\.what) == ["a segment of epoch 1 is dropped: the session is at epoch 2"])
    }

    /// The reader takes nothing: what it had not taken is flushed, and that is what fades.
    @Test func whatFadesIsWhatTheReaderHadNotTaken() throws {
        var take = Take()
        take.segment(["epoch": 1], samples: 8_000)
        take.message(["type": "interrupt", "at_ms": 110])
        let node = try harness(take)
        node.sink("audio").appetite = 2
        node.advance(by: .milliseconds(130))
        node.sink("audio").appetite = nil
        #expect(node.finish() == .finished)
        #expect(times(node.sink("audio")).map { $0.split(separator: " ")[0] } == ["0.0", "20.0", "40.0"])
        let audio = node.sink("audio").received.map { $0.item as! AudioFrame }
        #expect(audio[2].header.epoch == 2)
        #expect(abs(Int(audio[2].s16[0]) - Int(audio[1].s16[319])) < 1_800)
        #expect(node.graph.isBalanced)
    }

    /// There is nothing to fade where no audio was going on.
    @Test func aPauseIsInterruptedInSilence() throws {
        var take = Take()
        take.segment(["epoch": 1], samples: 640)
        take.segment(["epoch": 1, "media_start_ms": 900], samples: 640)
        take.message(["type": "interrupt", "epoch": 2, "at_ms": 500])
        take.segment(["epoch": 2], samples: 320)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        #expect(times(node.sink("audio")) == ["0.0 at 0.0 e1", "20.0 at 20.0 e1", "500.0 at 500.0 e2"])
    }

    @Test func anInterruptionByAnotherNodeCountsToo() throws {
        var take = Take()
        take.segment(["epoch": 1], frames: 25, samples: 16_000)
        let node = try harness(take)
        node.advance(by: .milliseconds(50))
        node.raiseEpoch(to: 9)
        #expect(node.finish() == .finished)
        #expect(times(node.sink("audio")).last == "60.0 at 60.0 e9")
        #expect(node.context.counter("interruptions").count == 1)
    }

    @Test func anInterruptionThatDoesNotRiseIsIgnoredAndTold() throws {
        var take = Take()
        take.segment(["epoch": 5], samples: 640)
        take.message(["type": "interrupt", "epoch": 5, "at_ms": 5])
        take.message(["type": "interrupt", "epoch": 4, "at_ms": 6])
        take.segment(["epoch": 5], samples: 640)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        #expect(node.sink("audio").received.count == 4)
        #expect(node.context.counter("interruptions").count == 0)
        #expect(
            node.events.map(\.what) == [
                "an interruption to epoch 5 is ignored: the session is at epoch 5",
                "an interruption to epoch 4 is ignored: the session is at epoch 5",
            ])
    }

    @Test func aTurnThatBeginsAfterASecondOfQuietRaisesTheEpochAndOneThatFollowsOnDoesNot() throws {
        var take = Take()
        take.segment(["epoch": 3], samples: 640)
        take.segment(["epoch": 4], samples: 640)
        take.message(["type": "fence", "id": 1, "at_ms": 2_000])
        take.segment(["epoch": 6], samples: 640)
        let node = try harness(take)
        node.settle()
        #expect(node.epoch == 3)
        node.advance(by: .milliseconds(1_999))
        #expect(node.epoch == 3)
        #expect(node.finish() == .finished)
        #expect(node.sink("audio").received.map(\.item.header.epoch) == [3, 3, 4, 4, 6, 6])
        #expect(node.epoch == 6)
        #expect(node.context.counter("interruptions").count == 0)
    }

    @Test func badSegmentsAreToldOnceEachAndTheGridHolds() throws {
        var take = Take()
        take.segment(["segment_seq": 1], samples: 320)
        take.raw(
            2, #"{"audio_samples":10,"sample_rate":16000,"media_start_ms":-5}"#,
            payload: [UInt8](repeating: 0, count: 20))
        take.raw(2, #"{"audio_samples":10,"sample_rate":16000}"#, payload: [1, 2, 3])
        take.segment(["duration_ms": 30], samples: 1_600)
        take.segment(["segment_seq": 4], samples: 320)
        take.bytes += Array(Take.json([:]).utf8) + Array("AVS1 and other garbage".utf8)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        #expect(
            times(node.sink("audio")).map { String($0.prefix { $0 != " " }) } == ["0.0", "20.0", "40.0", "50.0"])
        let events = node.events.map(\.what)
        #expect(events.count == 4)
        #expect(events[0] == "media_start_ms of a segment is -5, not a number from 0 to 1000000000")
        #expect(events[1] == "a segment of 10 samples of 1 ch has 20 bytes of payload, but 3 come")
        #expect(events[2] == "a segment says duration_ms 30 but holds 100 ms: what lies beyond is not played")
        #expect(events[3].hasPrefix("no message begins with the bytes 7b 7d 41 56; each begins with AVS1"))
    }

    @Test func damagedTakesNeverStopTheGraph() throws {
        var dice = Dice(seed: 21)
        var whole = Take()
        for sequence in 1...3 {
            whole.segment(["epoch": sequence, "segment_seq": sequence, "duration_ms": 80], frames: 2, samples: 1_280)
            whole.message(["type": "interrupt", "at_ms": sequence * 70])
        }
        for _ in 0..<150 {
            var take = whole
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                // Headers and JSON of each message are what damage changes most.
                let index = Int.random(in: 0..<(Bool.random(using: &dice) ? 140 : take.bytes.count), using: &dice)
                take.bytes[index] = UInt8.random(in: 0x20...0x7e, using: &dice)
            }
            let node = try harness(take)
            #expect(node.finish() == .finished)
            #expect(node.graph.isBalanced)
        }
    }

    @Test func aTakeThatEndsWithinASegmentPlaysWhatWasWhole() throws {
        var take = Take()
        take.segment(samples: 320)
        take.segment(samples: 1_600)
        take.bytes.removeLast(1_000)
        let node = try harness(take)
        #expect(node.finish() == .finished)
        #expect(node.sink("audio").received.count == 1)
        #expect(node.events.count == 1)
        #expect(node.events[0].what.hasSuffix("ends after 2200 of the 3200 bytes of a segment, which is dropped"))
    }

    @Test func noMoreSegmentsAreReadAheadThanAllowed() throws {
        var take = Take()
        for _ in 0..<8 { take.segment(samples: 1_600) }
        let node = try harness(take, ["ahead": 3])
        node.settle()
        #expect(node.context.counter("segments").count == 4)
        node.advance(by: .milliseconds(100))
        #expect(node.context.counter("segments").count == 5)
        #expect(node.finish() == .finished)
        #expect(node.sink("audio").received.last?.item.header.pts == .milliseconds(780))
    }

    @Test func theEndOfTheMicrophoneIsNotTheEndOfTheSegments() throws {
        var take = Take()
        take.segment(samples: 3_200)
        let node = try harness(take, unconnected: [])
        node.push(
            TestMedia.silence(format: TestMedia.audio(rate: 16_000, channels: 1), samples: 320, count: 3),
            into: "microphone")
        node.end("microphone")
        #expect(node.graph.run() == .finished)
        #expect(node.sink("audio").received.count == 10)
        #expect(node.context.counter("microphone_frames").count == 3)
    }

    @Test func aGraphThatStopsDoesNotWaitForTheSegments() throws {
        var take = Take()
        take.segment(samples: 160_000)
        let node = try harness(take)
        node.advance(by: .milliseconds(100))
        node.graph.stop()
        #expect(node.graph.run() == .stopped)
        #expect(node.sink("audio").received.count == 6)
    }

    static let wrong: [([String: ParameterValue], String)] = [
        ([:], "either socket or file says where segments come from"),
        (["socket": "a", "file": "b"], "either socket or file says where segments come from"),
        (["socket": "/nowhere"], "a socket is of no use in virtual time, which waits for nobody"),
        (["file": "/nowhere/take.avs"], "cannot open /nowhere/take.avs: No such file or directory"),
        (["file": "/tmp"], "/tmp is no regular file"),
    ]

    @Test(arguments: wrong) func aWrongPlaceIsAnErrorBeforeTheStart(
        _ parameters: [String: ParameterValue], _ message: String
    ) {
        let error = #expect(throws: GraphError.self) { _ = try NodeHarness(AVSegments.self, parameters: parameters) }
        #expect(error.map { "\($0)".contains(message) } == true)
    }
}
