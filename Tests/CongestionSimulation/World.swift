/// Two links, forward and backward, and the flows that share them, in virtual time.
public struct World {
    public var links: [Bottleneck]
    /// In seconds.
    public var jitter = 0.03
    /// A share of packets that is lost at random behind the forward link.
    public var loss = 0.0
    /// How long packets stood in the queue of each link.
    public private(set) var waits: [[Float]] = [[], []]
    private var chance: Chance

    init(_ links: [Bottleneck], seed: UInt64) {
        self.links = links
        chance = Chance(seed: seed &+ 77)
    }

    /// When the packet has left the link of that direction; nil where it is lost.
    mutating func pass(bytes: Int, _ direction: Int, at time: Double) -> Double? {
        guard let (left, waited) = links[direction].pass(bytes: bytes, at: time) else { return nil }
        if bytes > 80 { waits[direction].append(Float(waited)) }
        if direction == 0, loss > 0, chance.unit() < loss { return nil }
        return left
    }

    func queued(_ direction: Int, at time: Double) -> Double { links[direction].queue }

    /// The wait that 95 of 100 packets stay below, in ms.
    public func waitingTime(_ direction: Int = 0) -> Double {
        let sorted = waits[direction].sorted()
        return sorted.isEmpty ? 0 : Double(sorted[sorted.count * 95 / 100]) * 1_000
    }
}

/// A run of flows over a link until `end`.
public struct Scenario: Sendable {
    public var forward: [(at: Double, rate: Double)]
    public var backward: [(at: Double, rate: Double)] = [(0, 100_000_000)]
    public var flows: [MediaFlow.Settings]
    public var hasReno = false
    public var loss = 0.0
    public var jitter = 0.03
    public var end: Double

    public init(_ forward: [(at: Double, rate: Double)], _ flows: [MediaFlow.Settings], end: Double) {
        (self.forward, self.flows, self.end) = (forward, flows, end)
    }

    public func run(seed: UInt64) -> (world: World, flows: [MediaFlow], renoBytes: Int) {
        var world = World([Bottleneck(forward), Bottleneck(backward)], seed: seed)
        (world.loss, world.jitter) = (loss, jitter)
        let flows = flows.enumerated().map { MediaFlow($1, seed: seed &* 1_000 &+ UInt64($0)) }
        let reno = hasReno ? RenoFlow() : nil
        while true {
            var (time, who) = (reno?.next ?? .infinity, -1)
            for (index, flow) in flows.enumerated() where flow.next < time { (time, who) = (flow.next, index) }
            guard time < end else { break }
            if who < 0 { reno?.run(at: time, &world) } else { flows[who].run(at: time, &world) }
        }
        return (world, flows, reno?.bytes ?? 0)
    }
}
