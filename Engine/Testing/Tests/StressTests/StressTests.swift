import Foundation
import Glibc
@_spi(Host) @_spi(Testing) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// Real threads. Meant for `swift test --sanitize=thread --filter StressTests` too: no race, and at the end every
/// counter balances.
@Suite(.serialized) struct StressTests {
    /// Runs a graph under the system clock and checks its report.
    func run(_ graph: GraphBuilder, options: RunOptions = RunOptions(), _ meanwhile: (GraphRun) -> Void = { _ in })
        throws -> [String: Any]
    {
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        meanwhile(run)
        let outcome = try run.execute()
        #expect(outcome != .failed, "\(run.report)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any])
        for edge in report["edges"] as? [[String: Any]] ?? [] { #expect(isBalanced(edge), "\(edge)") }
        return report
    }

    func isBalanced(_ edge: [String: Any]) -> Bool {
        func count(_ key: String) -> Int { edge[key] as? Int ?? -1 }
        return count("pushed") == count("popped") + count("dropped") + count("flushed") + count("held")
    }

    @Test(arguments: EdgePolicy.Overflow.allCases, [2, 16])
    func everyPolicyBetweenTwoLanes(_ overflow: EdgePolicy.Overflow, _ items: Int) throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["video": .boolean(overflow == .dropToKeyframe)], lane: "one")
        graph.node("check", Check.self, lane: "two")
        graph.edge("flood.out -> check.in", items: items, overflow: overflow)
        let report = try run(graph)
        let edge = try #require((report["edges"] as? [[String: Any]])?.first)
        #expect(edge["pushed"] as? Int == 20_000)
        if overflow == .block { #expect(edge["popped"] as? Int == 20_000) }
    }

    /// Lanes that sleep between a few packets are run by each other; a foreign thread wakes one of them meanwhile.
    @Test func lanesAreLentWhileOthersWakeThem() throws {
        var graph = GraphBuilder()
        graph.node("tick", Tick.self, lane: "one")
        graph.node("first", Forward.self, lane: "two")
        graph.node("second", Forward.self, lane: "three")
        graph.node("check", Check.self, lane: "two")
        graph.node("raiser", Raiser.self, ["count": 1_500], lane: "four")
        graph.node("receiver", Receiver.self, lane: "three")
        graph.node("more", Tick.self, lane: "one")
        graph.edge("tick.out -> first.in")
        graph.edge("first.out -> second.in")
        graph.edge("second.out -> check.in")
        graph.edge("more.out -> receiver.in", epoch: .keep)
        graph.control("raiser.level -> receiver.level", .value)
        graph.control("raiser.poke -> receiver.poke", .request)
        // A lane lends nothing while both cores are busy with other suites, so there are several runs.
        var lent = 0
        for _ in 0..<100 where lent == 0 {
            let report = try run(graph)
            let lanes = try #require(report["lanes"] as? [String: [String: Int]])
            lent = lanes.values.reduce(0) { $0 + ($1["lent"] ?? 0) }
            for edge in report["edges"] as? [[String: Any]] ?? [] {
                #expect(edge["popped"] as? Int == 3_200, "\(edge)")
            }
        }
        #expect(lent > 0)
    }

