@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct PlacementTests {
    private func harness() throws -> GraphHarness {
        var graph = GraphBuilder()
        let pool = LanePool("viewers", lanes: 2)
        graph.node("from", TestSource.self)
        graph.node("host", Host.self)
        graph.node("one", Dial.self, pool: LanePool("dials", lanes: 2))
        graph.node("two", Dial.self, pool: LanePool("dials", lanes: 2))
        graph.edge("from.out -> host.in")
        graph.template("viewer") {
            $0.node("through", Through.self, pool: pool)
            $0.node("to", TestSink.self, pool: pool)
            $0.edge("$parent.host.out -> through.in", items: 100, overflow: .dropOldest)
            $0.edge("through.out -> to.in")
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        return harness
    }

    @Test func nodesOfTheGraphAreSpreadOneByOne() throws {
        let harness = try harness()
        #expect(harness.lane(of: "host") == "main")
        #expect(harness.lane(of: "one") == "dials.1")
        #expect(harness.lane(of: "two") == "dials.2")
    }

    @Test func anInstanceGoesTogetherToTheLaneThatHasTheFewestNodes() throws {
        let harness = try harness()
        let host = try #require(harness.node("host") as? Host)
        for _ in 0..<3 {
            host.start("viewer")
            harness.settle()
        }
        for (viewer, lane) in [(1, "viewers.1"), (2, "viewers.2"), (3, "viewers.1")] {
            #expect(harness.lane(of: "viewer.\(viewer)/through") == lane)
            #expect(harness.lane(of: "viewer.\(viewer)/to") == lane)
        }
        // Two leave the first lane.
        host.handles[0].stop()
        host.handles[2].stop()
        harness.settle()
        host.start("viewer")
        harness.settle()
        #expect(harness.lane(of: "viewer.4/to") == "viewers.1")
        harness.source("from").push(TestMedia.pictures(count: 2))
        harness.source("from").end()
        harness.settle()
        harness.stop()
        harness.runOut()
        #expect(harness.isOver)
        #expect(harness.edge(to: "viewer.4/to.in")?.popped == 2)
        #expect(harness.isBalanced)
    }
}
