@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct EpochTests {
    @Test(arguments: [EdgePolicy.Epoch.flush, .keep])
    func raisingTheEpochDiscardsWhatIsOlderOnEdgesThatFlush(_ policy: EdgePolicy.Epoch) throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: 4, milliseconds: 10_000, epoch: policy)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 10, epoch: 1))
        harness.settle()
        harness.context(of: "from")?.raiseEpoch()
        harness.source("from").push(TestMedia.pictures(first: 10, count: 2, epoch: 2))
        harness.sink("to").appetite = nil
        harness.settle()
        let numbers = harness.sink("to").takeAll().map { TestMedia.number(of: $0) }
        #expect(numbers == (policy == .flush ? [10, 11] : Array(0..<12)))
        #expect(harness.edge(to: "to.in")?.flushed == (policy == .flush ? 10 : 0))
        #expect(harness.isBalanced)
    }

    /// The sink never looks at its input meanwhile; the flush alone makes room.
    @Test func aFlushLetsAProducerGoOnThatWaitedForRoom() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: 4, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 6, epoch: 1))
        harness.settle()
        #expect(harness.source("from").waitingCount > 0)
        harness.context(of: "to")?.raiseEpoch()
        harness.settle()
        #expect(harness.source("from").waitingCount == 0)
    }

    @Test func epochZeroIsNeverStale() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in")
        let harness = try GraphHarness(graph)
        harness.context(of: "from")?.raiseEpoch(to: 9)
        harness.source("from").push(TestMedia.pictures(count: 2, epoch: 0))
        harness.settle()
        #expect(harness.sink("to").received.count == 2)
    }

    @Test func anItemPeekedBeforeTheEpochRoseIsFlushed() throws {
        let harness = try NodeHarness(Merge.self)
        harness.push(TestMedia.pictures(count: 1, epoch: 1), into: "a")
        harness.settle()  // peeked; the join waits for b
        harness.raiseEpoch()
        harness.push(TestMedia.pictures(first: 1, count: 1, epoch: 2), into: "a")
        harness.push(TestMedia.pictures(first: 2, count: 1, epoch: 2), into: "b")
        harness.advance(by: .seconds(1))
        #expect(harness.node.order == ["a33", "b66"] || harness.node.order == ["a33", "b67"])
        #expect(harness.graph.edge(to: "node.a")?.flushed == 1)
        #expect(harness.graph.isBalanced)
    }

    @Test func theEpochOnlyRises() throws {
        let harness = try NodeHarness(Through.self)
        #expect(harness.raiseEpoch(to: 5))
        #expect(!harness.raiseEpoch(to: 5))
        #expect(!harness.raiseEpoch(to: 4))
        #expect(harness.raiseEpoch(to: .max))
        #expect(!harness.raiseEpoch())
        #expect(harness.epoch == .max)
    }

    @Test func afterAFlushOfDependentPacketsNothingPassesUntilAKeyframe() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("coder", Coder.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> coder.in", items: 100, milliseconds: 10_000, epoch: .keep)
        graph.edge("coder.out -> to.in", items: 100, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.packets(count: 3, group: 100, epoch: 1))
        harness.settle()
        harness.context(of: "to")?.raiseEpoch()
        // Packets of the new epoch that build on what was flushed.
        harness.source("from").push(TestMedia.packets(first: 3, count: 2, group: 100, epoch: 2))
        harness.source("from").push(TestMedia.packets(first: 100, count: 2, group: 100, epoch: 2))
        harness.sink("to").appetite = nil
        harness.settle()
        #expect(harness.sink("to").takeAll().map { TestMedia.number(of: $0) } == [100, 101])
        #expect((harness.node("coder") as? Coder)?.asked == 1)
        #expect(harness.isBalanced)
    }

    @Test func anOutputTellsHowMuchTheNextNodeHasNotTaken() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("through", Through.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> through.in")
        graph.edge("through.out -> to.in")
        let harness = try GraphHarness(graph)
        let output = try #require(harness.node("through") as? Through).output
        #expect(output.depth == 0)
        harness.sink("to").appetite = 2
        harness.source("from").push(TestMedia.pictures(count: 5, epoch: 1))
        harness.settle()
        #expect(output.depth == 3)
        harness.context(of: "from")?.raiseEpoch()
        harness.settle()
        #expect(output.depth == 0)
    }

    /// A node that peeks has not taken; and when the epoch rises the engine itself looks at what is at the head.
    @Test func aPeekedItemIsOnItsEdgeUntilItIsTaken() throws {
        let harness = try NodeHarness(Merge.self)
        harness.push(TestMedia.pictures(count: 3, epoch: 1), into: "a")
        harness.settle()  // the first is peeked; the join waits for b
        let edge = { try #require(harness.graph.edge(to: "node.a")) }
        #expect(try edge().held == 3 && edge().popped == 0)
        #expect(harness.graph.isBalanced)
        harness.raiseEpoch()
        harness.push(TestMedia.pictures(first: 3, count: 4, epoch: 2), into: "a")
        harness.settle()
        #expect(try edge().flushed == 3 && edge().held == 4 && edge().popped == 0)
        harness.settle()
        #expect(try edge().held == 4 && edge().popped == 0)
        #expect(harness.graph.isBalanced)
        harness.end("b")
        harness.advance(by: .seconds(1))
        #expect(try edge().held == 0 && edge().popped == 4)
        #expect(harness.graph.isBalanced)
    }

    @Test func aSourceLearnsHowMuchIsUntakenAlsoAfterTheEpochRose() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("through", Through.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> through.in", items: 100, milliseconds: 10_000, epoch: .keep)
        graph.edge("through.out -> to.in", items: 100, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        let output = try #require(harness.node("through") as? Through).output
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 2, epoch: 1))
        harness.source("from").push(TestMedia.pictures(first: 2, count: 3, epoch: 2))
        harness.settle()
        #expect(output.depth == 5)
        harness.context(of: "from")?.raiseEpoch(to: 2)
        harness.settle()
        #expect(output.depth == 3)
        #expect(harness.edge(to: "to.in")?.popped == 0)
        #expect(harness.isBalanced)
    }
}
