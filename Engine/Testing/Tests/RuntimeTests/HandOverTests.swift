@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Answers every number with one more.
private final class Echo: Node {
    static let descriptor = NodeDescriptor("echo", summary: "Answers every number with another")
    let input = Input<MediaItem>("media", optional: true)
    let heard = ValueInput("in", help: "a number")
    let said = ValueOutput("out", help: "that number and one")
    @Parameter("begins", default: false, help: "says the first number") var begins: Bool
    private(set) var count = 0
    init() {}
    func process(now: Instant) {
        while input.next() != nil {}
        if begins, count == 0 { said.send(1) }
        guard let number = heard.take() else { return }
        count += 1
        said.send(number + 1)
    }
}

/// Tells a number with each item, and takes numbers.
private final class Teller: Node {
    static let descriptor = NodeDescriptor("teller", summary: "Tells a number with each item")
    let input = Input<MediaItem>("in")
    let said = ValueOutput("out", help: "how many items came")
    private var count = 0
    private var context: NodeContext!
    init() {}
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        guard input.next() != nil else { return }
        context.wakeAgain()
        count += 1
        said.send(Double(count))
    }
}

/// Is called each millisecond.
private final class Metronome: Node {
    static let descriptor = NodeDescriptor("metronome", summary: "Is called each millisecond")
    let output = Output<MediaItem>("out", optional: true)
    private var context: NodeContext!
    private var ticks: Metric.Counter!
    init() {}
    func prepare(_ context: NodeContext) {
        self.context = context
        ticks = context.counter("ticks")
    }
    func process(now: Instant) {
        ticks.add()
        context.wake(at: now + .milliseconds(1))
    }
}

@Suite struct HandOverTests {
    private func loop(_ graph: inout GraphBuilder) {
        graph.node("a", Echo.self, ["begins": true])
        graph.node("b", Echo.self)
        graph.control("a.out -> b.in", .value)
        graph.control("b.out -> a.in", .value)
    }

    @Test func nodesThatAnswerEachOtherForEverEndWithTheirNames() throws {
        var graph = GraphBuilder()
        loop(&graph)
        var options = RunOptions()
        options.duration = .seconds(1)
        let harness = try GraphHarness(graph, options: options)
        #expect(harness.run() == .failed)
        let said = "\(harness.failure.map { "\($0)" } ?? "none")"
        #expect(said.contains("was handed controls 100000 times at 0.000 s while no media moved"), "\(said)")
        #expect(
            said.contains("the control links a -> b -> a are a loop") || said.contains("b -> a -> b are a loop"),
            "\(said)")
        #expect(said.contains("answer only what has changed"))
    }

    @Test func aLoopThroughAnInstanceIsOneToo() throws {
        var graph = GraphBuilder()
        graph.node("a", Echo.self, ["begins": true])
        graph.template("guest", count: 1) {
            $0.node("b", Echo.self)
            $0.control("$parent.a.out -> b.in", .value)
            $0.control("b.out -> $parent.a.in", .value, join: .last)
        }
        var options = RunOptions()
        options.duration = .seconds(1)
        let harness = try GraphHarness(graph, options: options)
        harness.run()
        #expect(
            harness.events.contains { $0.level == .error && $0.what.contains("a -> guest.1/b") },
            "\(harness.events.map(\.what))")
    }

    /// A node that hears of others' media, and to which nothing leads back, may be called as often as they move.
    @Test func withoutALoopNothingIsRefused() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("teller", Teller.self)
        graph.node("echo", Echo.self)
        graph.edge("from.out -> teller.in", items: 200_000, milliseconds: 100_000_000)
        graph.control("teller.out -> echo.in", .value)
        var options = RunOptions()
        options.duration = .seconds(1)
        let harness = try GraphHarness(graph, options: options)
        harness.source("from").push(TestMedia.pictures(count: 120_000))
        harness.settle()
        harness.source("from").end()
        #expect(harness.run() == .finished, "\(harness.events.map(\.what))")
        #expect((harness.node("echo") as? Echo)?.count ?? 0 > HandOverTests.most)
    }

    private static let most = 100_000

    /// Many controls at one instant are no loop where media move.
    @Test func controlsThatComeWithMediaAreNotCounted() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("teller", Teller.self)
        graph.node("echo", Echo.self)
        graph.edge("from.out -> teller.in", items: 200_000, milliseconds: 100_000_000)
        graph.node("more", TestSource.self)
        graph.edge("more.out -> echo.media", items: 200_000, milliseconds: 100_000_000)
        graph.control("teller.out -> echo.in", .value)
        let harness = try GraphHarness(graph)
        for _ in 0..<3 {
            for name in ["from", "more"] { harness.source(name).push(TestMedia.pictures(count: 40_000)) }
            harness.settle()
        }
        for name in ["from", "more"] { harness.source(name).end() }
        #expect(harness.run() == .finished, "\(harness.events.map(\.what))")
    }

    /// By the system's clock a loop costs its lane's time and holds up nobody.
    @Test func aLoopDoesNotStarveItsLane() throws {
        var graph = GraphBuilder()
        loop(&graph)
        graph.node("ticker", Metronome.self)
        var options = RunOptions()
        options.duration = .milliseconds(500)
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        #expect(try run.execute() == .finished)
        let ticks = run.snapshot().node("ticker")?.metric("ticks").map { "\($0)" } ?? ""
        let count = Int(ticks.filter(\.isNumber)) ?? 0
        #expect(count > 50, "\(ticks)")
    }

    /// Prepared on a builder's thread while the lane runs.
    private final class Hurried: Node {
        static let descriptor = NodeDescriptor("hurried", summary: "Wants to be called again from the start")
        let input = Input<MediaItem>("in", optional: true)
        var reasons: [WakeReasons] = []
        private var context: NodeContext!
        init() {}
        func prepare(_ context: NodeContext) {
            self.context = context
            context.wakeAgain()
        }
        func process(now: Instant) { reasons.append(context.reasons) }
    }

    @Test func aNodeMayAskInItsPreparationToBeCalledAgain() throws {
        let harness = try NodeHarness(Hurried.self)
        harness.settle()
        #expect(harness.node.reasons.first?.isSuperset(of: [.start, .more]) == true, "\(harness.node.reasons)")
        #expect(harness.node.reasons.count == 1)
    }

    /// For the thread sanitizer: the queue of a running lane is its own.
    @Test func instancesThatAskForItWhileTheirLaneRunsAreSafe() throws {
        var graph = GraphBuilder()
        graph.node("ticker", Metronome.self)
        graph.node("crowd", Crowd.self)
        graph.template("guest") { $0.node("hurried", Hurried.self) }
        var options = RunOptions()
        options.duration = .milliseconds(500)
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        #expect(try run.execute() == .finished)
        #expect(run.snapshot().instances == 0)
    }

    /// Starts a guest each millisecond.
    private final class Crowd: Node {
        static let descriptor = NodeDescriptor("crowd", summary: "Starts guests")
        let output = Output<MediaItem>("out", optional: true)
        private var context: NodeContext!
        private var guests: [NodeContext.Instance] = []
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            if guests.count < 100 { guests.append(context.start("guest")) }
            if guests.count > 10 { guests[guests.count - 10].stop() }
            context.wake(at: now + .milliseconds(1))
        }
    }
}
