import PacerPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct BadInputTests {
    /// Grid, timestamps and frame lengths hold whatever came, and so does the balance of the edge.
    private func holds(_ rig: Rig) -> Bool {
        Rig.isExact(rig.tape) && rig.harness.graph.isBalanced && rig.harness.error == nil
    }

    @Test func aMinuteAtOnceLeavesWhatTheEdgeHoldsAndIsSaidOnce() throws {
        let rig = try Rig()
        rig.feed(20, from: 0, wave: tone)
        for _ in 0..<3_000 { rig.feed(1, from: 400, wave: tone) }
        rig.feed(200, from: 420, wave: tone)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") == 0)
        #expect(rig.metric("concealed_samples") == 0)
        #expect(rig.metric("dropped") > 2_900)
        #expect(rig.words.count == 2)
        #expect(rig.words[1].hasPrefix("more came than its edge holds; "))
        #expect(rig.words[1].hasSuffix(" items were dropped"))
    }

    @Test func aBlockingEdgeHoldsASourceThatSendsAsFastAsItCan() throws {
        let rig = try Rig(overflow: .block)
        for _ in 0..<3_000 { rig.feed(1, from: 0) }
        rig.run(until: 60_200)
        #expect(holds(rig))
        #expect(rig.tape.count >= 3_000)
        let heard = rig.tape.prefix(3_000)
        #expect(heard.enumerated().allSatisfy { $1.s16.first == Int16(truncatingIfNeeded: $0 * 960) })
        #expect(rig.metric("dropped") == 0)
        #expect(rig.metric("steering_ppm") == 0)
    }

    @Test func timestampsThatGoBackDoNotInterruptTheAudio() throws {
        let rig = try Rig()
        rig.feed(50, from: 0)
        rig.feed(50, from: 1_000, pts: .milliseconds(-5_000))
        rig.run(until: 2_050)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        #expect(rig.tape.count == 100)
        #expect(rig.words == ["first frame", "timestamps went back by 6.000 s; the audio goes on without a hole"])
    }

    @Test func timestampsThatJumpAheadDoNotInterruptTheAudio() throws {
        let rig = try Rig()
        rig.feed(50, from: 0)
        rig.feed(50, from: 1_000, pts: .milliseconds(3_600_000))
        rig.run(until: 2_050)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        #expect(
            rig.words == ["first frame", "timestamps jumped ahead by 3599.000 s; the audio goes on without a hole"])
    }

    @Test func timestampsThatRepeatAreSaidOnce() throws {
        let rig = try Rig()
        for index in 0..<200 { rig.feed(1, from: Double(index) * 20, pts: .milliseconds(100)) }
        rig.run(until: 4_050)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        #expect(rig.metric("timestamp_jumps") == 199)
        #expect(rig.words == ["first frame", "timestamps went back by 0.020 s; the audio goes on without a hole"])
    }

    @Test func timestampsAtTheEndsOfTheirRangeDoNotTrap() throws {
        let rig = try Rig()
        let ticks: [Int64] = [0, .max, .min + 1, .max - 7, -1, .max / 2, .min / 2, 5]
        for (index, time) in (ticks + ticks + ticks).enumerated() {
            rig.feed(1, from: Double(index) * 20, pts: MediaTime(ticks: time))
        }
        rig.run(until: 1_000)
        #expect(holds(rig))
    }

    @Test func mediaWithoutTimestampsAreHeard() throws {
        let rig = try Rig()
        for index in 0..<50 { rig.feed(1, from: Double(index) * 20, pts: MediaTime.none) }
        rig.run(until: 1_050)
        #expect(holds(rig))
        #expect(rig.tape.enumerated().allSatisfy { $1.s16.first == Int16(truncatingIfNeeded: $0 * 960) })
    }

    @Test func anotherRateOrNumberOfChannelsInMidStreamKeepsTheGrid() throws {
        let rig = try Rig(format: TestMedia.audio(.s16, channels: 1))
        rig.feed(20, samples: 1_000, from: 0, every: 20.8, wave: tone)
        rig.format = TestMedia.audio(.s16, rate: 44_100, channels: 2)
        rig.sample = 0
        rig.feed(20, samples: 882, from: 420, wave: tone)
        rig.format = TestMedia.audio(.f32, rate: 44_100, channels: 2)
        rig.run(until: 1_500)
        #expect(holds(rig))
        let counts = rig.tape.compactMap { ($0.item as? AudioFrame)?.sampleCount }
        #expect(Set(counts) == [960, 882])
        #expect(counts == counts.sorted(by: >))
        #expect(rig.words.contains("the audio changed to audio s16 44100 Hz 2 ch; the grid goes on"))
    }

    @Test func aRateWithoutWholeFramesInMidStreamFailsWithAdvice() throws {
        let rig = try Rig(["frame_ms": 2.5])
        rig.feed(20, samples: 120, from: 0, every: 2.5)
        rig.format = TestMedia.audio(.s16, rate: 44_100, channels: 1)
        rig.feed(20, samples: 441, from: 50, every: 10)
        rig.run(until: 300)
        #expect("\(rig.harness.error!)".contains("a frame of 2.500 ms is no whole number of samples at 44100 Hz"))
    }

    @Test func emptyItemsAreLeftOutAndSaidOnce() throws {
        let rig = try Rig()
        rig.feed(3, samples: 0, from: 0)
        for index in 0..<50 {
            rig.feed(1, from: 100 + Double(index) * 20)
            rig.feed(1, samples: 0, from: 100 + Double(index) * 20)
        }
        rig.run(until: 1_150)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        #expect(rig.words == ["an item without media came; such items are left out", "first frame"])
    }

    @Test func halfFramesAreJoined() throws {
        let rig = try Rig()
        rig.feed(100, samples: 480, from: 0, every: 10)
        rig.run(until: 1_040)
        #expect(holds(rig))
        #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        #expect(rig.tape.flatMap(\.s16).enumerated().allSatisfy { $1 == Int16(truncatingIfNeeded: $0) })
    }

    @Test func aClockThatIsFarOffIsSaid() throws {
        let rig = try Rig()
        // 1 % slow: more than resampling follows.
        rig.feed(3_000, from: 0, every: 20.2, wave: tone)
        #expect(holds(rig))
        #expect(rig.words.contains { $0.contains("ppm off, more than the 1000 that resampling follows") })
    }
}
