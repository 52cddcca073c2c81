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

    /// The lanes of a source that fetches and of the node that it feeds.
    private func lanes(
        of reader: any Node.Type, sourceLane: String? = nil, _ parameters: [String: ParameterValue] = [:],
        _ change: (inout GraphBuilder) -> Void = { _ in }
    ) throws -> [String] {
        var graph = GraphBuilder()
        graph.node("from", Fetch.self, parameters, lane: sourceLane)
        graph.node("reader", reader)
        graph.edge("from.out -> reader.in")
        change(&graph)
        let harness = try GraphHarness(graph)
        harness.settle()
        return ["from", "reader"].compactMap(harness.lane(of:))
    }

    @Test func aSourceThatOnlyFetchesRunsWithTheHeavyNodeThatItFeeds() throws {
        #expect(try lanes(of: Heavy.self) == ["reader", "reader"])
        #expect(try lanes(of: Heavy.self, ["waits": .boolean(true)]) == ["from", "reader"])
        #expect(try lanes(of: TestSink.self) == ["from", "main"])
        #expect(try lanes(of: Heavy.self, sourceLane: "input") == ["input", "reader"])
        #expect(try lanes(of: Heavy.self) { $0.lanes["from"] = LanePlan() } == ["from", "reader"])
    }
}

private final class Fetch: Node {
    static let descriptor = NodeDescriptor("fetch", summary: "Fetches nothing", work: .heavy)
    let output = Output<VideoFrame>("out")
    @Parameter("waits", default: false, help: "Waits.") var waits: Bool
    init() {}
    static func onlyFetches(with parameters: [String: ParameterValue]) -> Bool {
        parameters["waits"] == .boolean(false)
    }
    func process(now: Instant) {}
}

private final class Heavy: Node {
    static let descriptor = NodeDescriptor("heavy", summary: "Takes nothing", work: .heavy)
    let input = Input<VideoFrame>("in")
    init() {}
    func process(now: Instant) {}
}
