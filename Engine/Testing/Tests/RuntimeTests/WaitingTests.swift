@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// An item that a node sends onto a full edge waits in it, within a bound.
@Suite struct WaitingTests {
    /// Sends `count` packets in one call and asks nobody.
    final class Flood: Node {
        static let descriptor = NodeDescriptor("flood", summary: "Sends without asking for room")
        let output = Output<Packet>("out")
        @Parameter("count", default: 100, help: "packets") var count: Int
        @Parameter("bytes", default: 100, help: "of each") var bytes: Int
        weak var last: Packet?
        var context: NodeContext?
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            guard context?.reasons.contains(.start) == true else { return }
            let format = TestMedia.codedAudio()
            for _ in 0..<count {
                let packet = Packet(format: format, count: bytes)
                last = packet
                output.send(packet)
            }
            context?.finish()
        }
    }

    private func harness(count: Int, bytes: Int = 100, overflow: EdgePolicy.Overflow = .block) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("b", Flood.self, ["count": .integer(count), "bytes": .integer(bytes)])
        graph.node("to", TestSink.self)
        graph.edge("b.out -> to.in", items: 4, milliseconds: 10_000, overflow: overflow)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        return harness
    }

    @Test func whatWaitsGoesOutInOrderAndIsCounted() throws {
        let harness = try harness(count: 300)
        harness.settle()
        #expect(harness.edge(to: "to.in")?.held == 4)
        harness.sink("to").appetite = nil
        #expect(harness.run() == .finished)
        #expect(harness.sinkCount(to: "to.in") == 300)
        #expect(harness.report.contains(#""waiting_max": 296"#))
        #expect(harness.isBalanced)
    }

    /// 200,000 in one call: 4 on the edge, 1,000 in the node, the others are gone at once.
    @Test func aNodeThatForgetsHasRoomFailsAtTheBoundOfItems() throws {
        let harness = try harness(count: 200_000)
        let flood = try #require(harness.node("b") as? Flood)
        harness.settle()
        let words = "\(try #require(harness.failure))"
        #expect(words.hasPrefix("b has sent 1,000 items onto a full edge: ask `hasRoom`, or return"), "\(words)")
        #expect(words.contains("It is b.out -> to.in, which holds 4 items"))
        #expect(flood.last == nil)
        #expect(harness.report.contains(#""waiting_max": 1000"#))
        #expect(harness.report.contains(#""frames_out": 1004"#))
    }

    @Test func theBoundOfBytesHoldsToo() throws {
        let harness = try harness(count: 100, bytes: 100_000_000)
        harness.settle()
        let words = "\(try #require(harness.failure))"
        #expect(words.hasPrefix("b has sent 500,000,000 bytes onto a full edge: ask `hasRoom`, or return"), "\(words)")
    }

    @Test func anEdgeThatDropsLetsNothingWait() throws {
        let harness = try harness(count: 200_000, overflow: .dropOldest)
        harness.settle()
        #expect(harness.failure == nil)
        #expect(!harness.report.contains("waiting_max"))
        #expect(harness.edge(to: "to.in")?.dropped == 199_996)
    }
}

extension GraphHarness {
    /// Items that the node behind an edge has taken.
    fileprivate func sinkCount(to end: String) -> Int { edge(to: end)?.popped ?? 0 }
}
