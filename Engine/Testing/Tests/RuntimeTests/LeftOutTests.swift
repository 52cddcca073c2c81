@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// A source that finds no audio, so that what leads from its audio is left out.
private final class Mute: Node {
    static let descriptor = NodeDescriptor("mute", summary: "Has video and no audio")
    let video = Output<VideoFrame>("video")
    let audio = Output<AudioFrame>("audio")
    private var context: NodeContext?

    func prepare(_ context: NodeContext) {
        self.context = context
        audio.markAbsent()
    }

    func process(now: Instant) {
        video.send(TestMedia.pictures(count: 1)[0])
        context?.finish()
    }
}

/// Templates at what is not there.
@Suite struct LeftOutTests {
    private func graph(optional: Bool, count: Int, _ body: (inout GraphBuilder) -> Void = { _ in }) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node("source", Mute.self)
        graph.node("relay", Host.self)
        graph.node("picture", Host.self)
        graph.edge("source.audio -> relay.in", optional: true)
        graph.edge("source.video -> picture.in")
        graph.template("listener", count: count) {
            $0.node("through", Through.self)
            $0.node("to", TestSink.self)
            $0.edge("$parent.relay.out -> through.in", overflow: .dropOldest, optional: optional)
            $0.edge("through.out -> to.in")
            body(&$0)
        }
        return graph
    }

    @Test func anEdgeFromANodeThatWasLeftOutIsToldInASentence() throws {
        let error = #expect(throws: GraphError.self) { _ = try GraphHarness(graph(optional: false, count: 1)) }
        let words = error.map { "\($0)" } ?? ""
        #expect(words.contains("edge \"$parent.relay.out -> through.in\": relay was left out"))
        #expect(words.contains("\"optional\": true"))
    }

    @Test func oneThatIsStartedLaterIsAnEventAndEndsAlone() throws {
        let harness = try GraphHarness(graph(optional: false, count: 0))
        let handle = (harness.node("picture") as? Host)?.start("listener")
        #expect(harness.run() == .finished)
        #expect(handle?.isOver == true)
        #expect(harness.events.contains { $0.level == .error && $0.what.contains("relay was left out") })
    }

    @Test func anInstanceOfWhichNothingIsLeftIsLeftOut() throws {
        let harness = try GraphHarness(graph(optional: true, count: 2))
        #expect(harness.nodeNames == ["source", "picture"])
        #expect(harness.run() == .finished)
        #expect(harness.events.contains { $0.node == "listener.2" && $0.what.contains("left out") })
    }

    @Test func anOptionalEdgeGoesAndTheRestOfTheInstanceStays() throws {
        let harness = try GraphHarness(
            graph(optional: true, count: 1) {
                $0.node("see", TestSink.self)
                $0.edge("$parent.picture.out -> see.in", overflow: .dropOldest)
            })
        #expect(harness.nodeNames == ["source", "picture", "listener.1/see"])
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "listener.1/see.in")?.popped == 1)
    }

    @Test func aControlToANodeThatWasLeftOutGoesWithIt() throws {
        final class LeftDial: Node {
            static let descriptor = NodeDescriptor("left-dial", summary: "Takes audio and a level")
            let input = Input<AudioFrame>("in")
            @Live("level", default: 0, help: "a value") var level: Double
            func process(now: Instant) { while input.next() != nil {} }
        }
        var graph = graph(optional: true, count: 0)
        graph.node("dial", LeftDial.self)
        graph.node("inner", Knobs.self)
        graph.edge("relay.out -> dial.in")
        graph.control("inner.level -> dial.level", .value)
        graph.template("viewer", count: 1) {
            $0.node("see", Dial.self)
            $0.node("knobs", Knobs.self)
            $0.edge("$parent.picture.out -> see.in", overflow: .dropOldest)
            $0.control("knobs.level -> $parent.dial.level", .value, join: .min)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        (harness.node("viewer.1/knobs") as? Knobs)?.level.send(3)
        (harness.node("inner") as? Knobs)?.level.send(3)
        harness.settle()
        #expect(harness.nodeNames.contains("viewer.1/see"))
        #expect(!harness.nodeNames.contains("dial"))
        #expect(harness.events.contains { $0.what.contains("control \"knobs.level -> $parent.dial.level\" left out") })
    }

    @Test func aPlanWithACycleIsRefusedInASentence() throws {
        var graph = GraphBuilder()
        graph.node("a", Through.self)
        graph.node("b", Through.self)
        graph.edge("a.out -> b.in")
        graph.edge("b.out -> a.in")
        let error = #expect(throws: GraphError.self) { _ = try GraphHarness(graph) }
        #expect(error.map { "\($0)" }?.contains("form a cycle") == true)
    }

    @Test func aPlanThatNamesWhatItDoesNotHoldIsRefusedInASentence() throws {
        var graph = GraphBuilder()
        graph.node("a", Through.self)
        graph.edge("nobody.out -> a.in")
        let error = #expect(throws: GraphError.self) { _ = try GraphHarness(graph) }
        #expect(error.map { "\($0)" }?.contains("names nobody.out") == true)
    }
}
