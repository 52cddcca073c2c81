import Bitstream
import Sluice

/// When the packets of a transport were sent, so that the receiver's feedback can be read: what came, how late, and
/// what is lost. Congestion control goes by it. Bounded to the last 2,048 packets.
public struct TransportHistory: Sendable {
    /// A packet that the feedback speaks of.
    public struct Result: Equatable, Sendable {
        /// The transport sequence number, unwrapped.
        public var sequence: Int64
        /// As noted when it was sent.
        public var bytes: Int
        /// When it was sent, on this clock.
        public var sent: Instant
        /// On the receiver's clock, whose origin is unknown; nil where it has not come.
        public var arrived: Interval?
    }

    private struct Entry: Sendable {
        var sequence = Int64.min
        var bytes = 0
        var sent = Instant(nanoseconds: 0)
    }

    private var entries = [Entry](repeating: Entry(), count: 2_048)
    private var sequences = Unwrapper<UInt16>()
    private var references = Unwrapper<UInt32>(bits: 24)

    /// Nothing was sent.
    public init() {}

    /// The packet of this transport sequence number, of `bytes` in all, is sent `now`.
    public mutating func note(_ sequence: UInt16, bytes: Int, at now: Instant) {
        let place = sequences.unwrap(sequence)
        entries[Int(truncatingIfNeeded: place) & (entries.count - 1)] = Entry(
            sequence: place, bytes: bytes, sent: now)
    }

    /// The results that `feedback` tells of known packets, in their order.
    public mutating func take(_ feedback: TransportFeedback) -> [Result] {
        let first = sequences.place(feedback.base)
        let origin = references.unwrap(UInt32(bitPattern: feedback.reference)) * TransportFeedback.ticksOfReference
        var results: [Result] = []
        for (offset, arrival) in feedback.arrivals.enumerated() {
            let place = first + Int64(offset)
            let entry = entries[Int(truncatingIfNeeded: place) & (entries.count - 1)]
            guard entry.sequence == place else { continue }
            let arrived =
                arrival == TransportFeedback.missing
                ? nil : TransportFeedback.tick * (origin &+ Int64(arrival))
            results.append(Result(sequence: place, bytes: entry.bytes, sent: entry.sent, arrived: arrived))
        }
        return results
    }
}
