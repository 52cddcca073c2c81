import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Counts what comes to it.
private final class Counting: Node {
    static let descriptor = NodeDescriptor("counting", summary: "counts items")
    let input = Input<MediaItem>("in")
    private var items: Metric.Counter!
    private var place: Metric.Histogram!

    func prepare(_ context: NodeContext) {
        items = context.counter("items")
        place = context.histogram("place")
    }

    func process(now: Instant) {
        while input.next() != nil {
            items.add()
            place.record(items.count)
        }
    }
}

@Suite struct TemplateTests {
    func host(_ body: (inout GraphBuilder) -> Void = { _ in }) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("host", Host.self)
        graph.edge("from.out -> host.in", items: 1000, milliseconds: 100_000)
        graph.template("viewer") {
            $0.node("through", Through.self)
            $0.node("to", TestSink.self)
            $0.edge("$parent.host.out -> through.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
            $0.edge("through.out -> to.in", items: 100, milliseconds: 100_000)
        }
        graph.template("brittle") {
            $0.node("brittle", Brittle.self)
            $0.node("to", TestSink.self)
            $0.edge("$parent.host.out -> brittle.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
            $0.edge("brittle.out -> to.in", items: 100, milliseconds: 100_000)
        }
        body(&graph)
        let harness = try GraphHarness(graph)
        harness.settle()
        return harness
    }

    @Test func anInstanceJoinsWhileMediaRunAndLeavesWithItsCountersWhole() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        harness.source("from").push(TestMedia.pictures(count: 5))
        harness.settle()
        host.start("viewer")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(first: 5, count: 5))
        harness.settle()
        #expect(harness.sink("viewer.1/to").received.map { TestMedia.number(of: $0.item) } == Array(5..<10))
        #expect(host.handles[0].name == "viewer.1")
        host.handles[0].stop()
        harness.settle()
        #expect(harness.node("viewer.1/to") == nil)
        harness.source("from").push(TestMedia.pictures(first: 10, count: 5))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "viewer.1/through.in")?.pushed == 5)
        #expect(harness.isBalanced)
    }

    @Test func anInstanceThatFailsEndsAlone() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        host.start("brittle", ["at": 2])
        host.start("viewer")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 5))
        harness.source("from").end()
        harness.settle()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "viewer.1/to.in")?.popped == 5)
        #expect(harness.events.contains { $0.node == "brittle.1/brittle" && $0.what.contains("picture 2 is bad") })
        #expect(harness.isBalanced)
    }

    @Test func whatIsUnderWayReachesInstancesWhenTheGraphEnds() throws {
        let harness = try host()
        (harness.node("host") as! Host).start("viewer")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 20))
        harness.stop()
        harness.runOut()
        #expect(harness.isOver)
        #expect(harness.edge(to: "viewer.1/to.in")?.popped == 20)
        #expect(harness.isBalanced)
    }

    @Test func aParentsEpochReachesItsInstances() throws {
        let harness = try host()
        (harness.node("host") as! Host).start("viewer")
        harness.settle()
        harness.sink("viewer.1/to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 4, epoch: 1))
        harness.settle()
        harness.context(of: "from")?.raiseEpoch()
        harness.settle()
        harness.sink("viewer.1/to").appetite = nil
        harness.settle()
        #expect(harness.sink("viewer.1/to").received.isEmpty)
    }

    @Test func anUnknownTemplateIsAnEventAndNothingElse() throws {
        let harness = try host()
        (harness.node("host") as! Host).start("nobody")
        harness.settle()
        #expect(harness.events.contains { $0.level == .error && $0.what.contains("nobody") })
        #expect(!harness.isOver)
    }

    @Test func anInstanceStoppedBeforeItWasBuiltLeavesNothing() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        host.start("viewer")
        host.handles[0].stop()
        harness.settle()
        #expect(harness.nodeNames == ["from", "host"])
    }

    /// Until its sink eats, a stopped instance of these has not ended.
    private func heldInstance(_ harness: GraphHarness, _ host: Host) -> NodeContext.Instance {
        let handle = host.start("viewer")
        harness.settle()
        harness.sink("viewer.1/to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 2))
        harness.settle()
        handle.stop()
        harness.settle()
        #expect(!handle.isOver)
        return handle
    }

    private func release(_ harness: GraphHarness) {
        harness.sink("viewer.1/to").appetite = nil
        harness.settle()
    }

    @Test func aSuccessorIsBuiltWhenTheOtherHasEnded() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        let first = heldInstance(harness, host)
        let second = host.start("viewer", after: first)
        harness.settle()
        #expect(second.name.isEmpty && !second.isOver)
        #expect(harness.nodeNames == ["from", "host", "viewer.1/through", "viewer.1/to"])
        release(harness)
        #expect(first.isOver && second.name == "viewer.2")
        #expect(harness.nodeNames == ["from", "host", "viewer.2/through", "viewer.2/to"])
        // After one that is over already there is nothing to wait for.
        let third = host.start("viewer", after: first)
        harness.settle()
        #expect(third.name == "viewer.3")
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(second.isOver && third.isOver)
        #expect(harness.isBalanced)
    }

    @Test func aChainOfThreeRunsOneAfterTheOther() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        let first = heldInstance(harness, host)
        let second = host.start("viewer", after: first)
        let third = host.start("viewer", after: second)
        release(harness)
        #expect(second.name == "viewer.2" && third.name.isEmpty)
        second.stop()
        harness.settle()
        #expect(second.isOver && third.name == "viewer.3")
        #expect(harness.nodeNames == ["from", "host", "viewer.3/through", "viewer.3/to"])
    }

    @Test func oneThatIsStoppedWhileItWaitsIsNeverBuiltAndHoldsNobodyUp() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        let first = heldInstance(harness, host)
        let second = host.start("viewer", after: first)
        let third = host.start("viewer", after: second)
        second.stop()
        harness.settle()
        #expect(!second.isOver && third.name.isEmpty)
        release(harness)
        #expect(second.isOver && second.name.isEmpty)
        #expect(third.name == "viewer.2")
        #expect(harness.nodeNames == ["from", "host", "viewer.2/through", "viewer.2/to"])
    }

    @Test func oneThatCannotBeBuiltHoldsNobodyUp() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        let first = heldInstance(harness, host)
        let second = host.start("nobody", after: first)
        let third = host.start("viewer", after: second)
        release(harness)
        #expect(second.isOver && third.name == "viewer.2")
    }

    @Test func aGraphThatStopsBuildsNoneThatWait() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        let first = heldInstance(harness, host)
        let waiting = host.start("viewer", after: first)
        harness.settle()
        harness.stop()
        release(harness)
        harness.runOut()
        #expect(harness.isOver)
        #expect(first.isOver && waiting.isOver && waiting.name.isEmpty)
        #expect(harness.isBalanced)
    }

    @Test func aThousandInstancesComeAndGoAndTheReportKeepsTheirSums() throws {
        let harness = try host()
        let host = harness.node("host") as! Host
        for number in 0..<1000 {
            host.start("viewer")
            harness.settle()
            harness.source("from").push(TestMedia.pictures(first: number, count: 1))
            harness.settle()
            host.handles.removeFirst().stop()
        }
        harness.source("from").end()
        #expect(harness.run() == .finished)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(harness.report.utf8)) as? [String: Any])
        let sums = try #require((json["ended_instances"] as? [String: [String: Any]])?["viewer"])
        #expect(sums["count"] as? Int == 1000)
        #expect(sums["pushed"] as? Int == 2000)
        #expect(sums["popped"] as? Int == 2000)
        let nodes = try #require(sums["nodes"] as? [String: [String: Any]])
        #expect(nodes.keys.sorted() == ["through", "to"])
        #expect(nodes["through"]?["frames_out"] as? Int == 1000)
    }

    @Test func whatEndedInstancesHaveCountedIsKeptByTemplateAndNode() throws {
        let harness = try host {
            $0.template("counted") {
                $0.node("counting", Counting.self)
                $0.edge("$parent.host.out -> counting.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
            }
        }
        let host = harness.node("host") as! Host
        for number in 0..<200 {
            host.start("counted")
            harness.settle()
            harness.source("from").push(TestMedia.pictures(first: number, count: number % 2 + 1))
            harness.settle()
            host.handles.removeFirst().stop()
            harness.settle()
        }
        harness.source("from").end()
        #expect(harness.run() == .finished)
        let json = try JSONValue.parse(Array(harness.report.utf8), file: "report.json")
        let node = try #require(json["ended_instances"]?["counted"]?["nodes"]?["counting"])
        #expect(node["type"]?.string == "counting")
        #expect(node["frames_in"]?.number == 300)
        #expect(node["metrics"]?["items"]?["sum"]?.number == 300)
        #expect(node["metrics"]?["items"]?["last"]?.number == 2)
        // The first item of each instance, and the second of every other one.
        #expect(node["metrics"]?["place"]?["p50"]?.number == 1)
        #expect(node["metrics"]?["place"]?["max"]?.number == 2)
        // Those that ended last are there whole, too.
        #expect(json["nodes"]?["counted.200/counting"]?["metrics"]?["items"]?.number == 2)
        #expect(json["nodes"]?["counted.100/counting"] == nil)
    }
}