    /// The producer before a heavy node waits for half of the edge, and the light node behind it is run by its lane.
    @Test(arguments: [1, 2, 16]) func aHeavyNodeWakesFewForEachItem(_ items: Int) throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["count": 800], lane: "one")
        graph.node("toil", Toil.self, lane: "two")
        graph.node("check", Check.self, lane: "three")
        graph.edge("flood.out -> toil.in", items: items)
        graph.edge("toil.out -> check.in")
        // A lane that waits for a core lends nothing and wakes at every turn. Such a run says nothing: others follow.
        var (seen, undisturbed) = ("", 0)
        for _ in 0..<100 where undisturbed < 5 {
            let before = StressTests.preemptions()
            let report = try run(graph)
            let preemptions = StressTests.preemptions() - before
            for edge in report["edges"] as? [[String: Any]] ?? [] {
                #expect(edge["popped"] as? Int == 800, "\(edge)")
            }
            let lanes = try #require(report["lanes"] as? [String: [String: Int]])
            let (flood, check) = (try #require(lanes["one"]?["wakeups"]), try #require(lanes["three"]))
            if items < 16 || flood < 400, check["lent"] ?? 0 > check["wakeups"] ?? 0 { return }
            seen += "\(preemptions) preemptions: \(lanes)\n"
            if preemptions < 40 { undisturbed += 1 }
        }
        #expect(undisturbed < 5, "\(seen)")
    }

    /// Large items of short work stay on the core that made them.
    @Test func aHeavyNodeIsRunByTheLaneThatSendsItLargeItems() throws {
        var graph = GraphBuilder()
        graph.node("load", Load.self, lane: "one")
        graph.node("glance", Glance.self, lane: "two")
        graph.node("check", Check.self, lane: "three")
        graph.edge("load.out -> glance.in", items: 2)
        graph.edge("glance.out -> check.in", items: 2)
        var lent = 0
        for _ in 0..<100 where lent == 0 {
            let report = try run(graph)
            for edge in report["edges"] as? [[String: Any]] ?? [] {
                #expect(edge["popped"] as? Int == 400, "\(edge)")
            }
            lent = try #require((report["lanes"] as? [String: [String: Int]])?["two"]?["lent"])
        }
        #expect(lent > 0)
    }

    @Test(arguments: [EdgePolicy.Overflow.block, .dropOldest, .dropToKeyframe])
    func epochsRiseWhileMediaRun(_ overflow: EdgePolicy.Overflow) throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["video": .boolean(overflow == .dropToKeyframe)], lane: "one")
        graph.node("raiser", Raiser.self, lane: "two")
        graph.node("check", Check.self, lane: "three")
        graph.edge("flood.out -> check.in", overflow: overflow)
        _ = try run(graph)
    }

    @Test func controlsArriveFromOtherLanes() throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, lane: "one")
        graph.node("raiser", Raiser.self, lane: "two")
        graph.node("receiver", Receiver.self, lane: "three")
        graph.edge("flood.out -> receiver.in", epoch: .keep)
        graph.control("raiser.level -> receiver.level", .value)
        graph.control("raiser.poke -> receiver.poke", .request)
        _ = try run(graph)
    }

    @Test func consumersThatLeaveHoldNobody() throws {
        for _ in 0..<20 {
            var graph = GraphBuilder()
            graph.node("flood", Flood.self, ["count": 2000], lane: "one")
            graph.node("check", Check.self, ["limit": 500], lane: "two")
            graph.edge("flood.out -> check.in", items: 1)
            _ = try run(graph)
        }
    }

    /// Viewers come and go by posts from a foreign thread while media run; then memory and descriptors are as
    /// before.
    @Test func aThousandInstancesJoinAndLeaveWhileMediaRun() throws {
        func round(_ count: Int) throws -> Int {
            var graph = GraphBuilder()
            graph.node("flood", Flood.self, ["count": 0], lane: "one")
            graph.node("viewers", ViewerStarter.self, lane: "two")
            graph.edge("flood.out -> viewers.in")
            graph.template("viewer") {
                $0.node("check", Check.self, lane: "three")
                $0.edge("$parent.viewers.out -> check.in", items: 4, overflow: .dropOldest)
            }
            let report = try run(graph) { run in
                let foreign = onThread {
                    for _ in 0..<count {
                        post(1, to: ViewerStarter.shared)
                        post(0, to: ViewerStarter.shared)
                    }
                    while ViewerStarter.served.load(ordering: .sequentiallyConsistent) < 2 * count { sched_yield() }
                    run.stop()
                }
                pthread_detach(foreign)
            }
            ViewerStarter.shared.withLock { $0 = nil }
            ViewerStarter.served.store(0, ordering: .relaxed)
            let ended =
                (report["ended_instances"] as? [String: [String: Any]])?["viewer"]?
                .compactMapValues { $0 as? Int } ?? [:]
            #expect(ended["pushed"] == ["popped", "dropped", "flushed", "held"].reduce(0) { $0 + (ended[$1] ?? 0) })
            return ended["count"] ?? 0
        }
        _ = try round(100)
        let (descriptors, memory) = (StressTests.descriptors(), StressTests.residentKilobytes())
        #expect(try round(1000) == 1000)
        // Graphs of other suites may run meanwhile; what they hold goes with them.
        let deadline = ContinuousClock.now + .seconds(20)
        while StressTests.descriptors() > descriptors, ContinuousClock.now < deadline { sched_yield() }
        #expect(StressTests.descriptors() <= descriptors)
        // The address sanitizer keeps what was given back.
        let isSanitized = ProcessInfo.processInfo.environment.keys.contains { $0.hasSuffix("SAN_OPTIONS") }
        #expect(isSanitized || StressTests.residentKilobytes() < memory + 30_000)
    }

    @Test func postsFromManyThreadsArriveOnceEach() throws {
        final class Sum: Node {
            static let descriptor = NodeDescriptor("sum", summary: "Adds posts up")
            static let shared = Mutex<NodeContext.Inbox<UInt64>?>(nil)
            var mailbox: NodeContext.Inbox<UInt64>?
            static let total = Atomic<Int>(0)
            var context: NodeContext?
            func prepare(_ context: NodeContext) {
                self.context = context
                let mailbox = context.inbox(of: UInt64.self)
                self.mailbox = mailbox
                Sum.shared.withLock { $0 = mailbox }
            }
            func process(now: Instant) {
                while let word = mailbox?.next() { Sum.total.add(Int(word), ordering: .relaxed) }
                if Sum.total.load(ordering: .relaxed) == 4 * 5000 { context?.finish() }
            }
        }
        var graph = GraphBuilder()
        graph.node("sum", Sum.self)
        _ = try run(graph) { _ in
            for _ in 0..<4 {
                pthread_detach(
                    onThread {
                        while Sum.shared.withLock({ $0 == nil }) { sched_yield() }
                        let mailbox = Sum.shared.withLock { $0 }
                        for _ in 0..<5000 { while mailbox?.post(1) == false { sched_yield() } }
                    })
            }
        }
        #expect(Sum.total.load(ordering: .relaxed) == 4 * 5000)
    }

    @Test func aNodeThatBlocksPastItsDeadlineIsNamedAndTheRunEnds() throws {
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, ["count": 0])
        graph.node("stone", Stone.self)
        graph.edge("flood.out -> stone.in", items: 2)
        var options = RunOptions()
        (options.duration, options.stopDeadline, options.tickInterval) = (
            .milliseconds(50), .milliseconds(100), .milliseconds(20)
        )
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        try Stone.gate.withLock { _ in
            #expect(try run.execute() == .failed)
            let report = try #require(try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any])
            #expect((report["stuck"] as? [String])?.contains("stone") == true)
        }
    }

    @Test func aStallIsToldInOneSentence() throws {
        final class Peerless: Node {
            static let descriptor = NodeDescriptor("peerless", summary: "Waits for its peer")
            let input = Input<Packet>("in")
            var context: NodeContext?
            func prepare(_ context: NodeContext) {
                self.context = context
                context.isWaiting(for: "its peer")
                context.wake(at: context.now + .milliseconds(5000))
            }
            func process(now: Instant) {
                guard context!.reasons.contains(.timer) || context!.isStopping else { return }
                context!.isWaiting(for: nil)
                context!.finish()
            }
        }
        var graph = GraphBuilder()
        graph.node("flood", Flood.self, lane: "one")
        graph.node("peerless", Peerless.self, lane: "two")
        graph.edge("flood.out -> peerless.in", items: 4)
        var options = RunOptions()
        options.tickInterval = .milliseconds(50)
        let report = try run(graph, options: options)
        let words = (report["events"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String }
        let sentence = try #require(
            words.first { $0.hasPrefix("edge flood.out -> peerless.in full for 2.") }, "\(words)")
        #expect(sentence.contains("(4 of 4 items, block)"))
        #expect(sentence.contains("peerless has waited for its peer since"))
        #expect(sentence.hasSuffix("flood is held"))
    }

    static func descriptors() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
    }
    /// How often a thread of the process lost its core to another so far.
    static func preemptions() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_nivcsw
    }
    static func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (status.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
    }
}
