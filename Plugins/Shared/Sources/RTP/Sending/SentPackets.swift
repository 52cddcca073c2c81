import Sluice

/// The packets that one viewer was sent lately, so that one that it misses goes out again as it was (RFC 4585, section
/// 6.2.1).
///
/// The payloads are the shared frames'; kept here are a viewer's own numbers. Bounded by `capacity` and by `mostBytes`
/// of payload that only this viewer may be holding. A packet goes out again while it is younger than `keep`, and no
/// more often than each `interval`, however often it is asked for.
///
/// A packet takes the place of the oldest, whose memory is then written to anyway: one that is merely too old stays
/// until then.
public struct SentPackets {
    struct Entry {
        var sequence: UInt16 = 0
        var frame: PacketizedFrame?
        var piece = 0
        var header = RTPHeader(payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0)
        var extensions = SentExtensions()
        var sent = Instant(nanoseconds: 0)
        var resent: Instant?
        /// The frame that went along, and by how much its timestamp is less.
        var before: PacketizedFrame?
        var timestampOffset: UInt16 = 0
        /// Bytes of payload.
        var payloadSize = 0
    }

    enum Finding {
        case found(Entry)
        /// It is kept no more, or never was.
        case gone
        /// It has just gone out again.
        case tooSoon
    }

    private var entries: [Entry]
    private let capacity: Int
    private let keep: Interval
    private let mostBytes: Int
    /// The least time from one sending again of a packet to the next: the round trip, where it is known.
    public var interval: Interval
    /// Of `entries`, counted on without end: the oldest that is kept, and the next to be written.
    private var (first, end) = (0, 0)
    private var probes = 0
    /// Bytes of payload that are kept.
    public private(set) var bytes = 0

    /// `capacity` packets at most, made a power of two. Memory grows with what is sent within `keep`.
    public init(
        keep: Interval, capacity: Int = 1_024, mostBytes: Int = 4 << 20, interval: Interval = .milliseconds(20)
    ) {
        self.capacity = 1 << (Int.bitWidth - (max(1, min(capacity, 1 << 15)) - 1).leadingZeroBitCount)
        entries = Array(repeating: Entry(), count: min(self.capacity, 64))
        (self.keep, self.mostBytes, self.interval) = (keep, mostBytes, interval)
    }

    /// Packets that are kept.
    public var count: Int { end - first }

    mutating func note(_ entry: Entry) {
        if end - first == entries.count {
            let isYoung = entries[first & (entries.count - 1)].sent >= entry.sent - keep
            if isYoung, entries.count < capacity { grow() } else { forgetOldest() }
        }
        while end > first, bytes + entry.payloadSize > mostBytes { forgetOldest() }
        entries[end & (entries.count - 1)] = entry
        end += 1
        bytes += entry.payloadSize
    }

    private mutating func grow() {
        let ordered = (first..<end).map { entries[$0 & (entries.count - 1)] }
        entries = ordered + Array(repeating: Entry(), count: 2 * entries.count - ordered.count)
        (first, end) = (0, ordered.count)
    }

    /// The packet with this number.
    mutating func find(_ sequence: UInt16, now: Instant) -> Finding {
        forget(before: now - keep)
        guard let index = index(of: sequence) else { return .gone }
        if let resent = entries[index].resent, now - resent < interval { return .tooSoon }
        return .found(entries[index])
    }

    /// The packet with this number goes out again `now`.
    mutating func noteAgain(_ sequence: UInt16, now: Instant) {
        if let index = index(of: sequence) { entries[index].resent = now }
    }

    /// A packet to send once more though nobody asks for it: of the newest 16 the largest, or each in turn of those
    /// that are nearly as large.
    mutating func probe() -> Entry? {
        let newest = max(first, end - 16)..<end
        let largest = newest.map { entries[$0 & (entries.count - 1)].payloadSize }.max() ?? 0
        let large = newest.filter { entries[$0 & (entries.count - 1)].payloadSize * 4 >= largest * 3 }
        guard largest > 0, !large.isEmpty else { return nil }
        probes &+= 1
        return entries[large[probes % large.count] & (entries.count - 1)]
    }

    private func index(of sequence: UInt16) -> Int? {
        guard end > first else { return nil }
        // Numbers rise by one.
        let newest = entries[(end - 1) & (entries.count - 1)].sequence
        let back = Int(newest &- sequence)
        guard back < end - first else { return nil }
        let index = (end - 1 - back) & (entries.count - 1)
        return entries[index].sequence == sequence ? index : nil
    }

    private mutating func forget(before time: Instant) {
        while end > first, entries[first & (entries.count - 1)].sent < time { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let index = first & (entries.count - 1)
        bytes -= entries[index].payloadSize
        (entries[index].frame, entries[index].before) = (nil, nil)
        first += 1
    }
}
