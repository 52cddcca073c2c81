@_spi(Host) import Sluice
import Testing

@testable import FlowPlugin

extension FlowSuite {
    @Suite struct MeterTests {
        private func meter(_ script: [Feed.Entry], _ parameters: [String: ParameterValue] = [:], through: Bool) throws
            -> Bench.Result
        {
            try Bench.run(
                script,
                SessionPlan(
                    nodes: [Bench.node("feed", Feed.self), Bench.node("meter", Meter.self, parameters)]
                        + (through ? [Bench.node("tape", Tape.self)] : []),
                    edges: [Bench.edge("feed", "meter")] + (through ? [Bench.edge("meter", "tape")] : [])))
        }

        @Test func aSteadyStreamIsMeasuredAndPassesUnchanged() throws {
            let result = try meter(Bench.stream(501), through: true)
            #expect(result.tape().count == 501)
            #expect(result.metric("meter", "items") == 501)
            #expect(result.metric("meter", "gaps") == 0)
            #expect(result.metric("meter", "items_per_s") == 50)
            // 960 samples of two bytes, fifty times a second.
            #expect(result.metric("meter", "kbps") == 770)
            let lines = result.events.filter { $0.node == "meter" }.map(\.what)
            #expect(lines.count == 10)
            // Figures that come again and again are metrics, and no events.
            #expect((result.report["events"] as? [Any])?.isEmpty == true)
            #expect(
                lines.allSatisfy { $0.hasPrefix("50.0 items/s, 768.0 kb/s, peak ") || $0.hasPrefix("51.0 items/s") })
        }

        @Test func itEndsTheStreamWhereNothingFollows() throws {
            let result = try meter(Bench.stream(10), ["every_s": .number(0)], through: false)
            #expect(result.metric("meter", "items") == 10)
            #expect(result.events.filter { $0.node == "meter" }.isEmpty)
        }

        @Test func missingMediaAreCountedAsGaps() throws {
            var script = Bench.stream(100)
            script.removeSubrange(40..<45)
            script.remove(at: 10)
            let result = try meter(script, through: false)
            #expect(result.metric("meter", "gaps") == 2)
            #expect(result.metric("meter", "gap_ms") == 120)
        }
    }
}

@Suite struct MeasureTests {
    @Test func theLevelOfASineIsThreeDecibelsUnderItsPeak() {
        let frame = AudioFrame(format: MediaFormat(audio: AudioLayout(.f32, rate: 48_000, channels: 1)), sampleCount: 4)
        for (index, value) in [Float(0), 0.5, 0, -0.5].enumerated() { frame.f32[index] = value }
        var level = LevelMeasure()
        level.note(frame)
        #expect(abs(level.total.peakDecibels + 6.02) < 0.01)
        #expect(abs(level.total.rmsDecibels + 9.03) < 0.01)
    }

    @Test func silenceHasAFloorAndFullScaleIsZero() {
        let frame = AudioFrame(format: MediaFormat(audio: AudioLayout(.s16, rate: 48_000, channels: 1)), sampleCount: 2)
        frame.s16[0] = 0
        frame.s16[1] = 0
        var level = LevelMeasure()
        level.note(frame)
        #expect(level.total.peakDecibels == LevelMeasure.floor)
        frame.s16[1] = .min
        level.note(frame)
        #expect(level.total.peakDecibels == 0)
    }

    @Test func jitterIsTheDifferenceFromTheTimestamps() {
        var flow = FlowMeasure()
        var header = MediaItem.Header(pts: .zero, dts: .zero, duration: .milliseconds(20))
        #expect(flow.note(header, bytes: 1, at: Instant(nanoseconds: 0)) == FlowMeasure.Arrival(drift: .zero))
        header.dts = .milliseconds(20)
        let arrival = flow.note(header, bytes: 1, at: Instant(nanoseconds: 23_000_000))
        #expect(arrival == FlowMeasure.Arrival(interval: 23_000, jitter: 3_000, drift: .milliseconds(3)))
    }

    @Test func driftIsCountedFromTheFirstItemAndAnewAfterAJump() {
        var flow = FlowMeasure()
        func drift(_ media: Int64, _ arrival: Int64) -> Interval? {
            let header = MediaItem.Header(
                pts: .milliseconds(media), dts: .milliseconds(media), duration: .milliseconds(20))
            return flow.note(header, bytes: 1, at: Instant(nanoseconds: arrival * 1_000_000)).drift
        }
        #expect(drift(0, 100) == .zero)
        #expect(drift(20, 125) == .milliseconds(5))
        #expect(drift(40, 133) == .milliseconds(-7))
        #expect(drift(5_000, 150) == .zero)
        #expect(drift(5_020, 171) == .milliseconds(1))
    }
}
