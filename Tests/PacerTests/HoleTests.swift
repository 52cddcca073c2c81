import PacerPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct HoleTests {
    @Test func aLostItemIsConcealedToTheSample() throws {
        let rig = try Rig()
        rig.feed(50, from: 0, wave: tone)
        rig.sample += 960
        rig.feed(50, from: 1_020, wave: tone)
        rig.run(until: 2_200)
        let tape = rig.tape
        #expect(Rig.isExact(tape))
        #expect(rig.metric("concealed_samples") == 960 + 960 * rig.afterTheEnd(101))
        #expect(tape[49].s16 == (0..<960).map { tone(49 * 960 + $0) })
        // The hole sounds on, and is left without a click: within 5 ms the real samples are there.
        let hole = tape[50].s16
        #expect(hole.map { abs(Int($0)) }.max()! > 6_000)
        #expect(largestStep(Array(tape[49...51].flatMap(\.s16))) < 700)
        #expect(tape[51].s16[300...].elementsEqual((300..<960).map { tone(51 * 960 + $0) }))
        #expect(tape[52].s16 == (0..<960).map { tone(52 * 960 + $0) })
    }

    @Test func aHoleOfAPartOfAFrameIsFilledToTheSample() throws {
        let rig = try Rig()
        rig.feed(20, samples: 1_000, from: 0, every: 1_000.0 / 48, wave: tone)
        rig.sample += 240
        rig.feed(20, samples: 1_000, from: 430, every: 1_000.0 / 48, wave: tone)
        rig.harness.end()
        rig.harness.graph.runOut()
        #expect(rig.metric("concealed_samples") == 240)
        let heard = rig.tape.flatMap(\.s16)
        #expect(heard[20_240 + 300] == tone(20_240 + 300))
        #expect(heard[39_000] == tone(39_000))
    }

    @Test func aSourceThatStopsFadesOutAndIsSaidOnce() throws {
        let rig = try Rig()
        rig.feed(50, from: 0, wave: tone)
        rig.run(until: 3_000)
        let tape = rig.tape
        #expect(Rig.isExact(tape))
        // 100 ms of concealment, then silence.
        #expect(rig.metric("concealed_samples") == 4_800)
        #expect(rig.metric("silence_frames") == tape.count - 55)
        #expect(tape[55...].allSatisfy { $0.s16.allSatisfy { $0 == 0 } })
        #expect(largestStep(tape[45..<60].flatMap(\.s16)) < 700)
        #expect(rig.words == ["first frame", "its input ran dry; silence until media come"])
        // It goes on with honest timestamps: where they belong, on the same grid.
        rig.sample += 100 * 960
        rig.feed(150, from: 3_000, wave: tone)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.metric("timestamp_jumps") == 0)
        let back = rig.tape.first { $0.header.pts == .milliseconds(3_040) }!
        #expect(back.s16 == (0..<960).map { tone(152 * 960 + $0) })
        #expect(rig.words.last!.hasPrefix("media are back after"))
        #expect(rig.words.count == 3)
    }

    @Test func aSourceThatPausesLosesNothingAndGetsItsDepthBack() throws {
        let rig = try Rig()
        rig.feed(50, from: 0)
        // Two seconds later it goes on with the next timestamp.
        rig.feed(50, from: 3_000)
        rig.run(until: 4_050)
        let tape = rig.tape
        #expect(Rig.isExact(tape))
        // The first of them is blended in.
        let real = tape.filter { got in
            (50..<100).contains { number in
                got.s16.suffix(600).elementsEqual((360..<960).map { Int16(truncatingIfNeeded: number * 960 + $0) })
            }
        }
        #expect(real.count == 50)
        #expect(real.first?.at == Rig.at(3_060))
        #expect(tape.filter { $0.s16.contains { $0 != 0 } }.count == 50 + 5 + 50)
        #expect(rig.metric("late_items") + rig.metric("timestamp_jumps") <= 1)
    }

    @Test func aStutteringSourceIsSaidOnce() throws {
        let rig = try Rig(["target_depth_ms": .number(20)])
        for burst in 0..<20 {
            rig.feed(5, from: Double(burst) * 400, wave: tone)
        }
        rig.run(until: 8_000)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.words.filter { $0.contains("ran dry") }.count == 1)
        #expect(rig.metric("silence_frames") > 50)
    }

    @Test func anInterruptionEndsWithOneFadedFrame() throws {
        let rig = try Rig(["target_depth_ms": .number(200)])
        rig.epoch = 1
        rig.feed(50, from: 0, wave: tone)
        rig.harness.raiseEpoch()
        let now = rig.harness.now
        rig.run(until: 1_500)
        let after = rig.tape.filter { $0.at > now }
        #expect(Rig.isExact(rig.tape))
        let audible = after.filter { $0.s16.contains { $0 != 0 } }
        #expect(audible.count == 1)
        #expect(audible[0].s16.suffix(480).allSatisfy { $0 == 0 })
        #expect(largestStep(rig.tape.flatMap(\.s16)) < 700)
        #expect(after.allSatisfy { $0.header.epoch == 2 })
        // The next media wait until the depth is there again.
        rig.epoch = 2
        rig.feed(20, from: 1_505, wave: tone)
        #expect(rig.tape.filter { $0.at > Rig.at(1_500) }.first { $0.s16.contains { $0 != 0 } }?.at == Rig.at(1_720))
    }

    /// av-segments ends an interrupted turn with a piece of the new epoch that fades.
    @Test func theFadedRestOfAnInterruptedSegmentIsNotHeardBehindTheFade() throws {
        let rig = try Rig(["target_depth_ms": .number(60)])
        rig.epoch = 1
        rig.feed(50, from: 0, flags: .segmentStart, wave: tone)
        rig.harness.raiseEpoch()
        let now = rig.harness.now
        rig.epoch = 2
        rig.feed(1, from: 1_000, wave: tone)
        // A resampler before it held a little more.
        rig.feed(1, from: 1_020, wave: tone)
        rig.run(until: 1_500)
        let audible = rig.tape.filter { $0.at > now && $0.s16.contains { $0 != 0 } }
        #expect(audible.count == 1)
        // The next turn is heard whole.
        rig.feed(20, from: 1_505, flags: .segmentStart, wave: tone)
        rig.run(until: 2_200)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.tape.filter { $0.at > Rig.at(1_500) && $0.s16.contains { $0 != 0 } }.count >= 20)
    }
}

extension Rig {
    /// Frames of 20 ms that went out after the first `real` of them.
    func afterTheEnd(_ real: Int) -> Int { max(0, min(5, tape.count - real)) }
}
