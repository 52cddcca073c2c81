import Bitstream
import Sluice

/// Which packets a receiver asks its sender for again (RFC 4585, section 6.2.1), and when.
///
/// A number that was passed over is asked for after `patience`, as reordering needs no help, then again each
/// `interval`, until it comes or the jitter buffer has given it up. Bounded: no more than `most` numbers are waited
/// for, the newest.
public struct MissingPackets: Sendable {
    private struct Hole: Sendable {
        var sequence: Int64
        var next: Instant
        var isOver: Instant
    }

    private let patience: Interval
    private var interval: Interval
    private let delay: Interval
    private let most: Int
    private var sequences = Unwrapper<UInt16>()
    private var highest: Int64?
    private var holes: [Hole] = []

    /// `delay` is how long the jitter buffer waits.
    public init(
        delay: Interval, patience: Interval = .milliseconds(10), interval: Interval = .milliseconds(50), most: Int = 256
    ) {
        (self.delay, self.patience, self.interval, self.most) = (delay, min(patience, delay), interval, most)
    }

    /// The round trip to the sender: a packet that was asked for may come so much later, so it is asked for again only
    /// then.
    public mutating func follow(roundTrip: Interval) {
        interval = max(MissingPackets.shortestInterval, roundTrip + MissingPackets.grace)
    }

    private static let shortestInterval = Interval.milliseconds(20)
    /// For jitter on the way, and for a sender that is busy.
    private static let grace = Interval.milliseconds(10)

    /// The packet of this sequence number came `now`.
    public mutating func note(_ sequence: UInt16, now: Instant) {
        let place = sequences.unwrap(sequence)
        guard let before = highest else {
            highest = place
            return
        }
        if place <= before {
            holes.removeAll { $0.sequence == place }
            return
        }
        highest = place
        let missed = place - before - 1
        guard missed > 0 else { return }
        // So many at once are no loss that can be made good.
        guard missed <= Int64(most) else { return holes.removeAll(keepingCapacity: true) }
        holes.removeFirst(max(0, holes.count + Int(missed) - most))
        for sequence in before + 1..<place {
            holes.append(Hole(sequence: sequence, next: now + patience, isOver: now + delay))
        }
    }

    /// The numbers to ask for now.
    public mutating func take(now: Instant) -> [UInt16] {
        guard !holes.isEmpty else { return [] }
        holes.removeAll { $0.isOver <= now }
        var asked: [UInt16] = []
        for index in holes.indices where holes[index].next <= now {
            asked.append(UInt16(truncatingIfNeeded: holes[index].sequence))
            holes[index].next = now + interval
        }
        return asked
    }

    /// When `take` has something to give, or to forget; nil while nothing is missing.
    public var due: Instant? { holes.lazy.map { min($0.next, $0.isOver) }.min() }

    /// Another source, or new numbers.
    public mutating func restart() {
        self = MissingPackets(delay: delay, patience: patience, interval: interval, most: most)
    }
}
