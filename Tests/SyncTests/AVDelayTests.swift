import Glibc
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SyncPlugin

/// `av-delay` on a stream that runs in virtual time.
@Suite struct AVDelayTests {
    static let step = Interval.milliseconds(20)

    /// One frame of 20 ms at a time, sent when its end has come.
    final class Line {
        let harness: NodeHarness<AVDelay>
        private(set) var sent: [MediaItem] = []
        private(set) var received: [(item: MediaItem, at: Instant)] = []

        init(_ parameters: [String: ParameterValue]) throws {
            harness = try NodeHarness(AVDelay.self, parameters: parameters)
            harness.settle()
        }

        func feed(_ items: [MediaItem], every interval: Interval = AVDelayTests.step) {
            for item in items {
                harness.push(item)
                harness.advance(by: interval)
                sent.append(item)
                collect()
            }
        }

        func collect() { while let item = harness.pull() { received.append((item, harness.now)) } }

        func finish() -> GraphHarness.Outcome {
            let outcome = harness.finish()
            collect()
            return outcome
        }

        func metric(_ name: String) -> Int { harness.context.counter(name).count }
        var samplesIn: Int { sent.compactMap { ($0 as? AudioFrame)?.sampleCount }.reduce(0, +) }
        var samplesOut: Int { received.compactMap { ($0.item as? AudioFrame)?.sampleCount }.reduce(0, +) }
        /// The first channel, one frame behind the other.
        var audio: [Double] {
            received.compactMap { $0.item as? AudioFrame }.flatMap { frame in
                (0..<frame.sampleCount).map { frame.sample($0 * frame.layout.channels) }
            }
        }
        func report(excess: Double, delta: Double = 1, turn: Double = 0, late: Double = 1) {
            harness.send(
                ["turn_seq": turn, "excess_video_lag_ms": excess, "jitter_buffer_delta_ms": delta, "likely": late],
                to: "feedback")
            harness.settle()
        }
    }

    /// Frames of a sine with the first of each `length` frames beginning a segment.
    static func audio(
        count: Int, segment: Int, format: MediaFormat = TestMedia.audio(), first: Int = 0
    ) -> [AudioFrame] {
        let samples = format.audio!.rate / 50
        let frames = TestMedia.sine(440, format: format, samples: samples, first: first, count: count)
        for (index, frame) in frames.enumerated() where index % segment == 0 {
            frame.header.flags.insert(.segmentStart)
        }
        return frames
    }

    @Test func withoutADelayTheVeryItemsPass() throws {
        let line = try Line([:])
        line.feed(AVDelayTests.audio(count: 20, segment: 5))
        #expect(line.received.count == 20)
        #expect(zip(line.sent, line.received).allSatisfy { $0 === $1.item })
    }

    @Test(arguments: [AudioLayout.SampleFormat.s16, .f32], [8_000, 44_100, 48_000])
    func samplesOutAreSamplesInAndInsertedLessCut(_ samples: AudioLayout.SampleFormat, _ rate: Int) throws {
        let line = try Line([:])
        let format = TestMedia.audio(samples, rate: rate, channels: 2)
        line.report(excess: 250)
        let audio = AVDelayTests.audio(count: 60, segment: 10, format: format)
        line.feed(Array(audio[..<30]))
        line.report(excess: 40)
        line.feed(Array(audio[30...]))
        #expect(line.finish() == .finished)
        let (inserted, cut) = (line.metric("inserted_samples"), line.metric("cut_samples"))
        // To 160 ms before the first audio, which needs no silence, then to 250; back to 90 and to 40.
        #expect(inserted == 90 * rate / 1_000)
        #expect(cut == 160 * rate / 1_000 + 50 * rate / 1_000)
        #expect(line.samplesOut == line.samplesIn + inserted - cut)
    }

