import Sluice
import SluiceTesting
import Testing

/// Hands on each stretch as a frame of the sum of its inputs, mono.
private final class Adding: Node {
    static let descriptor = NodeDescriptor("test-adding", summary: "Adds", traits: .joins)
    let inputs = (1...3).map { Input<AudioFrame>("in\($0)", .rawAudio, optional: true) }
    let output = Output<AudioFrame>("out", .rawAudio)
    @Parameter("max_wait_ms", default: 100, help: "of silence") var wait: Int
    private var context: NodeContext!
    private var stretches: Stretches!
    private var pool = Pool<AudioFrame>()

    func prepare(_ context: NodeContext) throws {
        self.context = context
        stretches = try Stretches(inputs, length: .milliseconds(20), maxWait: .milliseconds(Int64(wait)))
    }

    func process(now: Instant) throws {
        while output.hasRoom, try stretches.next(now: now, context: context) {
            let layout = stretches.layout!
            let format = MediaFormat(audio: AudioLayout(.s16, rate: layout.rate, channels: 1))
            let frame = pool.take(format, sampleCount: stretches.sampleCount)
            frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            for index in inputs.indices {
                for piece in stretches.pieces(of: index) {
                    for number in 0..<piece.count {
                        frame.s16[piece.place + number] += piece.frame.s16[piece.first + number]
                    }
                }
            }
            frame.header = stretches.header
            output.send(frame)
        }
    }

    func finish(now: Instant) throws -> Bool {
        try process(now: now)
        if !stretches.isOver { context.wakeAgain() }
        return stretches.isOver
    }
}

@Suite("Stretches") struct StretchTests {
    private static let format = TestMedia.audio(rate: 8_000, channels: 1)

    /// Frames whose every sample is `value`, `samples` long each, from `start` ms on.
    private func frames(
        _ value: Int16, samples: Int, count: Int, start: Double = 0, clock: UInt16 = 0, epoch: UInt32 = 0,
        format: MediaFormat = StretchTests.format
    ) -> [MediaItem] {
        (0..<count).map { number -> MediaItem in
            let frame = AudioFrame(format: format, sampleCount: samples)
            for index in frame.s16.indices { frame.s16[index] = value }
            frame.header.pts =
                .seconds(start / 1_000) + MediaTime(Int64(number * samples), timescale: Int64(frame.layout.rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            frame.header.sourceClock = clock
            frame.header.epoch = epoch
            return frame
        }
    }

    private func harness(unconnected: Set<String> = ["in3"], wait: Int = 100) throws -> NodeHarness<Adding> {
        try NodeHarness(Adding.self, parameters: ["max_wait_ms": .integer(wait)], unconnected: unconnected)
    }

    private func received(_ harness: NodeHarness<Adding>) -> [AudioFrame] {
        harness.sink().received.compactMap { $0.item as? AudioFrame }
    }
    private func samples(_ frames: [AudioFrame]) -> [Int16] { frames.flatMap { Array($0.s16) } }
    /// How long each value lasts, in samples.
    private func runs(_ samples: [Int16]) -> [[Int]] {
        var runs: [[Int]] = []
        for sample in samples {
            if runs.last?[0] == Int(sample) { runs[runs.count - 1][1] += 1 } else { runs.append([Int(sample), 1]) }
        }
        return runs
    }

    @Test func framesOfAnySizeBecomeEqualStretches() throws {
        let harness = try harness()
        harness.push(frames(1, samples: 37, count: 100), into: "in1")
        harness.push(frames(10, samples: 1_000, count: 4), into: "in2")
        #expect(harness.finish() == .finished)
        let out = received(harness)
        // 3,700 and 4,000 samples.
        #expect(out.map(\.sampleCount) == Array(repeating: 160, count: 25))
        #expect(runs(samples(out)) == [[11, 3_700], [10, 300]])
        #expect(out.map(\.header.pts) == (0..<25).map { .milliseconds(20 * $0) })
        #expect(out.allSatisfy { $0.header.duration == .milliseconds(20) })
    }

    @Test func theLastStretchEndsWithTheInputs() throws {
        let harness = try harness()
        harness.push(frames(1, samples: 100, count: 5), into: "in1")
        harness.push(frames(10, samples: 100, count: 2), into: "in2")
        #expect(harness.finish() == .finished)
        #expect(received(harness).map(\.sampleCount) == [160, 160, 160, 20])
        #expect(runs(samples(received(harness))) == [[11, 200], [1, 300]])
    }

    @Test func inputsLieOnEachOtherByTheirTimes() throws {
        let harness = try harness()
        harness.push(frames(1, samples: 160, count: 10, start: 5_000), into: "in1")
        harness.push(frames(10, samples: 160, count: 5, start: 5_030), into: "in2")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[1, 240], [11, 800], [1, 560]])
        #expect(received(harness)[0].header.pts == .milliseconds(5_000))
    }

