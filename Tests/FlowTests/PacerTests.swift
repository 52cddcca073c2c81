import Sluice
import Testing

@testable import FlowPlugin

extension FlowSuite {
    @Suite struct PacerTests {
        let frame = MediaTime.milliseconds(20)

        private func isExact(_ tape: [Tape.Got], step: MediaTime, interval: Interval) -> Bool {
            zip(tape, tape.dropFirst()).allSatisfy { a, b in
                b.header.pts - a.header.pts == step && b.at - a.at == interval && b.header.duration == step
            }
        }

        @Test func tenMinutesStayOnTheGridToTheSample() throws {
            let items = 600 * 50
            let result = try Bench.pace(Bench.stream(items))
            let tape = result.tape()
            #expect(tape.count == items)
            #expect(isExact(tape, step: frame, interval: .milliseconds(20)))
            #expect(tape.first?.at == Instant(nanoseconds: 20_000_000))
            #expect(tape.last?.at == Instant(nanoseconds: 20_000_000 * Int64(items)))
            #expect(result.metric("pacer", "silence_frames") == 0)
            #expect(result.metric("pacer", "sent") == items)
            #expect(result.outcome == .finished)
        }

        @Test func itWakesOncePerTick() throws {
            let result = try Bench.pace(Bench.stream(3_000))
            let wakeups = result.node("pacer")["wakeups"] as? Int ?? 0
            // Beside the ticks: the start, the first item, the end of the input.
            #expect(wakeups <= 3_000 + 3)
        }

        @Test func itCutsAnyItemsIntoFramesToTheSample() throws {
            for (samples, milliseconds) in [(1_024, 20.0), (441, 10.0), (37, 2.5), (4_800, 60.0), (1_152, 20.0)] {
                let count = 60 * 1_024 / samples + 3
                let result = try Bench.pace(
                    Bench.stream(count, samples: samples), ["frame_ms": .number(milliseconds)],
                    capacity: EdgeCapacity(items: 200, milliseconds: 1_000))
                let tape = result.tape()
                let frameSamples = Int(milliseconds * 48)
                let total = count * samples
                #expect(tape.count == (total + frameSamples - 1) / frameSamples)
                #expect(tape.allSatisfy { $0.samples.count == frameSamples })
                let heard = tape.flatMap(\.samples)
                #expect(heard.prefix(total).elementsEqual(wave(total, itemsOf: samples)))
                #expect(heard.dropFirst(total).allSatisfy { $0 == 0 })
                #expect(result.metric("pacer", "silence_frames") == 0)
            }
        }

        /// What `Feed` writes: each item counts up from the index of its first sample.
        private func wave(_ total: Int, itemsOf samples: Int) -> [Int16] {
            (0..<total).map {
                Int16(truncatingIfNeeded: $0 / samples * samples) &+ Int16(truncatingIfNeeded: $0 % samples)
            }
        }

        @Test func silenceFillsWhatDoesNotComeAndTimestampsStepOn() throws {
            var script = Bench.stream(10)
            script += Bench.stream(100, from: .milliseconds(700), firstSample: 9_600)
            let result = try Bench.pace(script)
            let tape = result.tape()
            #expect(isExact(tape, step: frame, interval: .milliseconds(20)))
            let silent = tape.filter { $0.samples.allSatisfy { $0 == 0 } }
            #expect(silent.count == result.metric("pacer", "silence_frames"))
            // Items were there until 200 ms, then from 700 ms on; the last of the first lot leaves at 200 ms.
            #expect(silent.count == 24 || silent.count == 25)
            #expect(tape.count == 110 + silent.count)
            let words = result.events.filter { $0.node == "pacer" }.map(\.what)
            #expect(
                words == [
                    "first frame", "its input ran dry; silence until media come",
                    "media are back after \(silent.count) frames of silence",
                ])
        }

        @Test func aStutteringSourceIsSaidOnce() throws {
            var script: [Feed.Entry] = []
            for burst in 0..<20 {
                script += Bench.stream(5, from: .milliseconds(Int64(burst) * 200), firstSample: burst * 4_800)
            }
            let result = try Bench.pace(script)
            #expect(result.events.filter { $0.what.contains("ran dry") }.count == 1)
            #expect(result.metric("pacer", "silence_frames") > 50)
        }

        @Test func itPlaysOutWhatIsLeftAndPadsTheLastFrame() throws {
            // Everything comes at once; the end of the input is known long before the last frame is due.
            let script = (0..<12).map {
                Feed.Entry(at: Instant(nanoseconds: 0), samples: 1_000, pts: Int64($0 * 1_000), value: 7)
            }
            let result = try Bench.pace(script)
            let tape = result.tape()
            #expect(tape.count == 13)
            #expect(tape.last?.at == Instant(nanoseconds: 20_000_000 * 13))
            #expect(isExact(tape, step: frame, interval: .milliseconds(20)))
            #expect(tape.last.map { $0.samples[479] != 0 && $0.samples[480...].allSatisfy { $0 == 0 } } == true)
            #expect(result.outcome == .finished)
        }

