import Sluice
import SluiceTesting
import Testing

@Suite struct GainTests {
    @Test func twentyDecibelsAreTenTimesTheAmplitude() throws {
        let harness = try NodeHarness(Gain.self, parameters: ["gain_db": .number(20)])
        #expect(harness.step() == .start)
        harness.push(TestMedia.pcm(TestMedia.audio(.f32), samples: 4, count: 2) { _ in 0.05 })
        #expect(harness.step() == .input)
        harness.settle()
        let out = harness.pullAll().compactMap { $0 as? AudioFrame }
        #expect(out.map { $0.f32[0] } == [0.5, 0.5])
        #expect(harness.finish() == .finished)
    }

    @Test func theGainFollowsItsControl() throws {
        let harness = try NodeHarness(Gain.self)
        harness.set("gain_db", to: 100)
        harness.push(TestMedia.pcm(TestMedia.audio(.f32), samples: 4, count: 1) { _ in 0.01 })
        harness.settle()
        // Clamped to the range: 24 dB.
        let sample = (harness.pull() as? AudioFrame)?.f32[0] ?? 0
        #expect(abs(sample - 0.158489) < 1e-5)
    }
}

@Suite struct SilenceTests {
    @Test func aFrameGoesOutEveryTwentyMilliseconds() throws {
        let harness = try NodeHarness(Silence.self)
        harness.settle()
        #expect(harness.pullAll().count == 1)
        harness.advance(by: .milliseconds(99))
        #expect(harness.pullAll().count == 4)
        #expect(harness.step() == .timer)
        #expect(harness.now == Instant(nanoseconds: 100_000_000))
    }
}

@Suite struct SlowReaderTests {
    @Test func aSlowReaderHoldsTheSource() throws {
        var graph = GraphBuilder()
        graph.node("source", TestSource.self)
        graph.node("gain", Gain.self, ["gain_db": 6])
        graph.node("sink", TestSink.self)
        graph.edge("source.out -> gain.in", items: 4)
        graph.edge("gain.out -> sink.in", items: 4)
        let harness = try GraphHarness(graph)
        harness.sink("sink").appetite = 3
        harness.source("source").push(TestMedia.silence(format: TestMedia.audio(.f32), count: 20))
        harness.settle()
        #expect(harness.sink("sink").received.count == 3)
        #expect(harness.edge(to: "sink.in")?.held == 4)
        #expect(harness.isBalanced)
        harness.sink("sink").appetite = nil
        harness.source("source").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "sink.in")?.popped == 20)
    }
}

@Suite struct InterleaveTests {
    @Test func twoStreamsComeOutInTheOrderOfTheirTimes() throws {
        let harness = try NodeHarness(Interleave.self)
        harness.push(TestMedia.packets(count: 3, milliseconds: 40), into: "video")
        harness.push(TestMedia.packets(TestMedia.codedAudio(), count: 5, milliseconds: 20), into: "audio")
        #expect(harness.finish() == .finished)
        let times = harness.pullAll().map(\.header.dts.milliseconds)
        #expect(times == times.sorted() && times.count == 8)
    }

    @Test func whatIsLostStaysLost() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        let network = Impairment.Settings(seed: 7, delay: .milliseconds(40), jitter: .milliseconds(20), loss: 0.05)
        graph.impairedEdge("from.out -> to.in", network, node: "network")
        let harness = try GraphHarness(graph)
        harness.source("from").push(TestMedia.packets(TestMedia.codedAudio(), count: 100))
        harness.source("from").end()
        let sink = harness.sink("to")
        #expect(harness.run() == .finished)
        #expect(sink.received.count < 100)
    }
}
