import Foundation
import Glibc
@_spi(Host) @_spi(Testing) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// A heavy node, so that it has a lane and a thread of its own; it fails to be prepared where it is told to.
private final class Own: Node {
    static let descriptor = NodeDescriptor("own", summary: "Has a lane of its own", work: .heavy)
    let input = Input<Packet>("in")
    @Parameter("fails", default: false, help: "throws in prepare") var fails: Bool
    func prepare(_ context: NodeContext) throws { if fails { throw NodeError("it cannot be opened") } }
    func process(now: Instant) { while input.next() != nil {} }
}

/// Starts what it is told by posts: the number of an entry of `calls`.
private final class Starter: Node {
    static let descriptor = NodeDescriptor("starter", summary: "Starts instances", traits: .shares)
    let input = Input<Packet>("in")
    let output = FanOut<Packet>("out", follows: "in")
    struct Call: Sendable {
        var template = "viewer"
        var parameters: [String: ParameterValue] = [:]
    }
    static let plan = Mutex<[Call]>([])
    static let handles = Mutex<[NodeContext.Instance]>([])
    private var context: NodeContext?
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        for call in Starter.plan.withLock({ all in
            let taken = all
            all = []
            return taken
        }) {
            if let handle = context?.start(call.template, parameters: call.parameters) {
                Starter.handles.withLock { $0.append(handle) }
            }
        }
        while let packet = input.next() { output.send(packet) }
    }
}

/// Real threads: what the system refuses fails what asked for it, and nothing else.
@Suite(.serialized) struct RefusalTests {
    private func graph(fails: Bool = false) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["count": 0], lane: "one")
        graph.node("starter", Starter.self, lane: "one")
        graph.edge("flood.out -> starter.in", items: 4)
        graph.template("viewer") {
            $0.node("first", Own.self)
            $0.node("second", Own.self, ["fails": .boolean(fails)])
            $0.edge("$parent.starter.out -> first.in", items: 4, overflow: .dropOldest)
            $0.edge("$parent.starter.out -> second.in", items: 4, overflow: .dropOldest)
        }
        return graph
    }

    /// Runs the graph, starts so many instances, and stops when `isDone`; two builders take them in any order.
    private func run(
        _ graph: GraphBuilder, starting count: Int, options: RunOptions = RunOptions(),
        isDone: @escaping @Sendable (GraphRun, [NodeContext.Instance]) -> Bool
    ) throws -> (outcome: RunOutcome, events: [EventLog.Event]) {
        Starter.handles.withLock { $0 = [] }
        Starter.plan.withLock { $0 = Array(repeating: Starter.Call(), count: count) }
        var options = options
        options.tickInterval = .milliseconds(5)
        options.onTick = { run in
            let handles = Starter.handles.withLock { $0 }
            if handles.count == count, isDone(run, handles) { run.stop() }
            if run.snapshot(.counters).time > .seconds(60) {
                Issue.record("after 60 s: \(run.events.events.map(\.what))")
                run.stop()
            }
        }
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        let outcome = try run.execute()
        return (outcome, run.events.events)
    }

    @Test func noThreadForAnInstanceFailsThatInstanceAloneInOneSentence() throws {
        var options = RunOptions()
        options.threadRefusal = { $0 == "viewer.2/second" ? EAGAIN : 0 }
        let (outcome, events) = try run(graph(), starting: 3, options: options) { _, handles in
            handles[1].isOver && handles[0].name == "viewer.1" && handles[2].name == "viewer.3"
        }
        #expect(outcome == .stopped)
        let errors = events.filter { $0.level == .error }
        #expect(errors.count == 1)
        #expect(errors.first?.what.contains("the kernel refuses a thread for lane viewer.2/second") == true)
    }

    @Test func noThreadAtTheStartFailsTheRun() throws {
        var options = RunOptions()
        options.threadRefusal = { _ in EAGAIN }
        let graph = graph()
        let error = #expect(throws: GraphError.self) {
            try GraphRun(graph.plan, registry: graph.registry, options: options).execute()
        }
        #expect(error?.diagnostics.first?.message.contains("node \"flood\"") == true)
        #expect(error?.diagnostics.first?.message.contains("refuses a thread for lane one") == true)
        #expect(error?.isInputError == false)
    }

    @Test func tooManyLanesAreRefusedWithTheirLimit() throws {
        var options = RunOptions()
        options.laneLimit = 3
        let (outcome, events) = try run(graph(), starting: 2, options: options) { $1.contains(where: \.isOver) }
        #expect(outcome == .stopped)
        #expect(events.contains { $0.level == .error && $0.what.contains("the run has 3, which is the most") })
    }

    @Test func instancesThatFailToStartLeaveNoLane() throws {
        let graph = graph(fails: true)
        let before = StressTests.descriptors()
        let lanes = Atomic<Int>(0)
        try {
            let (outcome, events) = try run(graph, starting: 50) { run, handles in
                guard handles.allSatisfy(\.isOver) else { return false }
                lanes.store(run.laneCount, ordering: .relaxed)
                return true
            }
            #expect(outcome == .stopped)
            #expect(events.count { $0.level == .error } == 50)
        }()
        let left = lanes.load(ordering: .relaxed)
        #expect(left == 1)
        // Each would leave two at least; suites beside this one open a few of their own meanwhile.
        #expect(StressTests.descriptors() < before + 50)
    }

    @Test func startsBeyondTheLimitAreRefusedAndSaidOnce() throws {
        var options = RunOptions()
        options.startLimit = 2
        let (outcome, events) = try run(graph(), starting: 40, options: options) { _, handles in
            handles.allSatisfy { $0.isOver || !$0.name.isEmpty }
        }
        #expect(outcome == .stopped)
        let refused = Starter.handles.withLock { $0.count { $0.name.isEmpty } }
        #expect(refused > 0)
        let said = events.filter { $0.what.contains("2 instances wait to be started, which is the most") }
        #expect(!said.isEmpty && said.count < refused)
    }
}
