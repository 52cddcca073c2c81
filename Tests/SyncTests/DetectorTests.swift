import Glibc
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SyncPlugin

@Suite struct ChirpDetectorTests {
    /// The marks heard in audio that `sample` makes, index counting samples.
    private func heard(_ seconds: Double, rate: Int = 48_000, _ sample: (Int) -> Double) -> [ChirpDetector.Chirp] {
        var ears = ChirpDetector(start: .milliseconds(1_000), rate: rate)
        return (0..<Int(seconds * Double(rate))).compactMap { ears.note(sample($0)) }
    }

    /// A chirp as `calibration` makes it.
    private func burst(_ index: Int, at start: Int, milliseconds: Int, rate: Int, gain: Double = 1) -> Double {
        let (position, count) = (index - start, rate * milliseconds / 1_000)
        guard (0..<count).contains(position) else { return 0 }
        let envelope = min(1, Double(min(position, count - 1 - position)) / Double(rate / 200))
        return gain * Chirp.amplitude * envelope * sin(2 * .pi * 1_800 * Double(position) / Double(rate))
    }

    @Test(arguments: [8_000, 16_000, 44_100, 48_000, 96_000], [60, 66, 80, 200])
    func aChirpIsFoundWhereItBegins(_ rate: Int, _ milliseconds: Int) {
        for start in [rate, rate + 7, rate * 5 / 4 + rate / 333] {
            let found = heard(2.5, rate: rate) { burst($0, at: start, milliseconds: milliseconds, rate: rate) }
            #expect(found.count == 1)
            guard let chirp = found.first else { continue }
            let expected = 1_000 + Double(start) * 1_000 / Double(rate)
            #expect(abs(chirp.time.milliseconds - expected) < 1.5)
            #expect(abs(chirp.length.milliseconds - Double(milliseconds)) < 8)
            #expect(chirp.clarity > 0.9)
        }
    }

    @Test(arguments: [1, 0.1, 0.02]) func loudnessDoesNotMatter(_ gain: Double) {
        let found = heard(2) { burst($0, at: 50_000, milliseconds: 80, rate: 48_000, gain: gain) }
        #expect(found.count == 1)
        #expect((found.first?.clarity ?? 0) > 0.9)
    }

    @Test func noiseAsLoudAsTheChirpHalvesItsClarity() {
        var dice = Dice(seed: 3)
        for (decibels, range) in [(-20.0, 0.9...1.0), (-6, 0.7...0.9), (0, 0.35...0.58), (6, 0...0.3)] {
            let level = Chirp.amplitude / 2.squareRoot() * pow(10, decibels / 20)
            let found = heard(2) {
                burst($0, at: 50_000, milliseconds: 80, rate: 48_000) + level * normal(&dice)
            }
            #expect(found.count <= 1)
            #expect(range.contains(found.first?.clarity ?? 0), "\(decibels) dB: \(found)")
        }
    }

    @Test func tonesNoiseAndClicksAreNoChirps() {
        var dice = Dice(seed: 5)
        #expect(heard(3) { _ in 0.3 * normal(&dice) }.isEmpty)
        #expect(heard(3) { 0.5 * sin(2 * .pi * 1_800 * Double($0) / 48_000) }.isEmpty)
        #expect(heard(3) { $0 < 48_000 ? 0 : 0.5 * sin(2 * .pi * 1_800 * Double($0) / 48_000) }.isEmpty)
        #expect(heard(3) { 0.5 * sin(2 * .pi * 1_000 * Double($0) / 48_000) }.isEmpty)
        #expect(heard(3) { $0 % 24_000 == 0 ? 1 : 0 }.isEmpty)
        #expect(heard(3) { _ in 0 }.isEmpty)
        #expect(heard(3) { [Double.nan, .infinity, -.infinity, 1e300][$0 % 4] }.isEmpty)
    }
}

