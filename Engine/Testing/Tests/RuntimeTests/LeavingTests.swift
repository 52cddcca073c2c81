import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// Takes what comes, and is never done with its end.
private final class Lingerer: Node {
    static let descriptor = NodeDescriptor("lingerer", summary: "Never finishes")
    let input = Input<MediaItem>("in")
    static let closed = Atomic<Int>(0)
    init() {}
    func prepare(_ context: NodeContext) { context.isWaiting(for: "a reader that never comes") }
    func process(now: Instant) { while input.next() != nil {} }
    func finish(now: Instant) -> Bool { false }
    func close() { Lingerer.closed.wrappingAdd(1, ordering: .relaxed) }
}

/// Takes one item each second, also of what is left at its end.
private final class Slow: Node {
    static let descriptor = NodeDescriptor("slow", summary: "Takes one item a second")
    let input = Input<MediaItem>("in")
    private var context: NodeContext!
    private var free = Instant(nanoseconds: 0)
    init() {}
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        guard now >= free else { return context.wake(at: free) }
        guard input.next() != nil else { return }
        free = now + .seconds(1)
        context.wake(at: free)
    }
}

/// Blocks in its call until it is interrupted.
private final class Blocked: Node {
    static let descriptor = NodeDescriptor("blocked", summary: "Blocks", work: .blocking)
    let input = Input<MediaItem>("in")
    static let entered = DispatchSemaphore(value: 0)
    private let gate = DispatchSemaphore(value: 0)
    private let isInterrupted = Atomic<Bool>(false)
    init() {}
    func process(now: Instant) {
        while input.next() != nil {
            guard !isInterrupted.load(ordering: .relaxed) else { continue }
            Blocked.entered.signal()
            gate.wait()
        }
    }
    func interrupt() {
        isInterrupted.store(true, ordering: .relaxed)
        gate.signal()
    }
}

/// Starts an instance with its first item, and stops it when the test says so.
private final class Holder: Node {
    static let descriptor = NodeDescriptor("holder", summary: "Starts one instance")
    let output = Output<MediaItem>("out")
    static let handle = Mutex<NodeContext.Instance?>(nil)
    private var context: NodeContext!
    init() {}
    func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(TestMedia.video())
    }
    func process(now: Instant) {
        if Holder.handle.withLock({ $0 == nil }) {
            let started = context.start("viewer")
            Holder.handle.withLock { $0 = started }
        }
        for item in TestMedia.pictures(count: 1) { output.send(item) }
        context.wake(at: now + .milliseconds(10))
    }
}

/// An instance that leaves has the deadline of a graph that stops.
@Suite struct LeavingTests {
    private func harness(_ type: any Node.Type) throws -> GraphHarness {
        try TemplateTests().host {
            $0.template("leaver") { inner in
                inner.node("node", type)
                inner.edge("$parent.host.out -> node.in", items: 100, milliseconds: 100_000, overflow: .dropOldest)
            }
        }
    }

    @Test func oneThatDoesNotFinishIsLeftWithASentenceAndTheGraphGoesOn() throws {
        let before = Lingerer.closed.load(ordering: .relaxed)
        let harness = try harness(Lingerer.self)
        let host = harness.node("host") as! Host
        let handle = host.start("leaver")
        host.start("viewer")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 3))
        harness.settle()
        let left = harness.now
        handle.stop()
        harness.advance(by: .seconds(4))
        #expect(!handle.isOver && harness.node("leaver.1/node") != nil)
        harness.advance(by: .seconds(4))
        #expect(handle.isOver && harness.node("leaver.1/node") == nil)
        #expect(Lingerer.closed.load(ordering: .relaxed) == before + 1)
        let said = harness.events.filter { $0.node == "leaver.1/node" && $0.level == .error }.map(\.what)
        #expect(
            said.count == 1 && said[0].hasPrefix("did not finish within the deadline of its instance, which leaves: ")
                && said[0].contains("a reader that never comes"), "\(said)")
        #expect((harness.now - left).seconds == 8)
        // The graph and the others go on.
        harness.source("from").push(TestMedia.pictures(first: 3, count: 3))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "viewer.1/to.in")?.popped == 6)
        #expect(harness.isBalanced)
    }

    @Test func oneThatMovesHasAllTheTimeItNeeds() throws {
        let harness = try harness(Slow.self)
        let handle = (harness.node("host") as! Host).start("leaver")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 20))
        harness.settle()
        handle.stop()
        harness.advance(by: .seconds(15))
        #expect(!handle.isOver)
        harness.advance(by: .seconds(10))
        #expect(handle.isOver && !harness.events.contains { $0.level == .error })
        #expect(harness.edge(to: "leaver.1/node.in")?.popped == 20)
    }

    /// A graph whose media end by themselves ends its instances, which nobody else watches then.
    @Test func anInstanceThatHangsDoesNotHoldAGraphThatHasEnded() throws {
        let harness = try harness(Lingerer.self)
        (harness.node("host") as! Host).start("leaver")
        harness.settle()
        harness.source("from").push(TestMedia.pictures(count: 3))
        harness.source("from").end()
        harness.settle()
        harness.advance(by: .seconds(8))
        #expect(harness.isOver && harness.outcome == .finished, "\(harness.events.map(\.what))")
    }

    @Test func oneThatBlocksInACallIsInterrupted() throws {
        var graph = GraphBuilder()
        graph.node("holder", Holder.self)
        graph.node("relay", Through.self)
        graph.node("host", Host.self)
        graph.edge("holder.out -> relay.in")
        graph.edge("relay.out -> host.in")
        graph.template("viewer") {
            $0.node("node", Blocked.self)
            $0.edge("$parent.host.out -> node.in", overflow: .dropOldest)
        }
        var options = RunOptions()
        options.stopDeadline = .milliseconds(300)
        options.tickInterval = .milliseconds(50)
        options.duration = .seconds(60)
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        Thread.detachNewThread {
            Blocked.entered.wait()
            let handle = Holder.handle.withLock { $0 }
            handle?.stop()
            while handle?.isOver == false, run.snapshot(.counters).time < .seconds(30) { usleep(10_000) }
            run.stop()
        }
        #expect(try run.execute() != .failed)
        #expect(Holder.handle.withLock { $0?.isOver } == true)
        #expect(run.snapshot(.counters).time < .seconds(30))
    }
}
