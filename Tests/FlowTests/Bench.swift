import Foundation
import PacerPlugin
@_spi(Host) import Sluice
import Synchronization

@testable import FlowPlugin

/// PCM that comes when a test says: a frame is made for each entry of `script`.
final class Feed: Node {
    static let descriptor = NodeDescriptor("feed", summary: "PCM as the test wrote it down")
    let output = Output<AudioFrame>("out")

    struct Entry: Sendable {
        var at: Instant
        var samples: Int
        /// Of the first sample; −1 leaves pts out.
        var pts: Int64 = 0
        var epoch: UInt32 = 0
        var rate = 48_000
        /// The value of the first sample; it counts up from there.
        var value: Int16 = 0
    }

    private var context: NodeContext!
    private var script: [Entry] = []
    private var next = 0
    private var formats: [Int: MediaFormat] = [:]

    init() {}

    func prepare(_ context: NodeContext) {
        self.context = context
        script = Bench.script.withLock { $0 }
        if let rate = script.first?.rate { output.fix(format(rate)) }
    }

    private func format(_ rate: Int) -> MediaFormat {
        if let known = formats[rate] { return known }
        let made = MediaFormat(audio: AudioLayout(.s16, rate: rate, channels: 1))
        formats[rate] = made
        return made
    }

    func process(now: Instant) {
        while output.hasRoom, next < script.count, script[next].at <= now {
            let entry = script[next]
            let frame = AudioFrame(format: format(entry.rate), sampleCount: entry.samples)
            for index in 0..<entry.samples { frame.s16[index] = entry.value &+ Int16(truncatingIfNeeded: index) }
            frame.header.pts = entry.pts < 0 ? .none : MediaTime(entry.pts, timescale: Int64(entry.rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            frame.header.captured = now
            frame.header.epoch = entry.epoch
            if entry.epoch > context.epoch { context.raiseEpoch(to: entry.epoch) }
            output.send(frame)
            next += 1
        }
        if next == script.count { context.finish() } else { context.wake(at: script[next].at) }
    }
}

/// Keeps what it gets.
final class Tape: Node {
    static let descriptor = NodeDescriptor("tape", summary: "Keeps what it gets")
    let input = Input<AudioFrame>("in")
    private var context: NodeContext!

    struct Got: Sendable, Equatable {
        var at: Instant
        var header: HeaderCopy
        var samples: [Int16]
    }
    struct HeaderCopy: Sendable, Equatable {
        var pts: MediaTime
        var duration: MediaTime
        var epoch: UInt32
    }

    init() {}
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        while let frame = input.next() {
            let got = Got(
                at: now,
                header: HeaderCopy(pts: frame.header.pts, duration: frame.header.duration, epoch: frame.header.epoch),
                samples: Array(frame.s16))
            Bench.tapes.withLock { $0[context.name, default: []].append(got) }
        }
    }
}

/// Runs a chain or a fan of the Flow plugin's nodes in virtual time.
enum Bench {
    static let script = Mutex<[Feed.Entry]>([])
    static let tapes = Mutex<[String: [Tape.Got]]>([:])

    struct Result {
        var tapes: [String: [Tape.Got]]
        var report: [String: Any]
        var outcome: RunOutcome
        /// Everything that was told, lines of status too, in order.
        var events: [EventLog.Event]

        func tape(_ name: String = "tape") -> [Tape.Got] { tapes[name] ?? [] }
        func node(_ name: String) -> [String: Any] {
            (report["nodes"] as? [String: Any])?[name] as? [String: Any] ?? [:]
        }
        func metric(_ node: String, _ name: String) -> Int {
            (self.node(node)["metrics"] as? [String: Any])?[name] as? Int ?? -1
        }
        func edge(to end: String) -> [String: Any] {
            (report["edges"] as? [[String: Any]])?.first { $0["to"] as? String == end } ?? [:]
        }
    }

    static let types: [any Node.Type] = [Feed.self, Tape.self, Relay.self, Pacer.self, Meter.self, NullSink.self]

    static func node(_ name: String, _ type: any Node.Type, _ parameters: [String: ParameterValue] = [:]) -> NodePlan {
        NodePlan(
            name: name, spec: NodeSpec(of: type), parameters: parameters, lane: nil, onError: .fail, isLossless: false,
            position: SourcePosition(line: 1, column: 1))
    }

    static func edge(
        _ from: String, _ to: String, _ capacity: EdgePolicy.Capacity = .standard,
        _ overflow: EdgePolicy.Overflow = .block,
        fromParent: Bool = false
    ) -> EdgePlan {
        EdgePlan(
            from: EndPlan(node: from, port: "out", isParent: fromParent), to: EndPlan(node: to, port: "in"),
            capacity: capacity, overflow: overflow, epoch: .flush, isOptional: false,
            position: SourcePosition(line: 1, column: 1))
    }

    static func run(
        _ script: [Feed.Entry], _ session: SessionPlan, templates: [String: SessionPlan] = [:],
        start: [(String, Int)] = [], duration: Interval? = nil
    ) throws -> Result {
        self.script.withLock { $0 = script }
        tapes.withLock { $0 = [:] }
        let registry = NodeRegistry()
        for type in types { registry.register(type) }
        let plan = GraphPlan(
            name: "bench", file: "bench.json", summary: "", root: session,
            templates: templates.reduce(into: [:]) { all, entry in
                let body = entry.value
                all[entry.key] = TemplatePlan(name: entry.key) { _ in body }
            },
            start: start.map {
                GraphPlan.Start(
                    template: $0.0, count: $0.1, parameters: [:], position: SourcePosition(line: 1, column: 1))
            }, warnings: [])
        var options = RunOptions()
        options.clock = .virtual
        options.duration = duration
        let told = Told()
        options.onEvent = { event in told.events.withLock { $0.append(event) } }
        let run = GraphRun(plan, registry: registry, options: options)
        let outcome = try run.execute()
        let report = try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any] ?? [:]
        return Result(
            tapes: tapes.withLock { $0 }, report: report, outcome: outcome, events: told.events.withLock { $0 })
    }

    private final class Told: Sendable { let events = Mutex<[EventLog.Event]>([]) }

    /// feed → pacer → tape.
    static func pace(
        _ script: [Feed.Entry], _ parameters: [String: ParameterValue] = [:], capacity: EdgePolicy.Capacity = .standard,
        overflow: EdgePolicy.Overflow = .block
    ) throws -> Result {
        try run(
            script,
            SessionPlan(
                nodes: [node("feed", Feed.self), node("pacer", Pacer.self, parameters), node("tape", Tape.self)],
                edges: [edge("feed", "pacer", capacity, overflow), edge("pacer", "tape")]))
    }

    /// `count` items of `samples` each, arriving as they last, from `start` on.
    static func stream(
        _ count: Int, samples: Int = 960, rate: Int = 48_000, from start: Interval = .zero, firstSample: Int = 0
    ) -> [Feed.Entry] {
        (0..<count).map { index in
            let first = firstSample + index * samples
            return Feed.Entry(
                at: Instant(nanoseconds: start.nanoseconds)
                    + Interval(MediaTime(Int64(index * samples), timescale: Int64(rate))),
                samples: samples, pts: Int64(first), rate: rate, value: Int16(truncatingIfNeeded: first))
        }
    }
}