/// Of mean 0 and variance 1, near enough to normal: the sum of twelve uniform numbers less six.
func normal(_ dice: inout Dice) -> Double {
    (0..<12).reduce(-6.0) { sum, _ in sum + Double(dice.next() >> 11) / Double(1 << 53) }
}

@Suite struct FlashDetectorTests {
    private func seen(_ magenta: [Double]) -> [FlashDetector.Flash] {
        var eyes = FlashDetector()
        return magenta.enumerated().compactMap {
            eyes.note(magenta: $1, at: .milliseconds(Int64($0 * 40)))
        }
    }

    @Test func aFlashBeginsAtItsFirstPicture() {
        let found = seen([0, 0.02, 0, 0.9, 0.95, 0.05, 0])
        #expect(found == [FlashDetector.Flash(time: .milliseconds(120), clarity: found.first?.clarity ?? 0)])
        #expect((found.first?.clarity ?? 0) > 0.9)
    }

    @Test func aFlashThatCodingHasHalvedIsSeenAndWorthHalf() {
        let found = seen([0, 0, 0.5, 0.45, 0, 0])
        #expect(found.count == 1)
        #expect(abs((found.first?.clarity ?? 0) - 0.5) < 0.01)
    }

    @Test func aPictureThatIsMagentaByItselfIsNone() {
        #expect(seen([0, 0] + Array(repeating: 0.9, count: 20)).isEmpty)
        #expect(seen(Array(repeating: 0.9, count: 20)).isEmpty)
        // And it hides a flash rather than feigning one elsewhere.
        #expect(seen(Array(repeating: 0.9, count: 20) + [1, 1] + Array(repeating: 0.9, count: 5)).isEmpty)
        #expect(seen([0.2, 0.4, 0.3, 0.1, 0.25, 0.3, 0.05, 0.2]).isEmpty)
    }
}

@Suite struct OffsetEstimateTests {
    /// Marks every 2 s, each with the offset given; nil for a flash that no chirp goes with.
    private func estimate(
        _ offsets: [Double?], clarity: Double = 0.95, every seconds: Double = 2
    ) -> (OffsetEstimate, [OffsetEstimate.Result?]) {
        var estimate = OffsetEstimate(range: .milliseconds(450))
        var results: [OffsetEstimate.Result?] = []
        for (index, offset) in offsets.enumerated() {
            let time = MediaTime.seconds(1 + Double(index) * seconds)
            estimate.note(FlashDetector.Flash(time: time, clarity: 1))
            if let offset {
                estimate.note(
                    ChirpDetector.Chirp(
                        time: time - .seconds(offset / 1_000), length: .milliseconds(80), clarity: clarity))
            }
            let now = time + .milliseconds(1_000)
            _ = estimate.judge(videoUpTo: now, audioUpTo: now)
            results.append(estimate.result)
        }
        return (estimate, results)
    }

    @Test func onePairIsNotBelievedAndTwoThatAgreeAre() {
        let (_, results) = estimate([120, 122, 118])
        #expect(results.map { ($0?.confidence ?? 0) > 0.6 } == [false, true, true])
        #expect(results.last??.offset == 120)
    }

    @Test func outliersCountAgainstTheConfidenceAndNotInTheOffset() {
        let (_, results) = estimate([100, 101, -200, 99, 100, 350])
        #expect(abs((results.last??.offset ?? 0) - 100) <= 1)
        #expect(abs((results.last??.confidence ?? 0) - 0.95 * 4 / 6) < 0.01)
    }

    @Test func marksThatAreOnlySeenLowerTheConfidence() {
        let (estimate, results) = estimate([100, 100, 100, nil, nil, nil, nil])
        #expect(results.map { ($0?.confidence ?? 0) > 0.6 } == [false, true, true, true, false, false, false])
        #expect(estimate.unpaired == 4)
        #expect(self.estimate([nil, nil]).1 == [nil, nil])
    }

    @Test func anOffsetThatChangedIsBelievedAfterTwoMarks() {
        let (_, results) = estimate([100, 100, 100, 250, 250])
        #expect(results.last??.offset == 250)
        #expect((results.last??.confidence ?? 0) > 0.6)
    }

