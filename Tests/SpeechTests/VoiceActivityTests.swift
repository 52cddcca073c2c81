import Sluice
import SluiceTesting
import Testing

@testable import SpeechPlugin

@Suite struct VoiceActivityTests {
    private func harness(_ parameters: [String: ParameterValue] = [:]) throws -> NodeHarness<VoiceActivity> {
        try NodeHarness(
            VoiceActivity.self, parameters: parameters,
            capacity: EdgePolicy.Capacity(items: 10_000, milliseconds: 600_000),
            registry: ScriptedEngine().registry)
    }

    private func seconds(_ items: [MediaItem]) -> [ClosedRange<Double>] {
        var ranges: [ClosedRange<Double>] = []
        for frame in items.compactMap({ $0 as? AudioFrame }) {
            let (start, end) = (frame.header.pts.seconds, (frame.header.pts + frame.sampleDuration).seconds)
            if !frame.header.flags.contains(.discontinuity), let last = ranges.last {
                ranges[ranges.count - 1] = last.lowerBound...end
            } else {
                ranges.append(start...end)
            }
        }
        return ranges
    }

    @Test(arguments: [(8_000, 1), (16_000, 1), (48_000, 2), (44_100, 2)])
    func eachUtteranceComesOutWithItsPreRollWhateverTheRate(rate: Int, channels: Int) throws {
        let harness = try harness()
        let frames = Loudness.frames(milliseconds: 6_000, rate: rate, channels: channels) {
            1_000..<2_000 ~= $0 || 4_000..<4_500 ~= $0
        }
        harness.push(frames)
        #expect(harness.finish() == .finished)
        let out = harness.pullAll(from: "out")
        #expect(zip(out, frames).allSatisfy { $0 === $1 } && out.count == frames.count)
        let spoken = seconds(harness.pullAll(from: "speech"))
        try #require(spoken.count == 2)
        for (range, wanted) in zip(spoken, [0.7...2.2, 3.7...4.7]) {
            #expect(abs(range.lowerBound - wanted.lowerBound) < 0.04)
            #expect(abs(range.upperBound - wanted.upperBound) < 0.04)
        }
        #expect(harness.requests(of: "started") == 2)
        #expect(harness.requests(of: "ended") == 2)
        #expect(harness.value(of: "speaking") == 0)
    }

    @Test func samplesOfSpeechAreThoseThatCame() throws {
        let harness = try harness()
        let frames = Loudness.frames(milliseconds: 3_000) { 1_000..<2_000 ~= $0 }
        harness.push(frames)
        harness.finish()
        let all = frames.flatMap { Array($0.s16) }
        let spoken = harness.pullAll(from: "speech").compactMap { $0 as? AudioFrame }
        #expect(spoken.first?.header.flags.contains(.discontinuity) == true)
        #expect(spoken.dropFirst().allSatisfy { !$0.header.flags.contains(.discontinuity) })
        let first = Int(spoken[0].header.pts.rescaled(to: 16_000))
        let samples = spoken.flatMap { Array($0.s16) }
        let isSame = samples == Array(all[first..<first + samples.count])
        #expect(isSame)
    }

    @Test func aFenceStandsBehindEachUtteranceWhenItIsKnownToBeOver() throws {
        let harness = try harness()
        let frames = Loudness.frames(milliseconds: 4_000) { 1_000..<2_000 ~= $0 }
        var told: [Int: String] = [:]
        for (index, frame) in frames.enumerated() {
            harness.push(frame)
            harness.settle()
            if harness.requests(of: "started") > 0 { told[index * 20 + 20] = "started" }
            if harness.requests(of: "ended") > 0 { told[index * 20 + 20] = "ended" }
        }
        // Two windows of speech, and the rest of the frame; 500 ms of silence.
        #expect(told.count == 2)
        #expect(told.contains { $0.value == "started" && 1_060...1_100 ~= $0.key })
        #expect(told.contains { $0.value == "ended" && 2_500...2_560 ~= $0.key })
        #expect(harness.node.speech.isFencePassed)
    }

    @Test func aSilenceWithinAnUtteranceIsHandedOutWhenItGoesOn() throws {
        let harness = try harness(["hang_over_ms": 800])
        harness.push(Loudness.frames(milliseconds: 4_000) { 1_000..<1_500 ~= $0 || 2_000..<2_500 ~= $0 })
        harness.finish()
        let spoken = seconds(harness.pullAll(from: "speech"))
        #expect(spoken.count == 1)
        #expect(abs((spoken.first?.upperBound ?? 0) - 2.7) < 0.04)
    }

    @Test func theHangOverMayChangeWhileTheGraphRuns() throws {
        let harness = try harness()
        harness.push(Loudness.frames(milliseconds: 500) { _ in false })
        harness.settle()
        harness.set("hang_over_ms", to: 2_000)
        harness.push(
            Loudness.frames(milliseconds: 5_000, from: .milliseconds(500)) { $0 < 500 || 2_000..<2_500 ~= $0 })
        harness.finish()
        #expect(seconds(harness.pullAll(from: "speech")).count == 1)
    }

    @Test func aShortHoleIsSilenceAndALongOneEndsTheUtterance() throws {
        let short = try harness()
        short.push(Loudness.frames(milliseconds: 1_000) { $0 >= 500 })
        short.push(Loudness.frames(milliseconds: 1_000, from: .milliseconds(1_200)) { $0 < 500 })
        short.finish()
        #expect(short.requests(of: "started") == 1)
        let long = try harness()
        long.push(Loudness.frames(milliseconds: 1_000) { $0 >= 500 })
        long.push(Loudness.frames(milliseconds: 1_000, from: .milliseconds(2_000)) { $0 < 500 })
        long.finish()
        #expect(long.requests(of: "started") == 2)
        #expect(long.requests(of: "ended") == 2)
        #expect(seconds(long.pullAll(from: "speech")).count == 2)
    }

    @Test func anotherEpochEndsTheUtterance() throws {
        let harness = try harness()
        let frames = Loudness.frames(milliseconds: 2_000) { $0 >= 500 }
        harness.push(Array(frames.prefix(50)))
        harness.settle()
        harness.raiseEpoch()
        for frame in frames.dropFirst(50) { frame.header.epoch = harness.epoch }
        harness.push(Array(frames.dropFirst(50)))
        harness.finish()
        #expect(harness.requests(of: "started") == 2)
    }

    @Test func silenceCostsTheDetectorNothing() throws {
        let harness = try harness()
        harness.push(Loudness.frames(milliseconds: 2_000) { _ in false })
        harness.finish()
        #expect(harness.context.counter("heard_ms").count == 0)
        #expect(harness.context.counter("quiet_ms").count >= 1_900)
    }

    @Test func aReleaseAboveTheThresholdIsRefused() {
        #expect { try harness(["threshold": 0.3, "release": 0.6]) } throws: {
            "\($0)".contains("Let release be the lower one")
        }
    }
}
