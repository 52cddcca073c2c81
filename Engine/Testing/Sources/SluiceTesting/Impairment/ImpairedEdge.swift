import Sluice

/// Lets items through as `Impairment` says: `GraphBuilder.impairedEdge` puts one into an edge.
public final class ImpairedEdge: Node {
    public static let descriptor = NodeDescriptor(
        "test-impaired-edge", summary: "Delays, loses and reorders items, the same in every run")

    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    @Parameter("seed", default: 1, help: "The seed of the random numbers.") var seed: Int
    @Parameter("delay_ms", default: 0, range: 0...60_000, help: "The delay of every item in ms.") var delay: Double
    @Parameter(
        "jitter_ms", default: 0, range: 0...60_000, help: "The most that is added to the delay by chance, in ms.")
    var jitter: Double
    @Parameter(
        "loss_percent", default: 0, range: 0...100, help: "The share of items that are lost by chance, in percent.")
    var loss: Double
    @Parameter(
        "reorder_percent", default: 0, range: 0...100, help: "The share of items that others overtake, in percent.")
    var reorder: Double
    @Parameter(
        "reorder_ms", default: 30, range: 0...60_000, help: "The delay that is added to an overtaken item, in ms.")
    var reorderBy: Double
    @Parameter("rate_kbps", default: 0, range: 0...10_000_000, help: "The rate of the line in kb/s. 0 sets no limit.")
    var rate: Int
    @Parameter(
        "queue_ms", default: 200, range: 0...60_000, help: "The longest time that an item waits for the line, in ms.")
    var queue: Double

    /// The impairments done so far.
    public private(set) var impairment = Impairment(Impairment.Settings())
    private var context: NodeContext!
    /// On their way, the first to arrive last.
    private var flying: [(item: MediaItem, arrives: Instant)] = []

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        func interval(_ milliseconds: Double) -> Interval { .seconds(milliseconds / 1_000) }
        impairment = Impairment(
            Impairment.Settings(
                seed: UInt64(bitPattern: Int64(seed)), delay: interval(delay), jitter: interval(jitter),
                loss: loss / 100, reorder: reorder / 100, reorderBy: interval(reorderBy), kilobits: rate,
                queue: interval(queue)))
        if let format = input.format { output.fix(format) }
    }

    public func process(now: Instant) {
        while let item = input.next() {
            guard let arrives = impairment.arrival(of: item.byteCount, at: now) else { continue }
            // Behind those that arrive at the same time.
            let place = flying.lastIndex { $0.arrives > arrives }.map { $0 + 1 } ?? 0
            flying.insert((item, arrives), at: place)
        }
        deliver(now)
    }

    public func finish(now: Instant) -> Bool {
        deliver(now)
        return flying.isEmpty
    }

    private func deliver(_ now: Instant) {
        while let next = flying.last, next.arrives <= now, output.hasRoom {
            flying.removeLast()
            output.send(next.item)
        }
        if let next = flying.last, output.hasRoom { context.wake(at: next.arrives) }
    }
}

extension GraphBuilder {
    /// An edge as `edge` makes it, with a bad network in front of it. `node` names that, for `GraphHarness.node`.
    public mutating func impairedEdge(
        _ ends: String, _ settings: Impairment.Settings, node: String, items: Int = 16, milliseconds: Int = 500,
        overflow: EdgePolicy.Overflow = .block, epoch: EdgePolicy.Epoch = .flush
    ) {
        let sides = ends.split(separator: "->").map { $0.filter { $0 != " " } }
        precondition(sides.count == 2, "\"\(ends)\" is not \"from.port -> to.port\"")
        self.node(
            node, ImpairedEdge.self,
            [
                "seed": .integer(Int(truncatingIfNeeded: settings.seed)),
                "delay_ms": .number(settings.delay.milliseconds), "jitter_ms": .number(settings.jitter.milliseconds),
                "loss_percent": .number(settings.loss * 100), "reorder_percent": .number(settings.reorder * 100),
                "reorder_ms": .number(settings.reorderBy.milliseconds), "rate_kbps": .integer(settings.kilobits),
                "queue_ms": .number(settings.queue.milliseconds),
            ])
        edge("\(sides[0]) -> \(node).in", items: 1_024, milliseconds: 600_000)
        edge(
            "\(node).out -> \(sides[1])", items: items, milliseconds: milliseconds, overflow: overflow, epoch: epoch)
    }
}
