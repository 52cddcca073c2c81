import Testing

@testable @_spi(Host) import Sluice

/// Watching a run, on snapshots that are made by hand at times that are given.
@Suite struct WatchTests {
    /// source -> relay -> slow, in ms of media and items of 10 ms.
    private struct Scene {
        var snapshot = RunSnapshot()

        init() {
            snapshot.nodes = [node(1, "source"), node(2, "relay"), node(3, "slow", work: .heavy)]
            snapshot.edges = [edge("source.out", 1, "relay.in", 2), edge("relay.out", 2, "slow.in", 3)]
            snapshot.lanes = [LaneSnapshot(name: "main")]
            snapshot.isVirtual = true
            at(0)
        }

        func node(
            _ key: UInt, _ name: String, work: NodeDescriptor.Work = .light, traits: NodeDescriptor.Traits = []
        ) -> NodeSnapshot {
            NodeSnapshot(
                identity: NodeIdentity(
                    NodeKey(address: key), name: name, place: name, type: name,
                    descriptor: NodeDescriptor(
                        name, summary: "", work: work, traits: traits, relief: work == .heavy ? "Do less." : ""),
                    lane: work == .light ? "main" : name, isSink: key == 3, isSource: key == 1))
        }

        func edge(_ from: String, _ producer: UInt, _ to: String, _ consumer: UInt) -> EdgeSnapshot {
            EdgeSnapshot(
                identity: EdgeIdentity(
                    from: from, to: to, producer: NodeKey(address: producer), consumer: NodeKey(address: consumer),
                    capacity: .init(items: 4, milliseconds: 500), noun: "picture"))
        }

        var index: SnapshotIndex { SnapshotIndex(snapshot) }

        mutating func at(_ seconds: Double) {
            snapshot.now = Int64(seconds * 1e9)
            snapshot.time = .seconds(seconds)
        }

        mutating func fill(_ index: Int) {
            snapshot.edges[index].held = 4
            snapshot.edges[index].isRoomWanted = true
        }
    }

    private func stalls(_ watch: inout StallWatch, _ scene: inout Scene, at seconds: Double) -> [String] {
        scene.at(seconds)
        return watch.look(scene.index).map(\.what)
    }

    // MARK: Stalls

