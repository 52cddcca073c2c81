@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Edges treat data as they treat frames: bounded, in order, with epochs, shared by relays.
@Suite struct DataTests {
    private func line(_ overflow: EdgePolicy.Overflow, epoch: EdgePolicy.Epoch = .flush) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: 4, overflow: overflow, epoch: epoch)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        return harness
    }

    private func numbers(_ harness: GraphHarness) -> [Int] {
        harness.sink("to").appetite = nil
        harness.settle()
        return harness.sink("to").takeAll().map { TestMedia.number(of: $0) }
    }

    @Test(arguments: [
        (EdgePolicy.Overflow.block, Array(0..<10)), (.dropOldest, [6, 7, 8, 9]), (.dropNewest, [0, 1, 2, 3]),
    ])
    func aFullEdgeOfDataDoesWhatItsPolicySays(_ overflow: EdgePolicy.Overflow, _ expected: [Int]) throws {
        let harness = try line(overflow)
        harness.source("from").push(TestMedia.statements(count: 10))
        harness.settle()
        #expect(harness.edge(to: "to.in")?.held == 4)
        // No step of time became a duration: a statement about a moment lasts none.
        #expect(harness.edge(to: "to.in")?.depthMaxMilliseconds == 0)
        #expect(numbers(harness) == expected)
        #expect(harness.isBalanced)
    }

    @Test(arguments: [EdgePolicy.Epoch.flush, .keep]) func anInterruptionDiscardsOldData(_ policy: EdgePolicy.Epoch)
        throws
    {
        let harness = try line(.block, epoch: policy)
        harness.source("from").push(TestMedia.statements(count: 3, epoch: 1))
        harness.settle()
        harness.context(of: "from")?.raiseEpoch()
        harness.source("from").push(TestMedia.statements(first: 3, count: 1, epoch: 2))
        #expect(numbers(harness) == (policy == .flush ? [3] : [0, 1, 2, 3]))
        #expect(harness.isBalanced)
    }

    /// The relay's edge is open until the format is known, then drops the oldest.
    @Test func anEdgeOutOfASharingNodeDropsTheOldestOnceItCarriesData() throws {
        let overflow = EdgePolicy.Overflow.standard(for: .any, fromSharing: true, isLossless: false)
        #expect(overflow == .dropToKeyframe)
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("share", Share.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> share.in")
        graph.edge("share.out -> to.in", items: 4, overflow: overflow)
        var plan = graph.plan
        plan.root.edges[1].isOverflowStandard = true
        let harness = try GraphHarness(plan, registry: graph.registry)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.statements(count: 10))
        harness.settle()
        #expect(numbers(harness) == [6, 7, 8, 9])
    }

    @Test func anItemOfAnotherSchemaFailsTheNodeWithBothNamed() throws {
        let harness = try NodeHarness(Listener.self)
        harness.push(TestMedia.statements(TestMedia.data("transcript"), count: 1))
        harness.settle()
        #expect(harness.node.heard == 1)
        harness.push(TestMedia.statements(TestMedia.data("weather"), count: 1))
        #expect(harness.finish() == .failed)
        let said = harness.error.map { "\($0)" } ?? ""
        #expect(said.contains("gives data weather, node.in takes data transcript"), "\(said)")
        #expect(harness.node.heard == 1)
    }

    private final class Share: Node {
        static let descriptor = NodeDescriptor("share", summary: "hands on", traits: .shares)
        let input = Input<MediaItem>("in")
        let output = FanOut<MediaItem>("out", follows: "in")
        init() {}
        func process(now: Instant) { while let item = input.next() { output.send(item) } }
    }

    private final class Listener: Node {
        static let descriptor = NodeDescriptor("listener", summary: "takes transcripts")
        let input = Input<DataItem>("in", .data([DataSchema("transcript")]))
        private(set) var heard = 0
        init() {}
        func process(now: Instant) { while let item = input.next() { heard += item["number"] == nil ? 0 : 1 } }
    }
}
