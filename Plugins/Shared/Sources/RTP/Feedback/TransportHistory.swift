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
        /// An earlier feedback has told that it had not come.
        public var wasMissing = false
    }

    private struct Entry: Sendable {
        var sequence = Int64.min
        var bytes: Int32 = 0
        var sent = Instant(nanoseconds: 0)
        var fate = Fate.unknown
    }

    private enum Fate: Sendable { case unknown, missing, arrived }

    /// Empty before the first packet.
    private var entries: [Entry] = []
    private static let count = 2_048
    private var sequences = Unwrapper<UInt16>()
    private var references = Unwrapper<UInt32>(bits: 24)

    /// Nothing was sent.
    public init() {}

    /// The packet of this transport sequence number, of `bytes` in all, is sent `now`. Gives the number unwrapped.
    @discardableResult public mutating func note(_ sequence: UInt16, bytes: Int, at now: Instant) -> Int64 {
        let place = sequences.unwrap(sequence)
        if entries.isEmpty { entries = Array(repeating: Entry(), count: TransportHistory.count) }
        entries[Int(truncatingIfNeeded: place) & (entries.count - 1)] = Entry(
            sequence: place, bytes: Int32(clamping: bytes), sent: now)
        return place
    }

    /// The results that `feedback` tells of known packets, in their order. Each packet is told once as missing and once
    /// as arrived, however often feedback repeats it; one that arrived is not missing afterwards.
    public mutating func take(_ feedback: TransportFeedback) -> [Result] {
        guard !entries.isEmpty else { return [] }
        let first = sequences.place(feedback.base)
        let origin = references.unwrap(UInt32(bitPattern: feedback.reference)) * TransportFeedback.ticksOfReference
        var results: [Result] = []
        for (offset, arrival) in feedback.arrivals.enumerated() {
            let place = first + Int64(offset)
            let slot = Int(truncatingIfNeeded: place) & (entries.count - 1)
            let entry = entries[slot]
            guard entry.sequence == place else { continue }
            let isMissing = arrival == TransportFeedback.missing
            guard entry.fate == .unknown || entry.fate == .missing && !isMissing else { continue }
            entries[slot].fate = isMissing ? .missing : .arrived
            results.append(
                Result(
                    sequence: place, bytes: Int(entry.bytes), sent: entry.sent,
                    arrived: isMissing ? nil : TransportFeedback.tick * (origin &+ Int64(arrival)),
                    wasMissing: entry.fate == .missing))
        }
        return results
    }
}
