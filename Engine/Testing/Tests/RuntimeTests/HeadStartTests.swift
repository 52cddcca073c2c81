@_spi(Host) @_spi(Testing) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// When a lane wakes before a node's time, and what that may cost.
@Suite struct HeadStartTests {
    /// A stream of 20 ms for a minute, whose wake-ups take `took` nanoseconds; returns how many frames had no head
    /// start.
    private func minute(_ start: inout HeadStart, from begin: Int64 = 0, took: (Int) -> Int64) -> (Int, watched: Int64)
    {
        var (refused, watched) = (0, Int64(0))
        for frame in 1...3_000 {
            let due = Int(begin) + frame * 20_000_000
            let lead = start.take(for: due, now: Int64(due - 20_000_000))
            guard lead > 0 else {
                refused += 1
                continue
            }
            start.begin(due)
            let ready = Int64(due - lead) + took(frame)
            guard ready < due else {
                start.ready(now: ready)
                continue
            }
            #expect(start.watches(for: due))
            start.ready(now: ready)
            watched += Int64(due) - ready
        }
        return (refused, watched)
    }

    @Test func oneStreamIsAlwaysGivenOneAndItShrinksToWhatIsNeeded() {
        var start = HeadStart()
        let (refused, watched) = minute(&start) { _ in 25_000 }
        #expect(refused == 0)
        #expect(start.time == HeadStart.shortest)
        #expect(watched < 60_000_000_000 / 100 / 2)
    }

    @Test func itGrowsUntilAllButAFewWakeUpsAreCovered() {
        var start = HeadStart()
        // One in fifty takes three times as long as the others.
        _ = minute(&start) { $0 % 50 == 0 ? 180_000 : 60_000 }
        #expect(start.time > 150_000 && start.time <= HeadStart.longest)
        _ = minute(&start, from: 60_000_000_000) { _ in 3_000_000 }
        #expect(start.time == HeadStart.longest)
    }

    @Test func whereMoreIsAskedThanTheLaneAffordsNobodyGetsOne() {
        var start = HeadStart()
        func second(_ streams: Int, at second: Int64) -> Int {
            var given = 0
            for tick in 0..<50 {
                for stream in 0..<streams {
                    let now = second * 1_000_000_000 + Int64(tick * 20_000_000 + stream * (20_000_000 / streams))
                    let due = Int(now) + 20_000_000
                    if start.take(for: due, now: now) > 0 {
                        given += 1
                        start.begin(due)
                        start.ready(now: Int64(due) - start.time / 2)
                    }
                }
            }
            return given
        }
        #expect(second(3, at: 0) == 150)
        _ = second(1_000, at: 1)
        #expect(second(1_000, at: 2) == 0)
        _ = second(3, at: 3)
        #expect(second(3, at: 4) == 150)
    }

    @Test func aMomentThatIsNearIsLeftToItsTimer() {
        var start = HeadStart()
        #expect(start.take(for: 150_000, now: 0) == 0)
    }

    /// Asks to be woken ahead of ten moments, and notes its calls.
    final class Punctual: Node {
        struct Call: Sendable {
            var isAhead: Bool
            var now: Instant
            var due: Instant
        }
        static let descriptor = NodeDescriptor("punctual", summary: "Notes when it is woken", traits: [.paced])
        static let calls = Mutex<[Call]>([])
        private var context: NodeContext!
        private var due: Instant?
        private var left = 10
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            guard let due else { return ask(now) }
            let call = Call(isAhead: context.isAhead, now: now, due: due)
            Punctual.calls.withLock { $0.append(call) }
            if context.isAhead { return context.wake(at: due) }
            guard now >= due else { return }
            left -= 1
            if left == 0 { context.finish() } else { ask(now) }
        }
        private func ask(_ now: Instant) {
            due = now + .milliseconds(2)
            context.wake(aheadOf: due!)
        }
    }

    private func calls(isVirtual: Bool) throws -> [Punctual.Call] {
        Punctual.calls.withLock { $0 = [] }
        let registry = NodeRegistry()
        registry.register(Punctual.self)
        let session = SessionPlan(nodes: [NodePlan(name: "p", spec: NodeSpec(of: Punctual.self), lane: "own")])
        var options = RunOptions()
        options.clock = isVirtual ? .virtual : .system
        let run = GraphRun(GraphPlan(name: "t", root: session), registry: registry, options: options)
        #expect(try run.execute() == .finished)
        return Punctual.calls.withLock { $0 }
    }

    @Test func aNodeIsCalledAheadAndThenAtItsTime() throws {
        let calls = try calls(isVirtual: false)
        #expect(calls.count { !$0.isAhead } == 10)
        #expect(calls.contains { $0.isAhead })
        for call in calls { #expect(call.isAhead == (call.now < call.due)) }
        let virtual = try self.calls(isVirtual: true)
        #expect(virtual.count == 10)
        #expect(virtual.allSatisfy { !$0.isAhead && $0.now == $0.due })
    }

    /// Asks to be woken ahead of a moment, and then for an earlier time instead.
    final class Changeable: Node {
        static let descriptor = NodeDescriptor("changeable", summary: "Changes what it asked for", traits: [.paced])
        static let calls = Mutex<[Bool]>([])
        private var context: NodeContext!
        init() {}
        func prepare(_ context: NodeContext) {
            self.context = context
            context.wake(aheadOf: context.now + .milliseconds(1))
        }
        func process(now: Instant) {
            if context.reasons.contains(.start) {
                context.wake(aheadOf: now + .milliseconds(20))
                return context.wake(at: now + .milliseconds(2))
            }
            Changeable.calls.withLock { $0.append(context.isAhead) }
            context.finish()
        }
    }

    @Test func whoAsksForATimeAfterAllIsNotAheadOfAnything() throws {
        let registry = NodeRegistry()
        registry.register(Changeable.self)
        let session = SessionPlan(nodes: [NodePlan(name: "c", spec: NodeSpec(of: Changeable.self), lane: "own")])
        try GraphRun(GraphPlan(name: "t", root: session), registry: registry).execute()
        #expect(Changeable.calls.withLock { $0 } == [false])
    }
}