    @Test func aHoleIsSilenceAndAHoleOfAllIsLeftOut() throws {
        let harness = try harness()
        let (a, b) = (frames(1, samples: 160, count: 10), frames(10, samples: 160, count: 10))
        harness.push(a[0..<2] + a[5..<10], into: "in1")
        harness.push(b[0..<3] + b[5..<10], into: "in2")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[11, 320], [10, 160], [11, 800]])
        #expect(received(harness).map(\.header.pts) == [0, 1, 2, 5, 6, 7, 8, 9].map { .milliseconds(20 * $0) })
    }

    @Test func aSilentInputIsWaitedForAtMostSoLongAndSaidOnce() throws {
        let harness = try harness()
        harness.push(frames(1, samples: 160, count: 100), into: "in1")
        harness.settle()
        #expect(received(harness).isEmpty)
        harness.advance(by: .milliseconds(99))
        #expect(received(harness).isEmpty)
        harness.advance(by: .milliseconds(1))
        harness.settle()
        #expect(received(harness).count == 100)
        #expect(harness.events.filter { $0.what.contains("input in2 sent nothing for 100 ms") }.count == 1)
        // Nothing waits for it any more until it speaks.
        harness.push(frames(1, samples: 160, count: 200).suffix(100), into: "in1")
        harness.settle()
        #expect(received(harness).count == 200)
    }

    @Test func lateAudioIsHeardLateAndNotLost() throws {
        let harness = try harness()
        let (a, b) = (frames(1, samples: 160, count: 40), frames(10, samples: 160, count: 20))
        harness.push(a[0..<5], into: "in1")
        harness.push(b[0..<5], into: "in2")
        harness.settle()
        harness.push(a[5..<15], into: "in1")
        harness.advance(by: .milliseconds(100))
        #expect(received(harness).count == 15)
        // 200 ms late.
        harness.push(b[5..<20], into: "in2")
        harness.push(a[15..<40], into: "in1")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[11, 800], [1, 1_600], [11, 2_400], [1, 1_600]])
        #expect(harness.events.filter { $0.what.contains("in2 comes 200 ms too late") }.count == 1)
    }

    @Test func anotherClockBeginsWhereItComes() throws {
        let harness = try harness()
        harness.push(frames(1, samples: 160, count: 10, start: 1_000, clock: 1), into: "in1")
        harness.push(frames(10, samples: 160, count: 10, start: 7_200_000, clock: 2), into: "in2")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[11, 1_600]])
        #expect(received(harness)[0].header.pts == .milliseconds(1_000))
        #expect(received(harness).allSatisfy { $0.header.sourceClock == 1 })
    }

    /// Files that are read as fast as they are taken: the one that begins later comes first here.
    @Test(arguments: ["in1", "in2"]) func clocksOnWhichNoTimePassesAreOne(late: String) throws {
        let harness = try harness()
        let unpaced: UInt16 = 1 << 15
        harness.push(
            frames(10, samples: 160, count: 10, start: 2_000, clock: unpaced | (late == "in1" ? 1 : 2)), into: late)
        harness.push(
            frames(1, samples: 160, count: 150, clock: unpaced | (late == "in1" ? 2 : 1)),
            into: late == "in1" ? "in2" : "in1")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[1, 16_000], [11, 1_600], [1, 6_400]])
        #expect(received(harness)[0].header.pts == .zero)
    }

    @Test func aLeapOfTheTimesHoldsNobodyUp() throws {
        for leap in [3_600_000.0, -3_600_000, 90_000_000] {
            let harness = try harness()
            harness.push(frames(1, samples: 160, count: 20), into: "in1")
            harness.push(
                frames(10, samples: 160, count: 10) + frames(10, samples: 160, count: 10, start: 200 + leap),
                into: "in2")
            harness.finish()
            #expect(runs(samples(received(harness))) == [[11, 3_200]], "\(leap)")
            #expect(harness.error == nil)
        }
    }

    @Test func anInterruptionDropsWhatWasHeldAndStampsTheHighestEpoch() throws {
        let harness = try harness()
        // One frame of a second: half of it is still held.
        harness.push(frames(10, samples: 8_000, count: 1, epoch: 1), into: "in2")
        harness.push(frames(1, samples: 160, count: 25, epoch: 1), into: "in1")
        harness.settle()
        #expect(received(harness).count == 25)
        harness.raiseEpoch(to: 2)
        harness.push(frames(1, samples: 160, count: 50, epoch: 2).suffix(25), into: "in1")
        harness.end("in2")
        harness.finish()
        #expect(runs(samples(received(harness))) == [[11, 4_000], [1, 4_000]])
        #expect(
            received(harness).map(\.header.epoch) == Array(repeating: 1, count: 25) + Array(repeating: 2, count: 25))
    }

    @Test func otherRatesAndLayoutsAreRefusedWithTheNodeThatHelps() throws {
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        let stereo = TestMedia.audio(rate: 48_000, channels: 2)
        let announced = message {
            _ = try NodeHarness(
                Adding.self, announcing: ["in1": StretchTests.format, "in2": stereo], unconnected: ["in3"])
        }
        #expect(announced.contains("input in2 gets audio s16 48000 Hz 2 ch, another one s16 8000 Hz 1 ch"))
        #expect(
            announced.contains(
                #"Put { "type": "audio-convert", "sample_rate": 8000, "channels": 1 } before it."#), "\(announced)")
        let harness = try harness()
        harness.push(frames(1, samples: 160, count: 10), into: "in1")
        harness.push(frames(10, samples: 160, count: 10, format: stereo), into: "in2")
        #expect(harness.finish() == .failed)
        #expect("\(harness.error!)".contains("input in2 gets audio s16 48000 Hz 2 ch"))
    }

    @Test func anythingMayComeAndNothingTraps() throws {
        var state: UInt64 = 7
        func random(_ range: ClosedRange<Int64>) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return range.lowerBound + Int64(state >> 33) % (range.upperBound - range.lowerBound + 1)
        }
        for _ in 0..<50 {
            let harness = try harness(unconnected: [])
            for port in ["in1", "in2", "in3"] {
                let items = (0..<20).map { _ -> MediaItem in
                    let frame = AudioFrame(format: StretchTests.format, sampleCount: Int(random(0...900)))
                    frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
                    switch random(0...9) {
                    case 0: frame.header.pts = .none
                    case 1: frame.header.pts = MediaTime(ticks: .max - random(0...10))
                    case 2: frame.header.pts = MediaTime(ticks: .min + 1 + random(0...10))
                    default: frame.header.pts = .milliseconds(random(-1_000...100_000))
                    }
                    frame.header.sourceClock = UInt16(random(0...3))
                    if random(0...3) == 0 { frame.header.flags = .discontinuity }
                    return frame
                }
                harness.push(items, into: port)
                harness.advance(by: .milliseconds(random(0...300)))
            }
            #expect(harness.finish() == .finished)
            let out = received(harness)
            #expect(zip(out, out.dropFirst()).allSatisfy { $0.header.pts < $1.header.pts })
        }
    }
}
