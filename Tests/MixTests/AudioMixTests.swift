import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import MixPlugin

@Suite("audio-mix") struct AudioMixTests {
    private static let format = TestMedia.audio(rate: 8_000, channels: 2)

    /// Frames of 20 ms whose samples all are `value` of full scale.
    private func level(_ value: Double, _ milliseconds: Int, from start: Int = 0, format: MediaFormat = format)
        -> [MediaItem]
    {
        let samples = (format.audio?.rate ?? 0) / 50
        return TestMedia.pcm(format, samples: samples, first: start / 20, count: milliseconds / 20) { _ in value }
    }

    private func harness(
        _ ports: [String], _ parameters: [String: ParameterValue] = [:], announcing: [String: MediaFormat] = [:]
    ) throws -> NodeHarness<AudioMix> {
        let all = (1...16).map { "in\($0)" } + ["side"]
        return try NodeHarness(
            AudioMix.self, parameters: parameters, announcing: announcing,
            unconnected: Set(all).subtracting(ports))
    }

    private func mixed(_ harness: NodeHarness<AudioMix>) -> [AudioFrame] {
        harness.sink().received.compactMap { $0.item as? AudioFrame }
    }

    /// The first channel in thousandths of full scale, each frame's last sample.
    private func ends(_ harness: NodeHarness<AudioMix>) -> [Int] {
        mixed(harness).map { Int((Double($0.s16[($0.sampleCount - 1) * $0.layout.channels]) / 32.768).rounded()) }
    }

    @Test func oneInputPassesUnchanged() throws {
        let harness = try harness(["in1"])
        let audio = TestAudio.sine(rate: 48_000, frame: 777, count: 30)
        harness.push(audio.map { $0 as MediaItem }, into: "in1")
        #expect(harness.finish() == .finished)
        #expect(mixed(harness).flatMap { Array($0.s16) } == audio.flatMap { Array($0.s16) })
        #expect(Set(mixed(harness).dropLast().map(\.sampleCount)) == [960])
        #expect(harness.context.counter("clipped_samples").count == 0)
    }

    @Test func inputsAreAddedWithTheirGains() throws {
        let harness = try harness(["in1", "in7", "in16"], ["in7_gain_db": -20, "in16_mute": true])
        for port in ["in1", "in7", "in16"] { harness.push(level(0.2, 200), into: port) }
        harness.finish()
        #expect(ends(harness) == Array(repeating: 220, count: 10))
    }

    @Test func bothSampleFormatsMixAndEitherComesOut() throws {
        let floats = TestMedia.audio(.f32, rate: 8_000, channels: 2)
        let harness = try harness(["in1", "in2"], ["sample_format": "f32"])
        harness.push(level(0.25, 100), into: "in1")
        harness.push(level(0.5, 100, format: floats), into: "in2")
        harness.finish()
        #expect(mixed(harness).count == 5)
        #expect(mixed(harness).allSatisfy { frame in frame.f32.allSatisfy { abs($0 - 0.75) < 0.001 } })
        #expect(harness.sink().format == floats)
    }

    @Test func gainAndMuteChangeWhileItRunsWithoutAClick() throws {
        let harness = try harness(["in1"])
        harness.push(level(0.5, 100), into: "in1")
        harness.settle()
        harness.set("in1_gain_db", to: -6.0206)
        harness.push(level(0.5, 100, from: 100), into: "in1")
        harness.settle()
        harness.set("in1_mute", to: 1)
        harness.push(level(0.5, 100, from: 200), into: "in1")
        harness.settle()
        harness.set("in1_mute", to: 0)
        harness.push(level(0.5, 100, from: 300), into: "in1")
        harness.finish()
        let ends = ends(harness)
        #expect(ends.count == 20)
        #expect([4, 6, 9, 11, 14, 16, 19].map { ends[$0] } == [500, 250, 250, 0, 0, 250, 250], "\(ends)")
        let samples = mixed(harness).flatMap { frame in
            stride(from: 0, to: frame.s16.count, by: 2).map { Int(frame.s16[$0]) }
        }
        let steps = zip(samples, samples.dropFirst()).map { abs($0 - $1) }
        // A quarter of full scale over 160 samples.
        #expect((steps.max() ?? 0) < 120, "\(steps.max() ?? 0)")
    }

