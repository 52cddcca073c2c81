import Sluice

/// Packets of a source whose clock is off, on their way: each is complete when its media have passed on the source's
/// clock, and comes some time later, never before the one ahead of it. Some are lost.
public struct Arrivals {
    public struct Packet: Sendable {
        public var number: Int64
        public var arrival: Instant
    }

    /// Length of a packet on the source's clock.
    public let length: Interval
    /// How much longer the source's second lasts than ours, in parts per million.
    public let ppm: Double
    public let jitter: Interval
    public let loss: Double
    private var lot: Lot
    private var number: Int64 = 0
    private var latest = Instant(nanoseconds: 0)
    public private(set) var lost: [Int64] = []
    private let keepsLost: Bool
    public private(set) var lostCount = 0

    public init(
        length: Interval, ppm: Double, jitter: Interval, loss: Double, seed: UInt64, keepsLost: Bool = false
    ) {
        self.length = length
        self.ppm = ppm
        self.jitter = jitter
        self.loss = loss
        self.keepsLost = keepsLost
        lot = Lot(seed: seed)
    }

    /// The next one that comes.
    public mutating func next() -> Packet {
        while true {
            let own = number
            number += 1
            let isLost = own > 0 && lot.unit() < loss
            let late = Int64(Double(jitter.nanoseconds) * lot.unit())
            if isLost {
                lostCount += 1
                if keepsLost { lost.append(own) }
                continue
            }
            let complete = Double((own + 1) * length.nanoseconds)
            let at = Instant(nanoseconds: Int64(complete) + Int64((complete * ppm / 1e6).rounded()) + late)
            latest = max(latest, at)
            return Packet(number: own, arrival: latest)
        }
    }

    public var numberOfNext: Int64 { number }
}
