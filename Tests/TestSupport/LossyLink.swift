/// One direction of a network on a virtual clock: it takes time, loses, and lets packets overtake each other.
public struct LossyLink {
    private let delay: Double
    private let jitter: Double
    private let loss: Double
    private var dice: Dice
    private var underWay: [(at: Double, order: Int, bytes: [UInt8])] = []
    public private(set) var sent = 0
    public private(set) var lost = 0
    public private(set) var bytes = 0

    /// In milliseconds, and a share of 1.
    public init(delay: Double, jitter: Double = 0, loss: Double, seed: UInt64) {
        (self.delay, self.jitter, self.loss) = (delay, jitter, loss)
        dice = Dice(seed: seed)
    }

    public mutating func send(_ packet: [UInt8], at now: Double) {
        sent += 1
        bytes += packet.count
        guard Double.random(in: 0..<1, using: &dice) >= loss else {
            lost += 1
            return
        }
        let more = jitter > 0 ? Double.random(in: 0..<jitter, using: &dice) : 0
        underWay.append((now + delay + more, sent, packet))
    }

    /// Those that have come, in the order of their arrival.
    public mutating func take(at now: Double) -> [[UInt8]] {
        let come = underWay.filter { $0.at <= now }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
        if !come.isEmpty { underWay.removeAll { $0.at <= now } }
        return come.map(\.bytes)
    }
}
