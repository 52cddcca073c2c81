import Glibc
import Sluice

/// Starts many instances of a template, waits until all run, stops them, and measures both. Then it does so again, and
/// with `rounds` 0 until the graph stops.
///
/// Metrics: microseconds for one instance, of the wall clock and of the process's CPU.
public final class BenchGuests: Node {
    public static let descriptor = NodeDescriptor(
        "bench-guests",
        summary: "Starts and stops many instances of a template, to measure the cost of coming and going",
        traits: [.live], example: #""guests": { "type": "bench-guests", "template": "guest", "count": 1000 }"#)

    @Parameter("template", default: "guest", startsTemplateWith: [], help: "The template that is started.")
    var template: String
    @Parameter("count", default: 1_000, range: 1...4_096, help: "The number of instances at a time.")
    var count: Int
    @Parameter(
        "rounds", default: 1, range: 0...1_000_000, help: "The number of rounds. 0 goes on until the graph stops.")
    var rounds: Int

    private enum Phase { case idle, starting, leaving }
    private var phase = Phase.idle
    private var done = 0
    private var handles: [NodeContext.Instance] = []
    /// Those before it are where they are to be: looking at all of them again and again would be the cost that is
    /// measured.
    private var next = 0
    private var begun = (wall: Int64(0), cpu: Int64(0))
    private var context: NodeContext!
    private var start: Metric.Histogram!
    private var startCPU: Metric.Histogram!
    private var leave: Metric.Histogram!
    private var leaveCPU: Metric.Histogram!

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        (start, startCPU) = (context.histogram("start_us"), context.histogram("start_cpu_us"))
        (leave, leaveCPU) = (context.histogram("leave_us"), context.histogram("leave_cpu_us"))
    }

    public func process(now: Instant) {
        switch phase {
        case .idle:
            guard !context.isStopping, rounds == 0 || done < rounds else { return context.finish() }
            begun = BenchGuests.clocks
            handles = (0..<count).map { _ in context.start(template) }
            phase = .starting
        case .starting:
            guard haveAll({ !$0.name.isEmpty || $0.isOver }) else { break }
            note(start, startCPU)
            begun = BenchGuests.clocks
            for handle in handles { handle.stop() }
            phase = .leaving
        case .leaving:
            guard haveAll(\.isOver) else { break }
            note(leave, leaveCPU)
            done += 1
            phase = .idle
        }
        context.wake(at: now + .milliseconds(1))
    }

    private func haveAll(_ isThere: (NodeContext.Instance) -> Bool) -> Bool {
        while next < handles.count, isThere(handles[next]) { next += 1 }
        guard next == handles.count else { return false }
        next = 0
        return true
    }

    private func note(_ wall: Metric.Histogram, _ cpu: Metric.Histogram) {
        let end = BenchGuests.clocks
        wall.record(Int(end.wall - begun.wall) / count / 1_000)
        cpu.record(Int(end.cpu - begun.cpu) / count / 1_000)
    }

    /// Nanoseconds of the monotonic clock, and of the process's CPU.
    static var clocks: (wall: Int64, cpu: Int64) { (read(CLOCK_MONOTONIC), read(CLOCK_PROCESS_CPUTIME_ID)) }

    static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Takes its time to be prepared, as a node does that opens a device or a connection.
public final class BenchSlow: Node {
    public static let descriptor = NodeDescriptor(
        "bench-slow", summary: "Takes its time to be prepared, then takes what comes",
        example: #""slow": { "type": "bench-slow", "prepare_ms": 500 }"#)

    let input = Input<MediaItem>("in", optional: true)
    @Parameter("prepare_ms", default: 500, range: 0...60_000, help: "The CPU time that its preparation takes, in ms.")
    var milliseconds: Int

    public init() {}

    public func prepare(_ context: NodeContext) {
        let end = BenchGuests.read(CLOCK_MONOTONIC) + Int64(milliseconds) * 1_000_000
        while BenchGuests.read(CLOCK_MONOTONIC) < end {}
    }

    public func process(now: Instant) { while input.next() != nil {} }
}