    @Test func timesGrowByTheDelayAndItemsLeaveThatMuchLater() throws {
        let line = try Line(["follow": "value", "target_ms": 100])
        line.feed(AVDelayTests.audio(count: 30, segment: 1_000))
        _ = line.finish()
        #expect(line.received.count == 30)
        for (index, (item, _)) in line.received.enumerated() {
            #expect(item.header.pts == .milliseconds(Int64(index * 20 + 100)))
            #expect(item.header.duration == .milliseconds(20))
        }
        // Pushed at 20 ms × n.
        #expect(
            line.received[..<24].enumerated().allSatisfy {
                $1.at == Instant(nanoseconds: Int64($0 * 20 + 100) * 1_000_000)
            })
    }

    @Test func whatIsPutInAndCutOutDoesNotClick() throws {
        let line = try Line(["follow": "value", "target_ms": 0])
        line.feed(AVDelayTests.audio(count: 20, segment: 10))
        line.harness.set("target_ms", to: 130)
        line.feed(AVDelayTests.audio(count: 20, segment: 10, first: 20))
        line.harness.set("target_ms", to: 33)
        line.feed(AVDelayTests.audio(count: 20, segment: 10, first: 40))
        _ = line.finish()
        let audio = line.audio
        #expect(line.metric("inserted_samples") == 130 * 48)
        #expect(line.metric("cut_samples") == 97 * 48)
        // A 440 Hz sine of 0.5 at 48 kHz steps by at most 0.029; a fade of 240 samples adds 0.5 / 240.
        let steps = zip(audio, audio.dropFirst()).map { abs($0 - $1) }
        #expect(steps.max()! < 0.034)
        // And there is silence in between.
        let silence = audio.split(whereSeparator: { $0 != 0 }).map(\.count).max() ?? 0
        #expect((130 * 48 - 260...130 * 48).contains(silence))
        // Times go on without a hole or an overlap.
        for (a, b) in zip(line.received, line.received.dropFirst()) {
            #expect(b.item.header.pts == a.item.header.pts + a.item.header.duration)
        }
    }

    @Test func aHoleInTimeGrowsAndNothingIsPutIn() throws {
        let line = try Line([:])
        let first = AVDelayTests.audio(count: 10, segment: 10)
        let second = AVDelayTests.audio(count: 10, segment: 10, first: 10)
        for frame in second { frame.header.pts += .milliseconds(300) }
        line.feed(first)
        line.report(excess: 100)
        line.feed(second)
        _ = line.finish()
        #expect(line.metric("inserted_samples") == 0)
        #expect(line.received[10].item.header.pts == .milliseconds(200 + 300 + 100))
        #expect(line.samplesOut == line.samplesIn)
    }

    @Test func theTailIsPlayedAtTheEndAndThrownAwayByANewEpoch() throws {
        let line = try Line(["follow": "value", "target_ms": 120])
        line.feed(AVDelayTests.audio(count: 20, segment: 1_000))
        #expect(line.received.count == 15)
        #expect(line.finish() == .finished)
        #expect(line.received.count == 20)

        let other = try Line([:])
        other.report(excess: 120)
        let audio = AVDelayTests.audio(count: 30, segment: 1_000)
        for frame in audio { frame.header.epoch = 1 }
        other.feed(Array(audio[..<20]))
        #expect(other.received.count == 15)
        #expect(other.metric("delay_ms") == 120)
        other.harness.raiseEpoch()
        other.harness.settle()
        for frame in audio[20...] { frame.header.epoch = 2 }
        other.feed(Array(audio[20...]))
        #expect(other.finish() == .finished)
        #expect(other.metric("delay_ms") == 0)
        #expect(other.received.count == 25)
        #expect(
            other.received.map(\.item.header.epoch) == Array(repeating: 1, count: 15) + Array(repeating: 2, count: 10))
        #expect(other.samplesOut == other.samplesIn - other.metric("cut_samples"))
    }

    @Test func anotherSampleRateBeginsAt0() throws {
        let line = try Line([:])
        line.report(excess: 100)
        line.feed(AVDelayTests.audio(count: 10, segment: 1_000))
        line.feed(AVDelayTests.audio(count: 10, segment: 1_000, format: TestMedia.audio(rate: 16_000), first: 10))
        #expect(line.metric("delay_ms") == 0)
        #expect(line.metric("target_ms") == 0)
        #expect(line.received.last?.item.header.pts == .milliseconds(19 * 20))
        #expect(line.finish() == .finished)
    }

    @Test func smoothModeReachesTheTargetWithoutAStepAndCountsWhatItMade() throws {
        let line = try Line(["follow": "value", "target_ms": 60, "mode": "smooth", "slew_ms_per_s": 30])
        line.feed(AVDelayTests.audio(count: 150, segment: 10))
        #expect(line.metric("delay_ms") == 60)
        line.harness.set("target_ms", to: 20)
        line.feed(AVDelayTests.audio(count: 150, segment: 10, first: 150))
        #expect(line.metric("delay_ms") == 20)
        #expect(line.finish() == .finished)
        let (inserted, cut) = (line.metric("inserted_samples"), line.metric("cut_samples"))
        #expect(inserted == 60 * 48)
        #expect(cut == 40 * 48)
        #expect(line.samplesOut == line.samplesIn + inserted - cut)
        let steps = zip(line.audio, line.audio.dropFirst()).map { abs($0 - $1) }
        #expect(steps.max()! < 0.031)
        for (a, b) in zip(line.received, line.received.dropFirst()) {
            #expect(b.item.header.pts == a.item.header.pts + a.item.header.duration)
        }
    }

    /// A tone of 1 kHz while the delay grows and while it falls: what is heard is another tone, and nothing beside it.
    @Test(arguments: [20.0, 200], [AudioLayout.SampleFormat.s16, .f32])
    func movingSmoothlyLeavesNoDistortion(slew: Double, sampleFormat: AudioLayout.SampleFormat) throws {
        let line = try Line(["follow": "value", "mode": "smooth", "slew_ms_per_s": .number(slew)])
        let tone = TestAudio.sine(1_000, format: sampleFormat, count: 400)
        line.feed(Array(tone[..<20]))
        line.harness.set("target_ms", to: 800)
        line.feed(Array(tone[20..<210]))
        line.harness.set("target_ms", to: 0)
        line.feed(Array(tone[210...]))
        #expect(line.finish() == .finished)
        let audio = line.audio
        // It moves for 3.8 s of audio that comes in, each way.
        let moving = Int(3.8 * 48_000 * (1 - slew / 1_000))
        func worst(from first: Int, hertz: Double) -> Double {
            stride(from: first + 9_600, to: first + moving - 9_600, by: 28_800).map {
                distortionDecibels(Array(audio[$0..<$0 + 4_800]), hertz: hertz, rate: 48_000)
            }.max()!
        }
        // Output samples: those of 20 frames, then of 190 more and what was put in.
        let inserted = 3_800 * slew / 1_000 * 48
        let up = worst(from: 20 * 960, hertz: 1_000 / (1 + slew / 1_000))
        let down = worst(from: 210 * 960 + Int(inserted), hertz: 1_000 / (1 - slew / 1_000))
        #expect(up < -80 && down < -80, "THD+N \(decimal(up, places: 1)) and \(decimal(down, places: 1)) dB")
        // The filter's last samples lie before an end that it knows nothing of.
        let steps = zip(audio, audio.dropFirst()).dropLast(16).map { abs($0 - $1) }
        let most = 0.4 * 2 * .pi * 1_000 / 48_000 / (1 - slew / 1_000) * 1.001 + 2e-4
        #expect(steps.max()! < most, "at \(steps.firstIndex { $0 >= most } ?? 0) of \(steps.count)")
    }

    @Test func picturesAreHeldAndThoseThatWouldGoBackAreLeftOut() throws {
        let line = try Line(["follow": "value", "target_ms": 100])
        let pictures = TestMedia.pictures(TestMedia.video(rate: .init(50)), count: 120)
        line.feed(Array(pictures[..<60]))
        line.harness.set("target_ms", to: 0)
        line.feed(Array(pictures[60...]))
        _ = line.finish()
        let times = line.received.map(\.item.header.pts)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        #expect(times.first == .milliseconds(100))
        #expect(line.metric("cut_pictures") == 5)
        #expect(line.received.count == 120 - 5)
        #expect(TestMedia.number(of: line.received[7].item) == 7)
        #expect(line.received.last?.item === pictures.last)
    }

    /// A whole file at once: the line holds no more than the delay, and the end is reached.
    @Test func aSourceThatIsFasterThanRealTimeDoesNotFillTheLine() throws {
        let line = try Line(["follow": "value", "target_ms": 160])
        line.harness.push(AVDelayTests.audio(count: 3_000, segment: 10_000))
        line.harness.settle()
        line.collect()
        #expect(line.received.count == 3_000 - 8)
        #expect(line.finish() == .finished)
        #expect(line.received.count == 3_000)
    }

    @Test func feedbackIsCountedAsTakenOrIgnored() throws {
        let line = try Line([:])
        line.report(excess: 100)
        line.report(excess: 100, late: 0)
        line.report(excess: .nan)
        line.report(excess: 100, turn: 77)
        line.report(excess: 100, turn: 1)
        line.report(excess: 100, turn: .infinity)
        #expect(line.metric("feedback_taken") == 3)
        #expect(line.metric("feedback_ignored") == 3)
    }

    /// Times that are unknown, repeat, jump and overflow; durations that lie; empty frames.
    @Test(arguments: ["step", "smooth"], 0..<20)
    func senselessMediaDoNotCrashIt(_ mode: String, _ seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        let line = try Line(["follow": "value", "mode": .string(mode), "target_ms": 150])
        for _ in 0..<200 {
            let rate = [48_000, 48_000, 48_000, 44_100].randomElement(using: &dice)!
            let format = TestMedia.audio(
                dice.next() % 2 == 0 ? .s16 : .f32, rate: rate, channels: 1 + Int(dice.next() % 3))
            let frame = AudioFrame(format: format, sampleCount: Int(dice.next() % 2_000))
            frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: dice.next()))
            frame.header.pts = MediaTime(
                ticks: [.min, .max, .max - 5, 0, -1, Int64(dice.next() % 1_000_000_000)].randomElement(using: &dice)!)
            frame.header.duration = MediaTime(ticks: [.min, .max, -5, 0, 14_112_000].randomElement(using: &dice)!)
            frame.header.flags = MediaItem.Header.Flags(rawValue: UInt16(truncatingIfNeeded: dice.next()) & 31)
            line.harness.push(frame)
            line.harness.set("target_ms", to: Double(dice.next() % 1_000))
            line.harness.advance(by: .milliseconds(Int64(dice.next() % 50)))
        }
        #expect(line.finish() == .finished)
        #expect(!line.received.isEmpty)
    }
}
