import Sluice
import SluiceTesting
import Testing

/// The tables of docs/edges-and-epochs.md.
@Suite struct EdgeTableTests {
    private func harness(_ overflow: EdgePolicy.Overflow, _ epoch: EdgePolicy.Epoch = .flush) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("source", TestSource.self)
        graph.node("sink", TestSink.self)
        graph.edge("source.out -> sink.in", items: 4, overflow: overflow, epoch: epoch)
        let harness = try GraphHarness(graph)
        harness.sink("sink").appetite = 0
        return harness
    }

    /// The items that are held after 1…8 were offered, beginning at 1.
    private func held(_ overflow: EdgePolicy.Overflow, group: Int) throws -> [Int] {
        let harness = try harness(overflow)
        harness.source("source").push(TestMedia.packets(first: 0, count: 8, group: group))
        harness.settle()
        if overflow == .block {
            #expect(harness.source("source").waitingCount == 4)
            #expect(harness.edge(to: "sink.in")?.dropped == 0)
        }
        let held = harness.edge(to: "sink.in")?.held
        harness.sink("sink").appetite = held
        harness.settle()
        let items = harness.sink("sink").takeAll().map { TestMedia.number(of: $0) + 1 }
        #expect(items.count == held && harness.isBalanced)
        return items
    }

    @Test func aFullEdgeLosesWhatItsPolicySays() throws {
        #expect(try held(.block, group: 3) == [1, 2, 3, 4])
        #expect(try held(.dropOldest, group: 1) == [5, 6, 7, 8])
        #expect(try held(.dropNewest, group: 1) == [1, 2, 3, 4])
        #expect(try held(.dropToKeyframe, group: 3) == [7, 8])
        #expect(try held(.dropToKeyframe, group: 100) == [])
    }

    @Test(arguments: [(EdgePolicy.Epoch.flush, 2, 3), (.keep, 5, 0)])
    func aRaisedEpochFlushesWhereItIsNotKept(_ policy: EdgePolicy.Epoch, handedOut: Int, flushed: Int) throws {
        let harness = try harness(.block, policy)
        harness.source("source").push(TestMedia.silence(count: 3, epoch: 1))
        harness.settle()
        #expect(harness.edge(to: "sink.in")?.held == 3)
        let context = try #require(harness.context(of: "source"))
        context.raiseEpoch()
        harness.source("source").push(TestMedia.silence(first: 3, count: 2, epoch: context.epoch))
        harness.sink("sink").appetite = nil
        harness.settle()
        #expect(harness.sink("sink").takeAll().count == handedOut)
        #expect(harness.edge(to: "sink.in")?.flushed == flushed)
        #expect(harness.isBalanced)
    }
}