        @Test func anInputShorterThanAFrameIsHeard() throws {
            let result = try Bench.pace([Feed.Entry(at: Instant(nanoseconds: 5_000_000), samples: 100, value: 3)])
            #expect(result.tape().count == 1)
            #expect(result.tape().first?.samples[99] == 102)
        }

        @Test func anInputThatEndsAtOnceSendsNothing() throws {
            let result = try Bench.pace([])
            #expect(result.tape().isEmpty)
            #expect(result.outcome == .finished)
        }

        @Test func theStartDepthDelaysTheFirstFrame() throws {
            let result = try Bench.pace(
                Bench.stream(50, from: .milliseconds(7)), ["start_depth_ms": .number(100)])
            #expect(result.tape().first?.at == Instant(nanoseconds: 107_000_000))
            #expect(result.metric("pacer", "silence_frames") == 0)
        }

        @Test func itsEdgeDropsWhatAFasterSourceSendsTooMuch() throws {
            // The source sends 20 ms of media every 10 ms.
            let script = Bench.stream(400, samples: 960).enumerated().map { index, entry in
                var entry = entry
                entry.at = Instant(nanoseconds: Int64(index) * 10_000_000)
                return entry
            }
            let result = try Bench.pace(
                script, capacity: EdgeCapacity(items: 5, milliseconds: 1_000), overflow: .dropOldest)
            #expect(isExact(result.tape(), step: frame, interval: .milliseconds(20)))
            #expect(result.metric("pacer", "dropped") + result.tape().count == 400)
            #expect(result.metric("pacer", "dropped") > 150)
        }

        @Test func anotherRateInMidStreamKeepsTheGrid() throws {
            let script =
                Bench.stream(20, samples: 1_000)
                + Bench.stream(20, samples: 441, rate: 44_100, from: .milliseconds(420))
            let result = try Bench.pace(script)
            let tape = result.tape()
            #expect(isExact(tape, step: frame, interval: .milliseconds(20)))
            #expect(Set(tape.map(\.samples.count)) == [960, 882])
        }

        @Test func aRateWithoutWholeFramesIsRefusedWithAdvice() throws {
            let error = #expect(throws: (any Error).self) {
                try Bench.pace(Bench.stream(3, rate: 44_100), ["frame_ms": .number(2.5)])
            }
            #expect("\(error!)".contains("a frame of 2.500 ms is no whole number of samples at 44100 Hz"))
        }

        @Test func anInterruptionLeavesNoHoleInTheTimestamps() throws {
            // Items of 1,000 samples leave a rest in the pacer whenever the epoch rises.
            var script = Bench.stream(60, samples: 1_000)
            for index in 30..<60 { script[index].epoch = 2 }
            for index in 0..<30 { script[index].epoch = 1 }
            let result = try Bench.pace(script)
            let tape = result.tape()
            #expect(isExact(tape, step: frame, interval: .milliseconds(20)))
            let raised = tape.firstIndex { $0.header.epoch == 2 }!
            #expect(tape[raised...].allSatisfy { $0.header.epoch == 2 })
        }

        @Test func instancesSpreadOverTheFrame() throws {
            let body = SessionPlan(
                nodes: [Bench.node("pacer", Pacer.self, ["spread": .boolean(true)]), Bench.node("tape", Tape.self)],
                edges: [
                    Bench.edge(
                        "relay", "pacer", EdgeCapacity(items: 50, milliseconds: 1_000), .dropOldest, fromParent: true),
                    Bench.edge("pacer", "tape"),
                ])
            let result = try Bench.run(
                Bench.stream(100),
                SessionPlan(
                    nodes: [Bench.node("feed", Feed.self), Bench.node("relay", Relay.self)],
                    edges: [Bench.edge("feed", "relay")]),
                templates: ["listener": body], start: [("listener", 16)])
            let phases = (1...16).map { result.tape("listener.\($0)/tape").first!.at.nanoseconds % 20_000_000 }.sorted()
            let steps = zip(phases, phases.dropFirst() + [phases[0] + 20_000_000]).map { $1 - $0 }
            #expect(steps.max()! < 3 * 20_000_000 / 16)
            #expect(steps.min()! > 20_000_000 / 16 / 3)
            for index in 1...16 { #expect(result.tape("listener.\(index)/tape").count == 100) }
        }
    }
}
