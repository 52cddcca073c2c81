import Foundation
import Glibc
@_spi(Host) @_spi(Testing) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// Does not return from its preparation until it is let go.
private final class Held: Node {
    static let descriptor = NodeDescriptor("held", summary: "Is held in its preparation")
    let input = Input<Packet>("in")
    static let entered = Atomic<Int>(0)
    static let isLetGo = Atomic<Bool>(false)
    func prepare(_ context: NodeContext) {
        Held.entered.add(1, ordering: .sequentiallyConsistent)
        while !Held.isLetGo.load(ordering: .sequentiallyConsistent) { sched_yield() }
    }
    func process(now: Instant) { while input.next() != nil {} }
}

/// Starts a hundred that are held.
private final class Inviter: Node {
    static let descriptor = NodeDescriptor("inviter", summary: "Starts many instances", traits: .shares)
    let input = Input<Packet>("in")
    let output = FanOut<Packet>("out", follows: "in")
    private var context: NodeContext?
    private var isDone = false
    static let handles = Mutex<[NodeContext.Instance]>([])
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        if !isDone, let context {
            isDone = true
            let all = (0..<100).map { _ in context.start("guest") }
            Inviter.handles.withLock { $0 = all }
        }
        while let packet = input.next() { output.send(packet) }
    }
}

/// Sleeps until the epoch is raised.
private final class Sleeper: Node {
    static let descriptor = NodeDescriptor("sleeper", summary: "Counts epochs")
    static let woken = Atomic<Int>(0)
    private var context: NodeContext?
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        if context?.reasons.contains(.epoch) == true { Sleeper.woken.add(1, ordering: .sequentiallyConsistent) }
        if context?.isStopping == true { context?.finish() }
    }
}

/// Real threads: who prepares an instance is in nobody's way.
@Suite(.serialized) struct OvertakingTests {
    private func graph() -> GraphBuilder {
        Held.entered.store(0, ordering: .sequentiallyConsistent)
        Held.isLetGo.store(false, ordering: .sequentiallyConsistent)
        Inviter.handles.withLock { $0 = [] }
        var graph = GraphBuilder()
        graph.node("tick", Tick.self, ["count": 1_000_000], lane: "one")
        graph.node("inviter", Inviter.self, lane: "two")
        graph.edge("tick.out -> inviter.in", items: 64, overflow: .dropOldest)
        graph.template("guest") {
            $0.node("held", Held.self)
            $0.edge("$parent.inviter.out -> held.in", items: 8, overflow: .dropOldest)
        }
        return graph
    }

    @Test func aStopOvertakesTheStartsThatWait() throws {
        let graph = graph()
        var options = RunOptions()
        options.tickInterval = .milliseconds(5)
        options.onTick = { run in
            guard Held.entered.load(ordering: .sequentiallyConsistent) > 0 else { return }
            run.stop()
            if run.isAskedToStop { Held.isLetGo.store(true, ordering: .sequentiallyConsistent) }
        }
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        #expect(try run.execute() == .stopped)
        // Those that the builders had in hand, and no other.
        #expect((1...4).contains(Held.entered.load(ordering: .sequentiallyConsistent)))
        #expect(Inviter.handles.withLock { $0.count == 100 && $0.allSatisfy { $0.isOver && $0.name.isEmpty } })
    }

    @Test func anInterruptionWakesItsSessionWithoutSupervisorAndBuilders() throws {
        Sleeper.woken.store(0, ordering: .sequentiallyConsistent)
        var graph = graph()
        graph.node("raiser", Raiser.self, ["count": 1_000_000], lane: "three")
        graph.node("sleeper", Sleeper.self, lane: "four")
        let wokenMeanwhile = Atomic<Bool>(false)
        var options = RunOptions()
        options.tickInterval = .milliseconds(5)
        options.onTick = { run in
            guard Held.entered.load(ordering: .sequentiallyConsistent) > 0, !run.isAskedToStop else { return }
            // The supervisor's thread is here, and builders are held.
            let before = Sleeper.woken.load(ordering: .sequentiallyConsistent)
            let deadline = ContinuousClock.now + .seconds(20)
            while Sleeper.woken.load(ordering: .sequentiallyConsistent) < before + 3, ContinuousClock.now < deadline {
                sched_yield()
            }
            if Sleeper.woken.load(ordering: .sequentiallyConsistent) >= before + 3 {
                wokenMeanwhile.store(true, ordering: .sequentiallyConsistent)
            }
            Held.isLetGo.store(true, ordering: .sequentiallyConsistent)
            run.stop()
        }
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        #expect(try run.execute() == .stopped)
        let isWoken = wokenMeanwhile.load(ordering: .sequentiallyConsistent)
        #expect(isWoken)
    }
}
