@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Rooms with viewers: a template that holds a template.
@Suite struct NestingTests {
    /// `from -> host` in the graph; a room takes from `host`, and each of its viewers from the room.
    private func rooms(viewers: Int = 0) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("host", Host.self)
        graph.edge("from.out -> host.in", items: 1000, milliseconds: 100_000)
        graph.template("room") { room in
            room.node("share", Host.self)
            room.node("dial", Dial.self)
            room.edge("$parent.host.out -> share.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
            room.template("viewer", count: viewers) {
                $0.node("to", TestSink.self)
                $0.node("knobs", Knobs.self)
                $0.edge("$parent.share.out -> to.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
                $0.control("knobs.level -> $parent.dial.level", .value, join: .min)
            }
        }
        graph.template("other") {
            $0.node("share", Host.self)
            $0.edge("$parent.host.out -> share.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        return harness
    }

    private func host(_ harness: GraphHarness, _ name: String) throws -> Host {
        try #require(harness.node(name) as? Host)
    }

    @Test func aNodeOfAnInstanceStartsATemplateOfItsOwnSessionWhichIsTheParent() throws {
        let harness = try rooms()
        try host(harness, "host").start("room")
        try host(harness, "host").start("room")
        harness.settle()
        let viewer = try host(harness, "room.2/share").start("viewer")
        harness.settle()
        #expect(viewer.name == "room.2/viewer.1")
        #expect(harness.nodeNames.contains("room.2/viewer.1/to"))
        harness.source("from").push(TestMedia.pictures(count: 3))
        harness.source("from").end()
        harness.settle()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "room.2/viewer.1/to.in")?.popped == 3)
        #expect(harness.isBalanced)
    }

    @Test func aTemplateIsLookedForInTheSessionsAroundAndStartsUnderTheOneThatHoldsIt() throws {
        let harness = try rooms()
        try host(harness, "host").start("room")
        harness.settle()
        let other = try host(harness, "room.1/share").start("other")
        harness.settle()
        #expect(other.name == "other.1")
        // Templates that a room holds are not known outside of it.
        let viewer = try host(harness, "host").start("viewer")
        harness.settle()
        #expect(viewer.isOver)
        #expect(harness.events.contains { $0.what.contains("no template \"viewer\"") })
        harness.source("from").push(TestMedia.pictures(count: 3))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "other.1/share.in")?.popped == 3)
    }

    @Test func whatATemplateStartsIsThereWithEachInstance() throws {
        let harness = try rooms(viewers: 2)
        try host(harness, "host").start("room")
        try host(harness, "host").start("room")
        harness.settle()
        #expect(
            harness.nodeNames.filter { $0.hasSuffix("/to") } == [
                "room.1/viewer.1/to", "room.1/viewer.2/to", "room.2/viewer.1/to", "room.2/viewer.2/to",
            ])
        harness.source("from").push(TestMedia.pictures(count: 2))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        let json = try JSONValue.parse(Array(harness.report.utf8), file: "report.json")
        #expect(json["ended_instances"]?["room/viewer"]?["count"]?.integer == 4)
        #expect(json["ended_instances"]?["room/viewer"]?["popped"]?.integer == 8)
    }

    @Test func aRoomThatIsStoppedTakesItsViewersAlong() throws {
        let harness = try rooms()
        let room = try host(harness, "host").start("room")
        try host(harness, "host").start("room")
        harness.settle()
        let viewers = [
            try host(harness, "room.1/share").start("viewer"), try host(harness, "room.2/share").start("viewer"),
        ]
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 2))
        harness.settle()
        room.stop()
        harness.settle()
        #expect(room.isOver && viewers[0].isOver && !viewers[1].isOver)
        #expect(!harness.nodeNames.contains { $0.hasPrefix("room.1/") })
        harness.source("from").push(TestMedia.pictures(first: 2, count: 1))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "room.1/viewer.1/to.in")?.popped == 2)
        #expect(harness.edge(to: "room.2/viewer.1/to.in")?.popped == 3)
        #expect(harness.isBalanced)
    }

    @Test func aRoomWaitsForAViewerThatHasNotLetGo() throws {
        let harness = try rooms()
        let room = try host(harness, "host").start("room")
        harness.settle()
        let viewer = try host(harness, "room.1/share").start("viewer")
        harness.settle()
        harness.sink("room.1/viewer.1/to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 2))
        harness.settle()
        room.stop()
        harness.settle()
        #expect(!room.isOver && !viewer.isOver)
        // It takes no others meanwhile.
        let late = try host(harness, "room.1/share").start("viewer")
        harness.settle()
        #expect(late.isOver)
        harness.sink("room.1/viewer.1/to").appetite = nil
        harness.settle()
        #expect(room.isOver && viewer.isOver)
        #expect(harness.isBalanced)
    }

    @Test func controlsOfViewersMeetInTheirRoomAndInNoOther() throws {
        let harness = try rooms()
        for _ in 0..<2 { try host(harness, "host").start("room") }
        harness.settle()
        for _ in 0..<2 { try host(harness, "room.1/share").start("viewer") }
        try host(harness, "room.2/share").start("viewer")
        harness.settle()
        for (viewer, level) in [("room.1/viewer.1", 40.0), ("room.1/viewer.2", 20), ("room.2/viewer.1", 5)] {
            (harness.node("\(viewer)/knobs") as? Knobs)?.level.send(level)
            harness.settle()
        }
        #expect((harness.node("room.1/dial") as? Dial)?.levels == [40, 20])
        #expect((harness.node("room.2/dial") as? Dial)?.levels == [5])
        try host(harness, "room.1/share").handles[1].stop()
        harness.settle()
        #expect((harness.node("room.1/dial") as? Dial)?.levels == [40, 20, 40])
    }

    @Test func anInterruptionOfTheGraphReachesTheViewersOfItsRooms() throws {
        let harness = try rooms()
        try host(harness, "host").start("room")
        harness.settle()
        try host(harness, "room.1/share").start("viewer")
        harness.settle()
        harness.sink("room.1/viewer.1/to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 4, epoch: 1))
        harness.settle()
        harness.context(of: "from")?.raiseEpoch()
        harness.settle()
        #expect(harness.edge(to: "room.1/viewer.1/to.in")?.flushed == 4)
    }

    @Test func aRoomThatFailsEndsWithItsViewersAndNothingElse() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("host", Host.self)
        graph.edge("from.out -> host.in")
        graph.template("room", count: 2) { room in
            room.node("brittle", Brittle.self, ["at": 1])
            room.node("share", Host.self)
            room.edge("$parent.host.out -> brittle.in", items: 100, overflow: .dropOldest)
            room.edge("brittle.out -> share.in")
            room.template("viewer", count: 1) {
                $0.node("to", TestSink.self)
                $0.edge("$parent.share.out -> to.in", items: 100, overflow: .dropOldest)
            }
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 3))
        harness.settle()
        #expect(harness.nodeNames == ["from", "host"])
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.isBalanced)
    }
}
