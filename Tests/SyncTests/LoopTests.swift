import Sluice
import SluiceTesting
import Testing

@testable import SyncPlugin

/// The whole way with the real codecs, in virtual time.
@Suite struct LoopTests {
    @Test(arguments: ["vp8", "h264"], [-300, -200, -100, 0, 100, 200, 300])
    func anOffsetIsMeasuredWithin10MillisecondsAndRemovedWithin5Seconds(_ codec: String, _ offset: Int) throws {
        let harness = try Loop(seconds: 6.5, offset: offset, codec: codec).run()
        harness.advance(to: Instant(nanoseconds: 5_000_000_000))
        let measured = harness.metric("offset_ms", of: "measure")
        #expect(abs(measured - offset) <= 10)
        #expect(harness.metric("confidence_percent", of: "measure") >= 60)
        // Removed: what was measured is what one of them holds back.
        let removed = harness.metric("delay_ms", of: "delay-audio") - harness.metric("delay_ms", of: "delay-video")
        #expect(abs(removed - offset) <= 10)
        // The marks after that, seen and heard behind both delays, are together.
        #expect(harness.run() == .finished)
        #expect(harness.metric("confidence_percent", of: "check") >= 60)
        #expect(abs(harness.metric("offset_ms", of: "check")) <= 10)
    }

    @Test func everyMarkIsADataItemAtItsTime() throws {
        let harness = try Loop(seconds: 14, offset: 120).run()
        #expect(harness.run() == .finished)
        let told = harness.sink("events").takeAll().compactMap { $0 as? DataItem }
        #expect(told.count >= 11, "\(told.count) of 14 marks")
        #expect(told.allSatisfy { $0.format == OffsetEvent.format && $0.header.epoch == 1 })
        #expect(told.map { $0["marks"]?.integer ?? 0 } == Array(1...told.count))
        // The first alone is not believed, and a drift needs 10 s.
        #expect(told.first?["believed"] == false && told.last?["believed"] == true)
        #expect(told.first?["drift_ppm"] == nil && told.last?["drift_ppm"] != nil)
        #expect(told.last?["half_marks"] == 0 && (told.last?["confidence"]?.number ?? 0) > 0.6)
        for item in told { #expect(abs((item["offset_ms"]?.number ?? .nan) - 120) <= 10) }
        // A mark a second, each told with the time of its flash.
        for (earlier, later) in zip(told, told.dropFirst()) {
            #expect(abs((later.header.pts - earlier.header.pts).milliseconds - 1_000) < 50)
        }
        let names = Set(OffsetEvent.schema.fields.map(\.name))
        #expect(told.allSatisfy { $0.fields.allSatisfy { names.contains($0.key) } })
    }

    /// 40 ms of jitter and one packet in a hundred lost, of each medium: some marks are damaged, the offset is not.
    @Test func aBadNetworkDoesNotChangeWhatIsMeasured() throws {
        let network = Impairment.Settings(delay: .milliseconds(60), jitter: .milliseconds(40), loss: 0.01)
        let harness = try Loop(seconds: 15, offset: -150, network: network).run()
        let edges = [1, 2].compactMap { harness.node("network\($0)") as? ImpairedEdge }
        #expect(harness.run() == .finished)
        #expect(edges.count == 2 && edges.allSatisfy { $0.impairment.lost > 0 })
        #expect(harness.metric("confidence_percent", of: "measure") >= 60)
        #expect(abs(harness.metric("offset_ms", of: "measure") + 150) <= 10)
        #expect(harness.metric("delay_ms", of: "delay-video") >= 140)
    }

    @Test func driftIsMeasured() throws {
        let harness = try Loop(seconds: 20, offset: 60, ppm: 1_000).run()
        #expect(harness.run() == .finished)
        #expect(abs(harness.metric("drift_ppm", of: "measure") - 1_000) < 150)
    }

    @Test func underNoiseAsLoudAsTheChirpTheConfidenceFallsAndNothingIsCorrected() throws {
        let harness = try Loop(seconds: 8, offset: 200, noise: 0).run()
        #expect(harness.run() == .finished)
        // Half of the energy is the chirp's.
        #expect((35..<60).contains(harness.metric("confidence_percent", of: "measure")))
        #expect(harness.metric("delay_ms", of: "delay-audio") == 0)
        #expect(harness.metric("delay_ms", of: "delay-video") == 0)
        #expect(harness.metric("inserted_samples", of: "delay-audio") == 0)
        let said = harness.events.filter { $0.node == "measure" }.map(\.what)
        #expect(said.count == 1)
        #expect(said.first?.contains("is below 0.60") == true)
        #expect(said.first?.hasSuffix("nothing is corrected") == true)
    }

    @Test func whenNoiseComesLaterTheConfidenceFallsAndWhatWasCorrectedStays() throws {
        let harness = try Loop(seconds: 14, offset: 120, noise: 3, noiseFrom: 6).run()
        harness.advance(to: Instant(nanoseconds: 5_500_000_000))
        let before = harness.metric("delay_ms", of: "delay-audio")
        #expect(abs(before - 120) <= 10)
        #expect(harness.run() == .finished)
        #expect(harness.metric("confidence_percent", of: "measure") < 60)
        #expect(harness.metric("delay_ms", of: "delay-audio") == before)
        #expect(
            harness.events.filter { $0.node == "measure" }.map { $0.what.prefix(10) } == ["audio is 1", "confidence"])
    }

    @Test func withoutMarksNothingIsMeasured() throws {
        let harness = try NodeHarness(CalibrationDetector.self)
        harness.push(TestMedia.pictures(count: 90), into: "video")
        harness.push(TestMedia.sine(count: 150), into: "audio")
        #expect(harness.finish() == .finished)
        #expect(harness.context.counter("marks").count == 0)
        #expect(harness.value(of: "offset_ms") == nil)
        #expect(harness.value(of: "confidence") == nil)
        #expect(harness.pullAll(from: "video").count == 90)
        #expect(harness.pullAll(from: "audio").count == 150)
    }
}
