import Foundation
import Sluice
import Synchronization

/// Runs one node in virtual time between a feed that sends what the test wrote down, a millisecond apart, and a tape.
public struct NodeBench {
    public struct Result {
        public var items: [MediaItem]
        public var outcome: GraphRun.Outcome
        /// What was logged, in order.
        public var events: [String]
        public var report: [String: Any]

        public var packets: [Packet] { items.compactMap { $0 as? Packet } }
        public var audio: [AudioFrame] { items.compactMap { $0 as? AudioFrame } }
        public var video: [VideoFrame] { items.compactMap { $0 as? VideoFrame } }
        public func metric(_ name: String) -> Int {
            let node = (report["nodes"] as? [String: Any])?["node"] as? [String: Any]
            return (node?["metrics"] as? [String: Any])?[name] as? Int ?? -1
        }
    }

    /// What happens at one millisecond.
    public enum Step: Sendable {
        case send(MediaItem)
        /// A value for the control named in `value`, taken before the next item.
        case set(Double)
        /// A request for the control named in `request`, taken before the next item.
        case ask
    }

    public var type: any Node.Type
    public var parameters: [String: ParameterValue] = [:]
    public var value: String?
    public var request: String?
    /// The format is known before the first item.
    public var announces = true

    public init(
        _ type: any Node.Type, _ parameters: [String: ParameterValue] = [:], value: String? = nil,
        request: String? = nil, announces: Bool = true
    ) {
        self.type = type
        self.parameters = parameters
        self.value = value
        self.request = request
        self.announces = announces
    }

    public func run(_ items: [MediaItem]) throws -> Result { try run(items.map { .send($0) }) }

    public func run(_ steps: [Step]) throws -> Result {
        let key = Bag.add(steps, announces: announces)
        defer { Bag.remove(key) }
        let registry = NodeRegistry()
        for type in [Feed.self, Tape.self, type] as [any Node.Type] { registry.register(type) }
        let name: [String: ParameterValue] = ["key": .integer(key)]
        var session = SessionPlan()
        session.nodes = [
            NodePlan(name: "feed", spec: NodeSpec(of: Feed.self), parameters: name),
            NodePlan(name: "node", spec: NodeSpec(of: type), parameters: parameters),
            NodePlan(name: "tape", spec: NodeSpec(of: Tape.self), parameters: name),
        ]
        let (feed, node, tape) = ("feed", "node", "tape")
        session.edges = [
            EdgePlan(from: EndPlan(node: feed, port: "out"), to: EndPlan(node: node, port: "in")),
            EdgePlan(from: EndPlan(node: node, port: "out"), to: EndPlan(node: tape, port: "in")),
        ]
        if let value {
            session.controls.append(
                ControlPlan(
                    from: EndPlan(node: feed, port: "value"), to: EndPlan(node: node, port: value), kind: .value))
        }
        if let request {
            session.controls.append(
                ControlPlan(
                    from: EndPlan(node: feed, port: "request"), to: EndPlan(node: node, port: request), kind: .request))
        }
        let plan = GraphPlan(name: "bench", file: "bench.json", root: session)
        var options = RunOptions()
        options.clock = .virtual
        let events = Events()
        options.onEvent = { event in events.all.withLock { $0.append(event.what) } }
        let run = GraphRun(plan, registry: registry, options: options)
        let outcome = try run.execute()
        let report = try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any] ?? [:]
        return Result(items: Bag.tape(key), outcome: outcome, events: events.all.withLock { $0 }, report: report)
    }
}

private final class Events: Sendable { let all = Mutex<[String]>([]) }

/// What nodes of a bench share with it: parameters are plain values, so they hold a number.
private enum Bag {
    struct Entry: Sendable {
        var steps: [NodeBench.Step]
        var announces: Bool
        var tape: [MediaItem] = []
    }
    private static let entries = Mutex<(next: Int, all: [Int: Entry])>((1, [:]))

    static func add(_ steps: [NodeBench.Step], announces: Bool) -> Int {
        entries.withLock { bag in
            bag.next += 1
            bag.all[bag.next] = Entry(steps: steps, announces: announces)
            return bag.next
        }
    }
    static func entry(_ key: Int) -> Entry? { entries.withLock { $0.all[key] } }
    static func tape(_ key: Int) -> [MediaItem] { entries.withLock { $0.all[key]?.tape ?? [] } }
    static func keep(_ item: MediaItem, _ key: Int) { entries.withLock { $0.all[key]?.tape.append(item) } }
    static func remove(_ key: Int) { entries.withLock { _ = $0.all.removeValue(forKey: key) } }
}

private final class Feed: Node {
    static let descriptor = NodeDescriptor("bench-feed", summary: "Sends what the test wrote down")
    let output = Output<MediaItem>("out")
    let value = ValueOutput("value", help: "a value")
    let request = RequestOutput("request", help: "a request")
    @Parameter("key", default: 0, help: "which bench") var key: Int
    private var steps: [NodeBench.Step] = []
    private var next = 0
    private var context: NodeContext!

    func prepare(_ context: NodeContext) {
        self.context = context
        guard let entry = Bag.entry(key) else { return }
        steps = entry.steps
        for case .send(let item) in steps where entry.announces {
            output.fix(item.format)
            break
        }
    }

    func process(now: Instant) {
        guard output.hasRoom else { return }
        if next < steps.count {
            switch steps[next] {
            case .send(let item): output.send(item)
            case .set(let number): value.send(number)
            case .ask: request.send()
            }
            next += 1
        }
        if next == steps.count { context.finish() } else { context.wake(at: now + .milliseconds(1)) }
    }
}

private final class Tape: Node {
    static let descriptor = NodeDescriptor("bench-tape", summary: "Keeps what it gets")
    let input = Input<MediaItem>("in")
    @Parameter("key", default: 0, help: "which bench") var key: Int

    func process(now: Instant) { while let item = input.next() { Bag.keep(item, key) } }
}
