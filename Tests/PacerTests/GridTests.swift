import PacerPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct GridTests {
    @Test func tenMinutesOfASourceOnThisClockStayOnTheGridToTheBit() throws {
        let rig = try Rig()
        rig.feed(600 * 50, from: 0)
        rig.run(until: 600_050)
        let tape = rig.tape
        #expect(tape.count == 30_000)
        #expect(Rig.isExact(tape))
        #expect(tape.first?.at == Rig.at(60))
        #expect(tape.first?.header.pts == .zero)
        for (index, got) in tape.enumerated() where index % 997 == 0 {
            #expect(got.s16 == (0..<960).map { Int16(truncatingIfNeeded: index * 960 + $0) })
        }
        #expect(rig.metric("silence_frames") == 0)
        #expect(rig.metric("concealed_samples") == 0)
        #expect(rig.metric("sent") == 30_000)
        #expect(rig.metric("steering_ppm") == 0)
    }

    @Test func anArrivingItemWakesNobody() throws {
        let rig = try Rig()
        rig.feed(5, from: 0)
        while rig.tape.count < 2 { _ = rig.harness.step() }
        for _ in 0..<20 {
            rig.feed(1, from: rig.harness.now.nanoseconds.milliseconds)
            #expect(rig.harness.step() == .timer)
        }
    }

    @Test func itCutsAnyItemsIntoFramesToTheSample() throws {
        for (samples, milliseconds) in [(1_024, 20.0), (441, 10.0), (37, 2.5), (4_800, 60.0), (1_152, 20.0)] {
            let rig = try Rig(["frame_ms": .number(milliseconds)], items: 4_000, milliseconds: 2_000)
            let count = 60 * 1_024 / samples + 3
            rig.feed(count, samples: samples, from: 0, every: Double(samples) / 48)
            rig.harness.end()
            rig.harness.graph.runOut()
            let tape = rig.tape
            let frame = Int(milliseconds * 48)
            let total = count * samples
            #expect(tape.count == (total + frame - 1) / frame)
            #expect(Rig.isExact(tape, milliseconds: milliseconds))
            let heard = tape.flatMap(\.s16)
            #expect(heard.prefix(total).elementsEqual((0..<total).map { Int16(truncatingIfNeeded: $0) }))
            #expect(rig.metric("silence_frames") == 0)
            #expect(rig.metric("concealed_samples") == 0)
            #expect(rig.harness.graph.outcome == .finished)
        }
    }

    @Test func theDepthIsWhatWasAskedFor() throws {
        for depth in [20.0, 100, 400] {
            let rig = try Rig(["target_depth_ms": .number(depth)])
            rig.feed(100, from: 7)
            #expect(rig.tape.first?.at == Rig.at(7 + depth))
            // The rest when a frame has gone is one frame less than the wait.
            #expect(abs(Double(rig.metric("depth_ms")) - (depth - 20)) <= 20)
            #expect(rig.metric("silence_frames") == 0)
        }
        let rig = try Rig(["start_depth_ms": .number(200)])
        rig.feed(20, from: 0)
        #expect(rig.tape.first?.at == Rig.at(200))
    }

    @Test func aDepthThatTheEdgeCannotHoldIsRefused() throws {
        let error = #expect(throws: (any Error).self) { try Rig(["target_depth_ms": 2_000]) }
        #expect("\(error!)".contains("a depth of 2000 ms is wanted, and the edge before it holds 1000 ms"))
        #expect("\(error!)".contains("Give the edge a capacity of 2220 ms or more, or lower the depth."))
    }

    @Test func aDepthOfNothingIsOneFrame() throws {
        let rig = try Rig(["target_depth_ms": .number(0)])
        rig.feed(50, from: 0)
        #expect(rig.tape.first?.at == Rig.at(20))
        #expect(rig.metric("concealed_samples") == 0)
    }

    @Test func whatIsLeftIsPlayedOutInTimeAndTheLastFrameFadesOut() throws {
        let rig = try Rig(overflow: .block)
        for _ in 0..<12 { rig.feed(1, samples: 1_000, from: 0) { _ in 4_000 } }
        rig.harness.end()
        rig.harness.graph.runOut()
        let tape = rig.tape
        #expect(tape.count == 13)
        #expect(Rig.isExact(tape))
        let last = tape.last!.s16
        #expect(last[479] == 4_000)
        #expect(last[480...].max()! <= 4_001 && abs(Int(last.last!)) < 20)
        #expect(largestStep(last) < 400)
        #expect(rig.harness.graph.outcome == .finished)
    }

    @Test func anInputThatEndsAtOnceSendsNothing() throws {
        let rig = try Rig()
        #expect(rig.harness.finish() == .finished)
        #expect(rig.tape.isEmpty)
    }

    @Test func aRateWithoutWholeFramesIsRefusedWithAdvice() throws {
        let error = #expect(throws: (any Error).self) {
            try Rig(["frame_ms": .number(2.5)], format: TestMedia.audio(.s16, rate: 44_100, channels: 1))
        }
        #expect("\(error!)".contains("a frame of 2.500 ms is no whole number of samples at 44100 Hz"))
        #expect("\(error!)".contains("Choose another frame_ms"))
    }

    @Test func manySpreadTheirPhasesOverTheFrame() throws {
        var graph = GraphBuilder()
        PacerPlugin.provideServices(to: graph.registry)
        for index in 0..<40 {
            graph.node("source\(index)", TestSource.self)
            graph.node("pacer\(index)", Pacer.self, ["status_s": .number(0)])
            graph.node("sink\(index)", TestSink.self)
            graph.edge("source\(index).out -> pacer\(index).in", items: 50, milliseconds: 1_000)
            graph.edge("pacer\(index).out -> sink\(index).in", items: 50, milliseconds: 1_000)
        }
        let harness = try GraphHarness(graph)
        for index in 0..<40 { harness.source("source\(index)").push(TestMedia.silence(count: 10)) }
        harness.advance(by: .milliseconds(200))
        var phases: [Int64: Int] = [:]
        for index in 0..<40 {
            phases[harness.sink("sink\(index)").received[0].at.nanoseconds % 20_000_000, default: 0] += 1
        }
        // Twenty phases, a millisecond apart, two or three pacers on each.
        #expect(phases.count == 20)
        #expect(phases.keys.allSatisfy { $0 % 1_000_000 == 0 })
        #expect(phases.values.max()! <= 3)
    }

    @Test func aLineTellsEveryTenSecondsHowItIs() throws {
        let rig = try Rig(["status_s": .number(10)])
        rig.feed(50 * 25, from: 0)
        #expect(rig.words.count == 3)
        #expect(rig.words.first == "first frame")
        #expect(
            rig.words.last
                == "1001 sent, 0 silence, 0 samples concealed, 0 dropped; drift 0 ppm, depth 40 ms, late p99 0 us")
    }
}

extension Int64 {
    fileprivate var milliseconds: Double { Double(self) / 1e6 }
}