    @Test func whileSideIsHeardTheOthersAreHeldDown() throws {
        let harness = try harness(
            ["in1", "side"],
            ["duck_db": -20, "duck_attack_ms": 40, "duck_hold_ms": 100, "duck_release_ms": 200, "side_heard": false])
        harness.push(level(0.5, 2_000), into: "in1")
        // A second of silence, 300 ms of speech with a pause of 80 ms in it, silence.
        harness.push(level(0, 1_000), into: "side")
        harness.push(level(0.3, 100, from: 1_000), into: "side")
        harness.push(level(0, 80, from: 1_100), into: "side")
        harness.push(level(0.3, 120, from: 1_180), into: "side")
        harness.push(level(0, 700, from: 1_300), into: "side")
        harness.finish()
        let ends = ends(harness)
        #expect(Array(ends[0..<50]) == Array(repeating: 500, count: 50))
        #expect(abs(ends[50] - 160) <= 2 && ends[51..<69].allSatisfy { (50...51).contains($0) }, "\(ends)")
        // Back within 200 ms, behind the pause that is let pass.
        #expect(zip(ends[69..<80], ends[70..<80]).allSatisfy { $0 <= $1 } && ends[80] == 500, "\(ends)")
        #expect(Array(ends[80...]) == Array(repeating: 500, count: 20))
        #expect((400...640).contains(harness.context.counter("ducked_ms").count))
    }

    @Test func sideIsAPartOfTheSumUnlessItIsNotToBe() throws {
        for (isHeard, level) in [(true, 350), (false, 50)] {
            let harness = try harness(["in1", "side"], ["duck_db": -20, "side_heard": .boolean(isHeard)])
            harness.push(self.level(0.5, 400), into: "in1")
            harness.push(self.level(0.3, 400), into: "side")
            harness.finish()
            #expect(ends(harness).last == level)
        }
    }

    @Test func aMutedSideHoldsNobodyDown() throws {
        let harness = try harness(["in1", "side"], ["side_mute": true])
        harness.push(level(0.5, 200), into: "in1")
        harness.push(level(0.5, 200), into: "side")
        harness.finish()
        #expect(ends(harness) == Array(repeating: 500, count: 10))
    }

    @Test(arguments: [AudioLayout.SampleFormat.s16, .f32]) func aSumOverFullScaleIsHeldThereAndCounted(
        _ format: AudioLayout.SampleFormat
    )
        throws
    {
        let harness = try harness(["in1", "in2"], ["sample_format": .string(format.rawValue)])
        harness.push(level(0.8, 100), into: "in1")
        harness.push(level(0.8, 40), into: "in2")
        harness.finish()
        let first = try #require(mixed(harness).first)
        if format == .s16 {
            #expect(first.s16.allSatisfy { $0 == 32_767 })
        } else {
            #expect(first.f32.allSatisfy { $0 == 1 })
        }
        #expect(harness.context.counter("clipped_samples").count == 2 * 160 * 2)
        #expect(harness.events.filter { $0.what.contains("louder than full scale") }.count == 1)
    }

    @Test func samplesThatAreNoNumbersDoNotSpread() throws {
        let floats = TestMedia.audio(.f32, rate: 8_000, channels: 2)
        let harness = try harness(["in1", "in2"])
        harness.push(level(.nan, 100, format: floats), into: "in1")
        harness.push(level(0.5, 100), into: "in2")
        #expect(harness.finish() == .finished)
        #expect(ends(harness) == Array(repeating: 500, count: 5))
    }

    @Test func aSilentInputIsWaitedForAndThenLeftOut() throws {
        let harness = try harness(["in1", "in2"], ["max_wait_ms": 60])
        harness.push(level(0.5, 200), into: "in1")
        harness.advance(by: .milliseconds(59))
        #expect(mixed(harness).isEmpty)
        harness.advance(by: .milliseconds(1))
        harness.settle()
        #expect(mixed(harness).count == 10)
        harness.push(level(0.5, 100, from: 200), into: "in1")
        harness.settle()
        #expect(mixed(harness).count == 15)
    }

    @Test func anotherLayoutIsRefusedBeforeTheRunWithTheNodeThatHelps() throws {
        do {
            _ = try harness(
                ["in1", "in2"],
                announcing: ["in1": Self.format, "in2": TestMedia.audio(rate: 44_100, channels: 1)])
            Issue.record("it was taken")
        } catch {
            #expect("\(error)".contains("input in2 gets audio s16 44100 Hz 1 ch, another one s16 8000 Hz 2 ch"))
            #expect("\(error)".contains(#"{ "type": "audio-convert", "sample_rate": 8000, "channels": 2 }"#))
        }
    }

    @Test func withoutInputsItSaysWhatToDo() {
        do {
            _ = try harness([])
            Issue.record("it was taken")
        } catch { #expect("\(error)".contains("no input is connected")) }
    }
}

@Suite("Ducking") struct DuckingTests {
    @Test func itGoesDownWaitsAndComesBack() {
        var ducking = Ducking(.init(threshold: -40, attack: 20, release: 100, hold: 40))
        func follow(_ levels: [Double]) -> [Double] { levels.map { ducking.follow(level: $0, milliseconds: 10) } }
        #expect(follow([-60, -39, -39, -39]) == [0, 0.5, 1, 1])
        #expect(follow([-60, -60, -60]) == [1, 1, 1])
        let back = follow(Array(repeating: -60, count: 12))
        #expect(zip(back, back.dropFirst()).allSatisfy { $0 >= $1 } && back.last == 0 && back[0] == 0.9)
    }
}
