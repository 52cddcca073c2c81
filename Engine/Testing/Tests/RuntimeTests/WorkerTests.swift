import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

@Suite struct WorkerTests {
    /// Counts calls down; `wait` returns when none is left.
    private final class Countdown: @unchecked Sendable {
        private var semaphore = sem_t()
        private let count: Int
        init(_ count: Int) {
            self.count = count
            sem_init(&semaphore, 0, 0)
        }
        func down() { sem_post(&semaphore) }
        func wait() { for _ in 0..<count { sem_wait(&semaphore) } }
    }

    @Test func everyCallIsRunOnceByAFewThreads() throws {
        let worker = Worker(threads: 3, capacity: 10_000)
        let calls = 5_000
        let sum = Mutex(0)
        let done = Countdown(calls)
        for number in 1...calls {
            try worker.run {
                sum.withLock { $0 += number }
                done.down()
            }
        }
        done.wait()
        #expect(sum.withLock { $0 } == calls * (calls + 1) / 2)
        #expect((1...3).contains(worker.threads))
    }

    @Test func aFullLineIsSaidAndWhatWaitsIsStillDone() throws {
        let worker = Worker(threads: 1, capacity: 2)
        let (gate, began, done) = (Countdown(1), Countdown(1), Countdown(3))
        try worker.run {
            began.down()
            gate.wait()
            done.down()
        }
        began.wait()
        for _ in 0..<2 { try worker.run { done.down() } }
        #expect(throws: NodeError.self) { try worker.run {} }
        gate.down()
        done.wait()
        try worker.run {}
    }

    /// Asks in its first call, and ends with the answer.
    private final class Asker: Node {
        static let descriptor = NodeDescriptor("asker", summary: "asks")
        @Parameter("fails", default: false, help: "the call throws") var fails: Bool
        private var answer: NodeContext.Answer<Int>?
        private var context: NodeContext!
        nonisolated(unsafe) static var heard: [String] = []
        init() {}
        func prepare(_ context: NodeContext) {
            self.context = context
            context.runsUntilStopped()
        }
        func process(now: Instant) {
            guard let answer else {
                let fails = fails
                answer = context.ask {
                    if fails { throw NodeError("no such name") }
                    return 42
                }
                return
            }
            switch answer.take() {
            case .success(let value): Asker.heard.append("\(value)")
            case .failure(let error): Asker.heard.append((error as? NodeError)?.message ?? "?")
            case nil: return
            }
            context.finish()
        }
    }

    @Test func anAnswerComesBackAsAPost() throws {
        for fails in [false, true] {
            var graph = GraphBuilder()
            graph.node("asker", Asker.self, ["fails": .boolean(fails)])
            var options = RunOptions()
            options.duration = .milliseconds(20_000)
            #expect(try GraphRun(graph.plan, registry: graph.registry, options: options).execute() == .finished)
        }
        #expect(Asker.heard == ["42", "no such name"])
    }

    @Test func streamsAreWaitedForFromTheFirstLookOn() {
        func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
        var gathering = Gathering(patience: .milliseconds(100))
        #expect(gathering.look(at(0), isComplete: true) == .complete)
        #expect(gathering.look(at(500), isComplete: false) == .wait(until: at(600)))
        #expect(gathering.look(at(599), isComplete: false) == .wait(until: at(600)))
        #expect(gathering.look(at(600), isComplete: false) == .incomplete)
        gathering.begin()
        #expect(gathering.look(at(700), isComplete: false) == .wait(until: at(800)))
        #expect(gathering.look(at(750), isComplete: true) == .complete)
        #expect(gathering.look(at(790), isComplete: false) == .wait(until: at(890)))
    }
}
