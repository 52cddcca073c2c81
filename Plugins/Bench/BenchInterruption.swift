import Glibc
import Sluice
import Synchronization

/// When the last `bench-interrupter` of this process raised its epoch: CLOCK_MONOTONIC, nanoseconds.
private let raisedAt = Atomic<Int64>(0)

/// Raises the epoch of its session now and then.
public final class BenchInterrupter: Node {
    public static let descriptor = NodeDescriptor(
        "bench-interrupter", summary: "Raises the epoch now and then, to measure how soon a sleeping node wakes",
        traits: [.live], example: #""interrupter": { "type": "bench-interrupter", "count": 1000, "interval_ms": 10 }"#)

    @Parameter("count", default: 1_000, range: 1...1e6, help: "The number of times that it raises the epoch.")
    var count: Int
    @Parameter("interval_ms", default: 10, range: 1...10_000, help: "The time between two of them in ms.")
    var interval: Int
    private var context: NodeContext!
    private var raised = 0

    public init() {}

    public func prepare(_ context: NodeContext) { self.context = context }

    public func process(now: Instant) {
        if context.reasons.contains(.timer) {
            raisedAt.store(BenchGuests.read(CLOCK_MONOTONIC), ordering: .sequentiallyConsistent)
            context.raiseEpoch()
            raised += 1
        }
        if raised == count { return context.finish() }
        context.wake(at: now + .milliseconds(Int64(interval)))
    }
}

/// Sleeps until the epoch is raised. `wake_us` says how long it took until it ran.
public final class BenchSleeper: Node {
    public static let descriptor = NodeDescriptor(
        "bench-sleeper", summary: "Sleeps until the epoch is raised, and measures how soon it woke",
        traits: [.paced, .live], example: #""sleeper": { "type": "bench-sleeper" }"#)

    @Parameter("count", default: 1_000, range: 1...1e6, help: "The number of times that it sleeps before it finishes.")
    var count: Int
    private var context: NodeContext!
    private var late: Metric.Histogram!
    private var woken = 0

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        late = context.histogram("wake_us")
    }

    public func process(now: Instant) {
        guard context.reasons.contains(.epoch) else { return }
        let raised = raisedAt.load(ordering: .sequentiallyConsistent)
        late.record(Int(BenchGuests.read(CLOCK_MONOTONIC) - raised) / 1_000)
        woken += 1
        if woken == count { context.finish() }
    }
}
