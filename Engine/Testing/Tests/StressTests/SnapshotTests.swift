import Glibc
@_spi(Host) @_spi(Testing) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// Throws after 200 packets, again and again.
final class Frail: Node {
    static let descriptor = NodeDescriptor("frail", summary: "Fails now and then")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    private var taken = 0
    private var context: NodeContext?

    func prepare(_ context: NodeContext) {
        self.context = context
        output.latency = .init(min: .zero, max: .milliseconds(Int64(1 + context.restarts)))
    }

    func process(now: Instant) throws {
        context?.isWaiting(for: taken % 2 == 0 ? "packets" : nil)
        while let packet = input.next() {
            taken += 1
            context?.counter("taken").add()
            context?.histogram("size_bytes").record(packet.count)
            if taken == 200, context?.restarts ?? 0 < 3 { throw NodeError("it broke") }
            output.send(packet)
        }
    }
}

extension StressTests {
    /// Meant for the thread sanitizer: two threads look at a graph whose nodes run, wait, restart, come and go.
    @Test func aRunIsLookedAtByTwoThreadsWhileInstancesComeGoAndRestart() throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["count": 0], lane: "one")
        graph.node("frail", Frail.self, lane: "two", onError: .restart)
        graph.node("viewers", ViewerStarter.self, lane: "two")
        graph.edge("flood.out -> frail.in")
        graph.edge("frail.out -> viewers.in")
        graph.template("viewer") {
            $0.node("frail", Frail.self, lane: "three", onError: .restart)
            $0.node("check", Check.self, lane: "three")
            $0.edge("$parent.viewers.out -> frail.in", items: 4, overflow: .dropOldest)
            $0.edge("frail.out -> check.in")
        }
        var options = RunOptions()
        options.tickInterval = .milliseconds(5)
        let isOver = Watched()
        _ = try run(graph, options: options) { run in
            for number in 0..<2 {
                isOver.watch {
                    let snapshot = number == 0 ? run.snapshot() : run.snapshot(.counters)
                    let items = snapshot.nodes.reduce(0) { $0 + $1.itemsIn + $1.itemsOut }
                    for edge in snapshot.edges { #expect(edge.held >= 0 && edge.pushed >= edge.popped) }
                    return number == 0 ? items + run.progress.dropped : items + run.report.utf8.count
                }
            }
            pthread_detach(
                onThread {
                    for _ in 0..<60 {
                        post(1, to: ViewerStarter.shared)
                        post(0, to: ViewerStarter.shared)
                    }
                    while ViewerStarter.served.load(ordering: .sequentiallyConsistent) < 120 { sched_yield() }
                    while run.snapshot(.counters).node("frail")?.restarts ?? 3 < 3 { sched_yield() }
                    run.stop()
                })
        }
        isOver.end()
        ViewerStarter.shared.withLock { $0 = nil }
        ViewerStarter.served.store(0, ordering: .relaxed)
        #expect(isOver.looks > 20)
    }

    /// A restarted node counts on.
    @Test func theSnapshotOfARunThatIsOverIsItsReport() throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["count": 1_000], lane: "one")
        graph.node("frail", Frail.self, lane: "two", onError: .restart)
        graph.node("check", Check.self, lane: "one")
        graph.edge("flood.out -> frail.in")
        graph.edge("frail.out -> check.in")
        let run = GraphRun(graph.plan, registry: graph.registry)
        #expect(run.snapshot().nodes.isEmpty)
        #expect(try run.execute() == .finished)
        let snapshot = run.snapshot()
        let frail = try #require(snapshot.node("frail"))
        #expect(frail.state == .finished && frail.restarts == 3)
        #expect(frail.itemsIn == 1_000 && frail.itemsOut == 997)
        #expect(frail.metric("taken") == .number(1_000))
        #expect(snapshot.edge(to: "check.in")?.popped == 997)
        #expect(snapshot.edge(to: "check.in")?.isEnded == true)
        #expect(snapshot.time > .zero && run.snapshot().time == snapshot.time)
    }
}

/// Threads that look until they are told to stop.
private final class Watched: Sendable {
    private let over = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)
    private let threads = Mutex<[UInt]>([])

    var looks: Int { count.load(ordering: .relaxed) }

    func watch(_ look: @escaping @Sendable () -> Int) {
        let thread = onThread { [self] in
            var sum = 0
            while !over.load(ordering: .relaxed) {
                sum &+= look()
                count.add(1, ordering: .relaxed)
            }
            #expect(sum != .min)
        }
        threads.withLock { $0.append(UInt(thread)) }
    }

    func end() {
        over.store(true, ordering: .relaxed)
        for thread in threads.withLock({ $0 }) { pthread_join(pthread_t(thread), nil) }
    }
}
