@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Sends for ever without letting time pass.
private final class Hasty: Node {
    static let descriptor = NodeDescriptor("hasty", summary: "Sends as fast as it may")
    let output = Output<Packet>("out")
    @Parameter("timed", default: true, help: "its packets are 10 ms long") var timed: Bool
    private var context: NodeContext?
    private var sent = 0

    func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(TestMedia.codedAudio())
    }

    func process(now: Instant) {
        if !timed { context?.wakeAgain() }
        while timed, output.hasRoom {
            let packet = TestMedia.packets(TestMedia.codedAudio(), count: 1)[0]
            packet.header.pts = .milliseconds(Int64(sent) * 10)
            (packet.header.dts, packet.header.duration) = (packet.header.pts, .milliseconds(10))
            sent += 1
            output.send(packet)
        }
    }
}

/// Virtual time where a source lets none pass.
@Suite struct StandstillTests {
    private func harness(timed: Bool, duration: Interval?) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("hasty", Hasty.self, ["timed": .boolean(timed)])
        graph.node("to", TestSink.self)
        graph.edge("hasty.out -> to.in")
        var options = RunOptions()
        options.duration = duration
        return try GraphHarness(graph, options: options)
    }

    @Test func aDurationEndsASourceWhenItsMediaAreAsLong() throws {
        let harness = try harness(timed: true, duration: .seconds(3))
        #expect(harness.run() == .finished)
        let sent = try #require(harness.edge(to: "to.in")).popped
        #expect((300...364).contains(sent), "\(sent)")
        #expect(harness.events.contains { $0.node == "hasty" && $0.what.contains("lets no time pass") })
        #expect(harness.isBalanced)
    }

    @Test func aDurationEndsASourceWhoseMediaHaveNoLength() throws {
        let harness = try harness(timed: false, duration: .seconds(3))
        #expect(harness.run() == .finished)
        #expect(harness.events.contains { $0.what.contains("was called 1000000 times at 0.0 s") })
    }

    @Test func aStopIsHeardWhileNoTimePasses() throws {
        let harness = try harness(timed: true, duration: nil)
        for _ in 0..<50 { _ = harness.step("hasty") }
        harness.stop()
        #expect(harness.run() == .stopped)
        #expect(harness.isBalanced)
    }
}