    @Test(arguments: [-200.0, 0, 50, 200]) func driftIsTheSlopeOfTheOffsets(_ ppm: Double) {
        let (_, results) = estimate((0..<20).map { 40 + ppm * Double($0) * 2 / 1_000 + [0.3, -0.3, 0][$0 % 3] })
        #expect(abs((results.last??.drift ?? 1e9) - ppm) < 10)
        #expect(results[2]?.drift == nil)
    }
}

@Suite struct CalibrationDetectorTests {
    /// Rates of 1 Hz and 384 kHz, jumps, audio of NaN, pictures of one pixel: nothing is found, and nothing crashes.
    @Test(arguments: 0..<10) func senselessMediaDoNotCrashIt(_ seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        let harness = try NodeHarness(CalibrationDetector.self)
        let times: [Int64] = [.min, .max, .min + 1, 0, -1, 705_600_000]
        for _ in 0..<200 {
            let isVideo = dice.next() % 2 == 0
            let item: MediaItem
            if isVideo {
                let size = [1, 2, 49, 64].randomElement(using: &dice)!
                let format = TestMedia.video(size, size, VideoLayout.PixelFormat.allCases.randomElement(using: &dice)!)
                item = TestMedia.pictures(TestMedia.video(64, 48), count: 1)[0]
                let frame = VideoFrame(format: format)
                frame.plane(0).update(repeating: UInt8(truncatingIfNeeded: dice.next()), count: frame.byteCount)
                frame.header = item.header
                harness.push(frame, into: "video")
            } else {
                let rate = [1, 7_999, 8_000, 44_101, 48_000, 384_000, 500_000].randomElement(using: &dice)!
                let frame = AudioFrame(
                    format: TestMedia.audio(.f32, rate: rate, channels: 1 + Int(dice.next() % 3)),
                    sampleCount: Int(dice.next() % 3_000))
                let value = [Float.nan, .infinity, 1, -1e30].randomElement(using: &dice)!
                for index in frame.f32.indices { frame.f32[index] = value }
                frame.header.pts = MediaTime(ticks: times.randomElement(using: &dice)!)
                frame.header.duration = MediaTime(ticks: times.randomElement(using: &dice)!)
                harness.push(frame, into: "audio")
            }
            harness.settle()
            _ = (harness.pullAll(from: "video"), harness.pullAll(from: "audio"))
        }
        #expect(harness.finish() == .finished)
        #expect(harness.value(of: "offset_ms") == nil)
        #expect(harness.events.contains { $0.what.hasPrefix("does not hear chirps in audio f32 ") })
    }

    @Test func holesInTimeAndOtherEpochsAreSurvivedAndMarksFoundAgain() throws {
        let harness = try NodeHarness(CalibrationDetector.self)
        // Two stretches of the marked stream, an hour of media time apart.
        for stretch in 0..<2 {
            let shift = MediaTime.seconds(Double(stretch) * 3_600)
            let marker = try NodeHarness(Calibration.self, parameters: ["every_s": 1])
            for second in 0..<4 {
                for frame in TestMedia.pictures(
                    TestMedia.video(160, 120, rate: .init(25)), first: second * 25, count: 25)
                { marker.push(frame, into: "video") }
                for frame in TestMedia.silence(first: second * 50, count: 50) { marker.push(frame, into: "audio") }
                marker.settle()
            }
            #expect(marker.finish() == .finished)
            for port in ["video", "audio"] {
                for item in marker.pullAll(from: port) {
                    item.header.pts += shift
                    item.header.dts += shift
                    item.header.epoch = UInt32(stretch + 1)
                    harness.push(item, into: port)
                }
            }
            harness.settle()
            harness.raiseEpoch(to: UInt32(stretch + 2))
        }
        #expect(harness.finish() == .finished)
        #expect(harness.context.counter("offset_ms").count == 0)
        #expect(harness.context.counter("marks").count >= 4)
    }
}
