import Glibc
@_spi(Host) import Sluice
import Synchronization
import Testing

/// The settings that a graph gives its lanes, under the system clock.
@Suite(.serialized) struct LaneTests {
    /// Notes what its thread has been given.
    final class Witness: Node {
        struct Given: Equatable, Sendable {
            var cpus: String
            var policy: Int32
            var nice: Int32
            var pipeBytes: Int?
        }
        static let descriptor = NodeDescriptor("witness", summary: "Notes what its thread has been given")
        static let given = Mutex<Given?>(nil)
        private var context: NodeContext!
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            let given = Given(
                cpus: Witness.status("Cpus_allowed_list"), policy: sched_getscheduler(0),
                nice: getpriority(Int32(PRIO_PROCESS.rawValue), 0), pipeBytes: context.pipeBytes)
            Witness.given.withLock { $0 = given }
            context.finish()
        }

        /// The kernel's facts about the calling thread (proc_pid_status(5)).
        private static func status(_ key: String) -> String {
            guard let file = fopen("/proc/thread-self/status", "r") else { return "" }
            defer { fclose(file) }
            var text = [UInt8](repeating: 0, count: 8_192)
            text.removeLast(text.count - fread(&text, 1, text.count, file))
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key + ":") }
            return line.map { String($0.dropFirst(key.count + 1).drop { $0 == "\t" }) } ?? ""
        }
    }

    private func run(_ lane: LanePlan) throws -> (Witness.Given?, [String]) {
        let registry = NodeRegistry()
        registry.register(Witness.self)
        let session = SessionPlan(nodes: [NodePlan(name: "w", spec: NodeSpec(of: Witness.self), lane: "own")])
        let run = GraphRun(GraphPlan(name: "t", root: session, lanes: ["own": lane]), registry: registry)
        try run.execute()
        return (Witness.given.withLock { $0 }, run.events.events.map(\.what))
    }

    @Test func aLaneGetsItsCPUItsNiceValueAndItsPipes() throws {
        var plan = LanePlan()
        (plan.cpus, plan.nice, plan.pipeBytes) = ([0], 3, 65_536)
        let (given, events) = try run(plan)
        #expect(given == Witness.Given(cpus: "0", policy: SCHED_OTHER, nice: 3, pipeBytes: 65_536))
        #expect(events.isEmpty)
    }

    @Test func aCPUThatIsNotThereIsOneLine() throws {
        var plan = LanePlan()
        plan.cpus = [8_000]
        let (given, events) = try run(plan)
        #expect(given?.cpus.isEmpty == false)
        #expect(events.count == 1)
        #expect(events[0].hasPrefix("lane own: CPUs 8000 refused (Invalid argument); it runs on any of "))
    }

    @Test func realTimePriorityIsGivenOrOneLineSaysWhyNot() throws {
        var plan = LanePlan()
        plan.priority = 5
        let (given, events) = try run(plan)
        if given?.policy == SCHED_FIFO {
            #expect(events.isEmpty)
        } else {
            #expect(events.count == 1)
            #expect(events[0].hasPrefix("lane own: real-time priority 5 refused ("))
        }
    }

    /// Notes the time slice of its thread, in nanoseconds.
    final class PacedWitness: Node {
        static let descriptor = NodeDescriptor("paced-witness", summary: "Notes its thread's slice", traits: [.paced])
        static let slice = Mutex<UInt64?>(nil)
        private var context: NodeContext!
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            PacedWitness.slice.withLock { $0 = LaneTests.slice() }
            context.finish()
        }
    }

    /// Of the calling thread, in nanoseconds; 0 where the kernel does not say, as before Linux 6.12.
    private static func slice() -> UInt64 {
        guard let file = fopen("/proc/thread-self/sched", "r") else { return 0 }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 16_384)
        text.removeLast(text.count - fread(&text, 1, text.count, file))
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("se.slice ") }
        return line.flatMap { UInt64($0.split(separator: " ").last ?? "") } ?? 0
    }

    @Test(.enabled(if: LaneTests.slice() > 0)) func aLaneThatKeepsTimeAtANiceValueHasAShortSlice() throws {
        let registry = NodeRegistry()
        registry.register(PacedWitness.self)
        var lane = LanePlan()
        lane.nice = 1
        let session = SessionPlan(nodes: [NodePlan(name: "w", spec: NodeSpec(of: PacedWitness.self), lane: "own")])
        try GraphRun(GraphPlan(name: "t", root: session, lanes: ["own": lane]), registry: registry).execute()
        #expect(PacedWitness.slice.withLock { $0 } == 100_000)
    }
}
