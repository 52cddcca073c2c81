import Foundation
import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// Starts so many viewers at once, waits until all of them run, stops them all, and finishes when they are gone.
private final class Crowd: Node {
    static let descriptor = NodeDescriptor("crowd", summary: "Starts and stops many viewers at once", traits: .shares)
    let input = Input<Packet>("in")
    let output = FanOut<Packet>("out", follows: "in")
    @Parameter("count", default: 1_000, help: "viewers") var count: Int
    private var context: NodeContext?
    private var handles: [NodeContext.Instance] = []
    private var isStopped = false
    /// Those that ran.
    static let ran = Atomic<Int>(0)

    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        if handles.isEmpty, let context { handles = (0..<count).map { _ in context.start("viewer") } }
        if !isStopped, handles.allSatisfy({ !$0.name.isEmpty }) {
            Crowd.ran.store(handles.count, ordering: .relaxed)
            isStopped = true
            for handle in handles { handle.stop() }
        }
        if isStopped, handles.allSatisfy(\.isOver) { context?.finish() }
        context?.wake(at: now + .milliseconds(5))
        while let packet = input.next() { output.send(packet) }
    }
}

/// Fails at its third packet, unless it was restarted.
private final class Fragile: Node {
    static let descriptor = NodeDescriptor("fragile", summary: "Fails once")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    private var context: NodeContext?
    private var taken = 0
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) throws {
        while let packet = input.next() {
            taken += 1
            if taken == 3, context?.restarts == 0 { throw NodeError("it is fragile") }
            output.send(packet)
        }
    }
}

/// Takes nothing for 20 ms, then everything that has come.
private final class Sleepy: Node {
    static let descriptor = NodeDescriptor("sleepy", summary: "Stalls again and again")
    let input = Input<Packet>("in")
    private var context: NodeContext?
    func prepare(_ context: NodeContext) {
        self.context = context
        context.isWaiting(for: "the end of its nap")
        context.wake(at: context.now + .milliseconds(20))
    }
    func process(now: Instant) {
        guard let context, context.reasons.contains(.timer) || context.isStopping else { return }
        while input.next() != nil {}
        context.wake(at: now + .milliseconds(20))
    }
}

/// Real threads, for the thread sanitizer too.
@Suite(.serialized) struct CrowdTests {
    @Test func aThousandJoinAtOnceWhileOthersRestartAndStallAndEpochsRise() throws {
        var graph = GraphBuilder()
        graph.node("tick", Tick.self, ["count": 1_000_000], lane: "one")
        graph.node("crowd", Crowd.self, lane: "two")
        graph.node("raiser", Raiser.self, ["count": 1_000_000], lane: "three")
        graph.edge("tick.out -> crowd.in", items: 64, overflow: .dropOldest)
        graph.template("viewer") {
            $0.node("fragile", Fragile.self, pool: LanePool("viewers", lanes: 3), onError: .restart)
            $0.node("sleepy", Sleepy.self, pool: LanePool("viewers", lanes: 3))
            $0.edge("$parent.crowd.out -> fragile.in", items: 8, overflow: .dropOldest)
            $0.edge("fragile.out -> sleepy.in", items: 2)
        }
        var options = RunOptions()
        options.tickInterval = .milliseconds(10)
        options.onTick = { run in
            _ = run.progress
            // The crowd has dispersed.
            if Crowd.ran.load(ordering: .relaxed) > 0, run.progress.instances == 0 { run.stop() }
        }
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        let outcome = try run.execute()
        #expect(outcome == .stopped)
        #expect(Crowd.ran.load(ordering: .relaxed) == 1_000)
        let report = try JSONValue.parse(Array(run.report.utf8), file: "report.json")
        let ended = try #require(report["ended_instances"]?["viewer"])
        #expect(ended["count"]?.integer == 1_000)
        let gone = ["popped", "dropped", "flushed", "held"].compactMap { ended[$0]?.integer }.reduce(0, +)
        #expect(ended["pushed"]?.integer == gone)
        // Nobody was refused, and no lane was made for one viewer alone. One that is stopped is not restarted.
        let errors = run.events.events.filter { $0.level == .error && !$0.what.contains("it is fragile") }
        #expect(errors.isEmpty, "\(errors)")
        let lanes = try #require(report["lanes"]?.members).map(\.key)
        #expect(lanes.allSatisfy { ["one", "two", "three", "main"].contains($0) || $0.hasPrefix("viewers.") })
    }
}
