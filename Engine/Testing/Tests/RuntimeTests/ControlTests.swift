@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct ControlTests {
    @Test func ofSeveralValuesTheLatestWinsAndIsClamped() throws {
        let harness = try NodeHarness(Dial.self, unconnected: [])
        harness.settle()
        for value in [3.0, 5, 1e9] { harness.set("level", to: value) }
        #expect(harness.step() == .control)
        #expect(harness.node.levels == [100])
    }

    @Test func aParameterTellsWhetherItIsMoreThanItsDefault() throws {
        #expect(try !NodeHarness(Dial.self).node.$level.isGiven)
        #expect(try NodeHarness(Dial.self, parameters: ["level": 0]).node.$level.isGiven)
        let harness = try NodeHarness(Dial.self)
        harness.settle()
        harness.set("level", to: 0)
        harness.settle()
        #expect(harness.node.$level.isGiven)
    }

    @Test func aNumberThatIsNoParameterArrivesAsItWasSentAndOnce() throws {
        let harness = try NodeHarness(Gauge.self)
        harness.settle()
        for value in [1, Double.nan, .infinity] {
            harness.set("reading", to: value)
            harness.settle()
        }
        #expect(harness.node.readings.map(\.description) == ["1.0", "nan", "inf"])
        harness.set("reading", to: 2)
        harness.set("reading", to: 3)
        harness.settle()
        #expect(harness.node.readings.last == 3)
        #expect(harness.node.readings.count == 4)
    }

    @Test func requestsCoalesceAndAreNeverLost() throws {
        let harness = try NodeHarness(Dial.self)
        for _ in 0..<5 { harness.request("poke") }  // before the start too
        harness.settle()
        #expect(harness.node.pokes == 1)
        harness.request("poke")
        harness.settle()
        #expect(harness.node.pokes == 2)
    }

    @Test(arguments: [(ControlPlan.Combination.min, 10.0, 20.0), (.max, 30.0, 20.0), (.last, 10.0, 10.0)])
    func valuesOfSeveralInstancesAreJoined(
        _ how: ControlPlan.Combination, _ joined: Double, _ afterOneLeft: Double
    ) throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("share", Share.self)
        graph.node("dial", Dial.self)
        graph.edge("from.out -> share.in")
        graph.template("viewer", count: 3) {
            $0.node("knobs", Knobs.self)
            $0.edge("$parent.share.out -> knobs.in", overflow: .dropOldest)
            $0.control("knobs.level -> $parent.dial.level", .value, join: how)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        let knobs = (1...3).compactMap { harness.node("viewer.\($0)/knobs") as? Knobs }
        try #require(knobs.count == 3)
        for (knob, value) in zip(knobs, [20.0, 30, 10]) { knob.level.send(value) }
        harness.settle()
        #expect((harness.node("dial") as? Dial)?.level == joined)
        // The one whose value it was leaves.
        let gone = how == .max ? knobs[1] : knobs[2]
        gone.context?.finish()
        gone.context?.wakeAgain()
        harness.settle()
        #expect((harness.node("dial") as? Dial)?.levels.last == afterOneLeft)
    }

    @Test func requestsLeaveATemplateJoinedByAny() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("share", Share.self)
        graph.node("dial", Dial.self)
        graph.edge("from.out -> share.in")
        graph.template("viewer", count: 2) {
            $0.node("knobs", Knobs.self)
            $0.edge("$parent.share.out -> knobs.in", overflow: .dropOldest)
            $0.control("knobs.poke -> $parent.dial.poke", .request, join: .any)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        (harness.node("viewer.2/knobs") as? Knobs)?.poke.send()
        harness.settle()
        #expect((harness.node("dial") as? Dial)?.pokes == 1)
    }
}