    @Test func aFullEdgeThatStandsIsSaidOnceAndAgainWhenItMoves() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.fill(1)
        #expect(stalls(&watch, &scene, at: 0).isEmpty)
        #expect(stalls(&watch, &scene, at: 1.9).isEmpty)
        let sentence =
            "edge relay.out -> slow.in full for 2.0 s (4 of 4 items, block): slow takes nothing; relay is held"
        #expect(stalls(&watch, &scene, at: 2) == [sentence])
        #expect(stalls(&watch, &scene, at: 9).isEmpty)
        scene.snapshot.edges[1].popped = 1
        #expect(stalls(&watch, &scene, at: 10) == ["edge relay.out -> slow.in moves again after 10.0 s"])
        #expect(stalls(&watch, &scene, at: 11).isEmpty)
    }

    @Test func onlyTheRootOfAJamIsNamed() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.fill(0)
        scene.fill(1)
        _ = stalls(&watch, &scene, at: 0)
        let said = stalls(&watch, &scene, at: 3)
        #expect(said.count == 1 && said[0].hasPrefix("edge relay.out -> slow.in full"), "\(said)")
    }

    /// Its node gets a turn first: it is not to blame for the time before.
    @Test func anEdgeBehindAHeldNodeHasPatienceOfItsOwnOnceTheJamIsOver() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.fill(0)
        scene.fill(1)
        _ = stalls(&watch, &scene, at: 0)
        #expect(stalls(&watch, &scene, at: 3).count == 1)
        scene.snapshot.edges[1].popped = 4
        scene.snapshot.edges[1].held = 0
        scene.snapshot.edges[1].isRoomWanted = false
        #expect(stalls(&watch, &scene, at: 3.5) == ["edge relay.out -> slow.in moves again after 3.5 s"])
        #expect(stalls(&watch, &scene, at: 4.9).isEmpty)
        let said = stalls(&watch, &scene, at: 5)
        #expect(said.count == 1 && said[0].hasPrefix("edge source.out -> relay.in full for 5.0 s"), "\(said)")
    }

    @Test func anEdgeThatDropsBecauseItsNodeTakesNothingIsSaid() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.snapshot.edges[1].overflow = .dropOldest
        scene.snapshot.edges[1].held = 4
        _ = stalls(&watch, &scene, at: 0)
        // Full without a drop is no harm.
        #expect(stalls(&watch, &scene, at: 3).isEmpty)
        scene.snapshot.edges[1].dropped = 12
        #expect(
            stalls(&watch, &scene, at: 4) == [
                """
                edge relay.out -> slow.in full for 4.0 s (4 of 4 items, drop-oldest) and has dropped 12 items: slow \
                takes nothing
                """
            ])
        scene.snapshot.edges[1].dropped = 30
        #expect(stalls(&watch, &scene, at: 5).isEmpty)
        scene.snapshot.edges[1].popped = 2
        #expect(stalls(&watch, &scene, at: 6) == ["edge relay.out -> slow.in moves again after 6.0 s"])
    }

    @Test func aDroppingEdgeThatMovesIsNoStall() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.snapshot.edges[1].overflow = .dropOldest
        scene.snapshot.edges[1].held = 4
        for second in 0..<20 {
            scene.snapshot.edges[1].popped = second
            scene.snapshot.edges[1].dropped = 10 * second
            #expect(stalls(&watch, &scene, at: Double(second)).isEmpty)
        }
    }

    @Test func aNodeThatWaitsSaysForWhatAndTheEdgeBeforeItSaysItOnce() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.snapshot.nodes[2].wait = NodeTelemetry.Wait(what: "its peer", since: 0)
        _ = stalls(&watch, &scene, at: 0)
        #expect(stalls(&watch, &scene, at: 2) == ["slow has waited for its peer since 0.0 s"])
        #expect(stalls(&watch, &scene, at: 8).isEmpty)
        scene.snapshot.nodes[2].wait = nil
        #expect(stalls(&watch, &scene, at: 9) == ["goes on after waiting 9.0 s"])

        (scene, watch) = (Scene(), StallWatch())
        scene.snapshot.nodes[2].wait = NodeTelemetry.Wait(what: "its peer", since: 0)
        scene.fill(1)
        _ = stalls(&watch, &scene, at: 0)
        let said = stalls(&watch, &scene, at: 2)
        #expect(said.count == 1 && said[0].contains("slow has waited for its peer since 0.0 s; relay is held"))
    }

    @Test func aCallThatDoesNotReturnIsSaidWithThoseThatWaitForIt() {
        var (scene, watch) = (Scene(), StallWatch())
        scene.snapshot.lanes[0].call = (NodeKey(address: 2), 0)
        #expect(stalls(&watch, &scene, at: 0.9).isEmpty)
        #expect(
            stalls(&watch, &scene, at: 1.5) == [
                "relay has been in one call for 1.5 s; 1 other node of lane main wait for it"
            ])
        #expect(stalls(&watch, &scene, at: 3).isEmpty)
    }

    // MARK: Late

    /// 27 ms of work for each picture of 16.7 ms, taken from the edge before `slow`, while everything behind is full.
    private func overload(_ scene: inout Scene, pictures: Int, at seconds: Double, behind: Double) {
        scene.fill(0)
        scene.fill(1)
        scene.at(seconds)
        scene.snapshot.nodes[2].itemsIn = pictures
        scene.snapshot.nodes[2].busy = .seconds(0.027 * Double(pictures))
        scene.snapshot.edges[1].popped = pictures
        scene.snapshot.edges[1].gone = MediaTime(Int64(pictures), timescale: 60)
        scene.snapshot.nodes[0].behind = .seconds(behind)
    }

    @Test func theNodeThatMakesASourceLateIsNamedWithItsFigures() {
        var (scene, watch) = (Scene(), LateWatch())
        overload(&scene, pictures: 18, at: 0.5, behind: 0.2)
        #expect(watch.look(scene.index).isEmpty)
        overload(&scene, pictures: 74, at: 2, behind: 1)
        let remark = Remark(
            level: .warning, node: "source",
            what: "1.0 s behind and falling: slow takes 27.0 ms a picture and has 16.7\n  Do less.")
        #expect(watch.look(scene.index) == [remark])
        // Said again when it has doubled.
        overload(&scene, pictures: 111, at: 3, behind: 1.9)
        #expect(watch.look(scene.index).isEmpty)
        overload(&scene, pictures: 148, at: 4, behind: 2.1)
        #expect(watch.look(scene.index).map(\.what).first?.hasPrefix("2.1 s behind and falling") == true)
        #expect(watch.look(scene.index).isEmpty)
        #expect(
            watch.end(scene.snapshot).map(\.what) == [
                "was 2.1 s behind at the end: slow took 27.0 ms a picture and had 16.7"
            ])
        scene.snapshot.nodes[0].behind = .zero
        #expect(
            watch.end(scene.snapshot).map(\.what) == [
                "was up to 2.1 s behind, and has caught up: slow took 27.0 ms a picture and had 16.7"
            ])
    }

    @Test func oneThatWaitsIsTheReasonAndASourceThatIsSlowItselfToo() {
        var (scene, watch) = (Scene(), LateWatch())
        overload(&scene, pictures: 10, at: 2, behind: 1)
        scene.snapshot.nodes[2].wait = NodeTelemetry.Wait(what: "its peer", since: 0)
        // The watch for stalls has said that.
        #expect(watch.look(scene.index).isEmpty)
        #expect(watch.end(scene.snapshot).map(\.what) == ["was 1.0 s behind at the end: slow waited for its peer"])

        (scene, watch) = (Scene(), LateWatch())
        scene.at(2)
        scene.snapshot.nodes[0].behind = .seconds(1)
        scene.snapshot.nodes[0].itemsOut = 50
        scene.snapshot.nodes[0].busy = .seconds(2)
        scene.snapshot.edges[0].popped = 50
        scene.snapshot.edges[0].gone = .milliseconds(1_000)
        #expect(
            watch.look(scene.index).map(\.what) == [
                "1.0 s behind and falling: source takes 40.0 ms a picture and has 20.0"
            ])
    }

    /// The source is late only when it could send again: by then nobody holds it.
    @Test func theOneThatHeldTheSourceBeforeIsTheReason() {
        var (scene, watch) = (Scene(), LateWatch())
        scene.snapshot.nodes[2].wait = NodeTelemetry.Wait(what: "its peer", since: 0)
        overload(&scene, pictures: 10, at: 2, behind: 0)
        #expect(watch.look(scene.index).isEmpty)
        scene.snapshot.nodes[2].wait = nil
        for index in 0..<2 { scene.snapshot.edges[index].isRoomWanted = false }
        scene.at(2.5)
        scene.snapshot.nodes[0].behind = .seconds(1.5)
        #expect(watch.look(scene.index).isEmpty)
        #expect(watch.end(scene.snapshot).map(\.what) == ["was 1.5 s behind at the end: slow waited for its peer"])
    }

    @Test func aRunInTimeIsNotSpokenOf() {
        var (scene, watch) = (Scene(), LateWatch())
        for second in 1..<100 {
            overload(&scene, pictures: second * 10, at: Double(second), behind: 0.4)
            #expect(watch.look(scene.index).isEmpty)
        }
        #expect(watch.end(scene.snapshot).isEmpty)
    }

    // MARK: The pace

    @Test func anEdgeThatIsAlwaysFullButMovesHasItsNodeNamedAtTheEnd() {
        var (scene, watch) = (Scene(), PaceWatch())
        for look in 1...10 {
            // The second edge is full too, and so `slow` is the root.
            overload(&scene, pictures: look * 20, at: Double(look) / 2, behind: 0)
            if look == 3 { for index in 0..<2 { scene.snapshot.edges[index].isRoomWanted = false } }
            watch.look(scene.index)
        }
        #expect(
            watch.end(scene.snapshot).map(\.what) == [
                "sets the pace: edge relay.out -> slow.in was full 90 % of the time, and slow took 27.0 ms a picture"
            ])
    }

    @Test func anEdgeThatIsFullNowAndThenAndAShortRunAreNotSpokenOf() {
        var (scene, watch) = (Scene(), PaceWatch())
        for look in 1...20 {
            overload(&scene, pictures: look, at: Double(look) / 2, behind: 0)
            if look % 2 == 0 { scene.snapshot.edges[1].isRoomWanted = false }
            watch.look(scene.index)
            if look == 3 { #expect(watch.end(scene.snapshot).isEmpty) }
        }
        #expect(watch.end(scene.snapshot).isEmpty)
    }

    // MARK: Losses

    @Test func theFirstDropIntoARecordingIsSaidAndTheSumAtTheEnd() {
        var (scene, watch) = (Scene(), LossWatch())
        scene.snapshot.nodes[2] = scene.node(3, "tape", traits: .keeps)
        scene.snapshot.edges[1] = scene.edge("relay.out", 2, "tape.in", 3)
        scene.snapshot.edges[1].overflow = .dropNewest
        // Until the first item comes through nothing is kept.
        (scene.snapshot.edges[1].dropped, scene.snapshot.edges[1].droppedBefore) = (5, 5)
        #expect(watch.look(scene.index).isEmpty)
        (scene.snapshot.edges[1].pushed, scene.snapshot.edges[1].popped) = (25, 20)
        #expect(watch.look(scene.index).isEmpty)
        (scene.snapshot.edges[1].pushed, scene.snapshot.edges[1].dropped) = (30, 6)
        let said = watch.look(scene.index)
        #expect(said.count == 1 && said[0].node == "tape" && said[0].level == .warning)
        #expect(said[0].what.hasPrefix("edge relay.out -> tape.in drops (drop-newest): tape lacks"), "\(said)")
        (scene.snapshot.edges[1].pushed, scene.snapshot.edges[1].dropped) = (100, 45)
        #expect(watch.look(scene.index).isEmpty)
        #expect(
            watch.end(scene.snapshot).map(\.what) == ["edge relay.out -> tape.in has dropped 40 of 100 pictures"])
    }

    @Test func aRunThatIsShorterThanTheFirstLookSaysBothAtItsEnd() {
        var (scene, watch) = (Scene(), LossWatch())
        scene.snapshot.nodes[2] = scene.node(3, "tape", traits: .keeps)
        scene.snapshot.nodes[2].state = .finished
        scene.snapshot.edges[1] = scene.edge("relay.out", 2, "tape.in", 3)
        scene.snapshot.edges[1].overflow = .dropNewest
        (scene.snapshot.edges[1].pushed, scene.snapshot.edges[1].popped) = (30, 20)
        (scene.snapshot.edges[1].dropped, scene.snapshot.edges[1].droppedBefore) = (10, 3)
        let said = watch.end(scene.snapshot).map(\.what)
        #expect(said.count == 2 && said[0].hasPrefix("edge relay.out -> tape.in drops (drop-newest): tape lacks"))
        #expect(said.last == "edge relay.out -> tape.in has dropped 7 of 30 pictures")
        // One that failed let go of what waited before it; that is told by its error.
        var other = LossWatch()
        scene.snapshot.nodes[2].state = .failed
        #expect(other.end(scene.snapshot).isEmpty)
    }

    @Test func dropsBeforeOtherNodesAreTheirBusiness() {
        var (scene, watch) = (Scene(), LossWatch())
        scene.snapshot.edges[1].overflow = .dropOldest
        scene.snapshot.edges[1].popped = 5
        _ = watch.look(scene.index)
        scene.snapshot.edges[1].dropped = 50
        #expect(watch.look(scene.index).isEmpty && watch.end(scene.snapshot).isEmpty)
    }
}
