import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct LifeTests {
    func brittle(restarts: Bool) throws -> NodeHarness<Brittle> {
        try NodeHarness(Brittle.self, parameters: ["at": 2], restarts: restarts)
    }

    @Test func aNodeThatThrowsEndsItsSessionWithItsWords() throws {
        let harness = try brittle(restarts: false)
        harness.push(TestMedia.pictures(count: 5))
        #expect(harness.finish() == .failed)
        #expect("\(harness.error!)".contains("picture 2 is bad"))
        #expect(harness.pullAll().count == 2)
        #expect(harness.graph.isBalanced)
    }

    @Test func aRestartedNodeIsANewInstanceOnTheSameEdges() throws {
        let harness = try brittle(restarts: true)
        harness.set("gain", to: 4)
        harness.settle()
        let first = ObjectIdentifier(harness.node)
        harness.push(TestMedia.pictures(count: 5))
        harness.settle()
        #expect(harness.state == "restarting")
        harness.advance(by: .milliseconds(99))
        #expect(harness.state == "restarting")
        harness.advance(by: .milliseconds(1))
        #expect(harness.state == "running")
        #expect(ObjectIdentifier(harness.node) != first)
        #expect(harness.node.gain == 4 && harness.node.$gain.isGiven && harness.node.$at.isGiven)
        let out = harness.pullAll()
        #expect(out.map { TestMedia.number(of: $0) } == [0, 1, 3, 4])
        #expect(out.map { $0.header.flags.contains(.discontinuity) } == [false, false, true, false])
        #expect(harness.finish() == .finished)
    }

    @Test func aNodeIsRestartedFiveTimesInAMinuteWithGrowingPauses() throws {
        let harness = try brittle(restarts: true)
        for time in 0..<6 { harness.push(TestMedia.pictures(first: time * 100 + 2, count: 1)) }
        harness.advance(by: .seconds(20))
        #expect(harness.state == "failed" || harness.isOver)
        let pauses = harness.events.filter { $0.what.contains("restarting in") }.map(\.what)
        #expect(pauses.count == 5)
        for (pause, words) in zip(pauses, ["0.1 s", "0.3 s", "0.9 s", "2.7 s", "5.0 s"]) {
            #expect(pause.contains(words))
        }
    }

    @Test func aSourceThatIsStoppedWhileItRestartsStops() throws {
        final class Failing: Node {
            static let descriptor = NodeDescriptor("failing", summary: "Fails at once, then goes on for ever")
            let output = Output<MediaItem>("out")
            nonisolated(unsafe) static var calls = 0
            func process(now: Instant) throws {
                Failing.calls += 1
                if Failing.calls == 1 { throw NodeError("not yet") }
            }
        }
        var graph = GraphBuilder()
        graph.node("from", Failing.self, onError: .restart)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in")
        let harness = try GraphHarness(graph)
        harness.settle()
        #expect(harness.state(of: "from") == "restarting")
        harness.stop()
        harness.runOut()
        #expect(harness.isOver)
    }

    @Test func controlsThatComeWhileANodeRestartsReachTheNewInstance() throws {
        let harness = try brittle(restarts: true)
        harness.push(TestMedia.pictures(first: 2, count: 1))
        harness.settle()
        #expect(harness.state == "restarting")
        harness.set("gain", to: 7)
        harness.advance(by: .seconds(1))
        #expect(harness.node.gain == 7)
    }

    @Test func aFormatThatTheNextNodeCannotTakeFailsWithBothEnds() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("sink", S16Sink.self)
        graph.edge("from.out -> sink.in", items: 100, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        harness.source("from").push(TestMedia.sine(count: 2))
        harness.source("from").push(TestMedia.sine(format: TestMedia.audio(.s16, rate: 44_100), count: 1))
        harness.settle()
        #expect((harness.node("sink") as? S16Sink)?.changes == 2)
        harness.source("from").push(TestMedia.sine(format: TestMedia.audio(.f32), count: 1))
        #expect(harness.run() == .failed)
        let words = "\(harness.failure!)"
        #expect(words.contains("from.out gives audio f32 48000 Hz 2 ch"))
        #expect(words.contains("sink.in takes audio s16"))
    }

    @Test func theSameFormatInAnotherObjectIsNoChange() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("sink", S16Sink.self)
        graph.edge("from.out -> sink.in", items: 100, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        for number in 0..<3 {
            harness.source("from").push(TestMedia.sine(format: TestMedia.audio(), first: number, count: 1))
        }
        harness.settle()
        #expect((harness.node("sink") as? S16Sink)?.changes == 1)
    }

    @Test func aFormatKnownInPrepareIsCheckedBeforeAnythingRuns() throws {
        #expect(throws: (any Error).self) {
            _ = try NodeHarness(S16Sink.self, announcing: ["in": TestMedia.audio(.f32)])
        }
    }

    @Test func aBusyNodeLetsTheOthersOfItsLaneHaveTheirTurns() throws {
        var graph = GraphBuilder()
        graph.node("busy", Busy.self)
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: 100, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        let busy = harness.node("busy") as? Busy
        harness.source("from").push(TestMedia.pictures(count: 3))
        #expect(harness.step("busy") == .start)
        #expect(harness.step("to") != nil)
        while harness.sink("to").received.isEmpty { _ = harness.step("to") }
        #expect(busy!.sent < 200)
        harness.runOut()
        #expect(busy!.batches.max() == 32)
        #expect(busy!.sent == 200)
    }

    @Test func timersWakeAtTheirTimeAndSayWhy() throws {
        var graph = GraphBuilder()
        graph.node("ticker", Ticker.self)
        let harness = try GraphHarness(graph)
        let ticker = harness.node("ticker") as? Ticker
        #expect(harness.step("ticker") == .start)
        #expect(harness.step("ticker") == .timer)
        #expect(harness.now == Instant(nanoseconds: 10_000_000))
        harness.runOut()
        #expect(ticker?.woken == (1...20).map { Instant(nanoseconds: Int64($0) * 10_000_000) })
        #expect(harness.isOver && harness.outcome == .finished)
    }

    @Test func postsWakeTheirNodeAndAreBounded() throws {
        final class Post: Node {
            static let descriptor = NodeDescriptor("post", summary: "Takes posts")
            var mailbox: NodeContext.Inbox<UInt64>?
            var words: [UInt64] = []
            func prepare(_ context: NodeContext) { mailbox = context.inbox(of: UInt64.self) }
            func process(now: Instant) { while let word = mailbox?.next() { words.append(word) } }
        }
        let harness = try NodeHarness(Post.self)
        harness.settle()
        for word in 0..<UInt64(256) { #expect(harness.node.mailbox?.post(word) == true) }
        #expect(harness.node.mailbox?.post(0) == false)
        #expect(harness.step() == .post)
        #expect(harness.node.words == (0..<UInt64(256)).map { $0 })
    }

    @Test func aFenceTellsWhenWhatWasSentHasGone() throws {
        final class Fencer: Node {
            static let descriptor = NodeDescriptor("fencer", summary: "Places a fence behind five pictures")
            let output = Output<VideoFrame>("out")
            var context: NodeContext?
            var isPlaced = false
            var passed: [WakeReasons] = []
            func prepare(_ context: NodeContext) { self.context = context }
            func process(now: Instant) {
                if isPlaced {
                    if output.isFencePassed { passed.append(context!.reasons) }
                } else {
                    for picture in TestMedia.pictures(count: 5) { output.send(picture) }
                    output.placeFence()
                    isPlaced = true
                }
            }
        }
        var graph = GraphBuilder()
        graph.node("fencer", Fencer.self)
        graph.node("to", TestSink.self)
        graph.edge("fencer.out -> to.in", items: 2, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        let fencer = harness.node("fencer") as? Fencer
        harness.sink("to").appetite = 4
        harness.settle()
        #expect(fencer?.passed.isEmpty == true)
        harness.sink("to").appetite = 1
        harness.settle()
        #expect(fencer?.passed.count == 1)
        #expect(fencer?.passed.first?.contains(.fence) == true)
    }

    @Test(arguments: [nil, "other"] as [String?])
    func theNextNodeSeesAFenceWhenItHasTakenAllBeforeIt(lane: String?) throws {
        final class Fencer: Node {
            static let descriptor = NodeDescriptor("fencer", summary: "Places a fence behind pictures, twice")
            let output = Output<VideoFrame>("out")
            let go = RequestInput("go", help: "three more, and a fence")
            let fence = RequestInput("fence", help: "a fence and nothing before it")
            func process(now: Instant) {
                if go.take() {
                    for picture in TestMedia.pictures(count: 3) { output.send(picture) }
                    output.placeFence()
                }
                if fence.take() { output.placeFence() }
            }
        }
        final class Looker: Node {
            static let descriptor = NodeDescriptor("looker", summary: "Notes how much came before each fence")
            let input = Input<VideoFrame>("in")
            var taken = 0
            var fences: [Int] = []
            func process(now: Instant) {
                while input.next() != nil { taken += 1 }
                if input.takeFence() { fences.append(taken) }
                if input.takeFence() { fences.append(-1) }
            }
        }
        var graph = GraphBuilder()
        graph.node("fencer", Fencer.self)
        graph.node("to", Looker.self, lane: lane)
        // Two items at most, so that what is behind waits in the node and the fence with it.
        graph.edge("fencer.out -> to.in", items: 2, milliseconds: 10_000)
        let harness = try GraphHarness(graph)
        let looker = harness.node("to") as? Looker
        harness.settle()
        #expect(looker?.fences == [])
        harness.request("go", of: "fencer")
        harness.settle()
        #expect(looker?.fences == [3])
        harness.request("fence", of: "fencer")
        harness.settle()
        #expect(looker?.fences == [3], "nothing new stands before it")
        harness.request("go", of: "fencer")
        harness.settle()
        #expect(looker?.fences == [3, 6])
    }

    @Test func anAbsentStreamTakesItsOptionalEdgeAndTheNodesBehindItAway() throws {
        final class NoAudio: Node {
            static let descriptor = NodeDescriptor("no-audio", summary: "Has no audio")
            let video = Output<VideoFrame>("video")
            let audio = Output<AudioFrame>("audio")
            var context: NodeContext?
            func prepare(_ context: NodeContext) {
                self.context = context
                audio.markAbsent()
            }
            func process(now: Instant) {
                video.send(TestMedia.pictures(count: 1)[0])
                context?.finish()
            }
        }
        func graph(optional: Bool) -> GraphBuilder {
            var graph = GraphBuilder()
            graph.node("source", NoAudio.self)
            graph.node("through", Through.self)
            graph.node("audio", TestSink.self)
            graph.node("picture", TestSink.self)
            graph.edge("source.audio -> through.in", optional: optional)
            graph.edge("through.out -> audio.in")
            graph.edge("source.video -> picture.in")
            return graph
        }
        let harness = try GraphHarness(graph(optional: true))
        #expect(harness.nodeNames == ["source", "picture"])
        #expect(harness.events.contains { $0.what.contains("source.audio -> through.in") })
        #expect(harness.run() == .finished)
        #expect(throws: GraphError.self) { _ = try GraphHarness(graph(optional: false)) }
    }

    @Test func aServiceIsOneInstanceForTheRun() throws {
        final class Shop: Sendable {}
        final class Customer: Node {
            static let descriptor = NodeDescriptor("customer", summary: "Asks for a service")
            var found: Shop?
            func prepare(_ context: NodeContext) throws { found = try context.service(Shop.self) }
            func process(now: Instant) {}
        }
        let registry = NodeRegistry()
        registry.provide(Shop.self) { Shop() }
        func customers() throws -> [Shop?] {
            var graph = GraphBuilder(registry: registry)
            graph.node("a", Customer.self)
            graph.node("b", Customer.self)
            let harness = try GraphHarness(graph)
            return ["a", "b"].map { (harness.node($0) as? Customer)?.found }
        }
        let first = try customers()
        let second = try customers()
        #expect(first[0] != nil && first[0] === first[1])
        #expect(first[0] !== second[0])
    }

    @Test func aRunInVirtualTimeThatNothingWakesIsGivenUpByName() throws {
        let harness = try NodeHarness(Through.self)
        #expect(harness.graph.run() == .failed)
        #expect(harness.events.contains { $0.node == "node" && $0.what.contains("nothing left to wake it") })
    }

    @Test func equalRunsGiveEqualReports() throws {
        func report() throws -> String {
            let harness = try NodeHarness(Merge.self)
            harness.push(TestMedia.pictures(count: 20), into: "a")
            harness.push(TestMedia.pictures(count: 20), into: "b")
            _ = harness.finish()
            return harness.report
        }
        let first = try report()
        #expect(try first == report())
        let json = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
        #expect(json["outcome"] as? String == "finished")
        #expect(json["process"] == nil)
        for edge in try #require(json["edges"] as? [[String: Any]]) {
            func count(_ key: String) -> Int { edge[key] as? Int ?? -1 }
            #expect(count("pushed") == count("popped") + count("dropped") + count("flushed") + count("held"))
        }
    }
}
