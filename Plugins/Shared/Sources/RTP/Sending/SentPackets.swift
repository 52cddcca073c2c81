import Sluice

/// The packets that one viewer was sent lately, so that one that it misses goes out again as it was (RFC 4585, section
/// 6.2.1).
///
/// The payloads are the shared frames'; kept here are a viewer's own numbers. Bounded by `keep` and by `mostBytes` of
/// payload that only this viewer may be holding. A packet goes out again no more often than each `interval`, however
/// often it is asked for.
public struct SentPackets {
    struct Entry {
        var sequence: UInt16 = 0
        var frame: PacketizedFrame?
        var piece = 0
        var header = RTPHeader(payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0)
        var extensions = SentExtensions()
        var sent = Instant(nanoseconds: 0)
        var resent: Instant?
    }

    private var entries: [Entry]
    private let keep: Interval
    private let mostBytes: Int
    private let interval: Interval
    /// Of `entries`, counted on without end: the oldest that is kept, and the next to be written.
    private var (first, end) = (0, 0)
    private var bytes = 0

    /// `capacity` packets at most, made a power of two.
    public init(
        keep: Interval, capacity: Int = 1_024, mostBytes: Int = 4 << 20, interval: Interval = .milliseconds(20)
    ) {
        let size = 1 << (Int.bitWidth - (max(1, min(capacity, 1 << 15)) - 1).leadingZeroBitCount)
        entries = Array(repeating: Entry(), count: size)
        (self.keep, self.mostBytes, self.interval) = (keep, mostBytes, interval)
    }

    /// Packets that are kept.
    public var count: Int { end - first }

    mutating func note(_ entry: Entry) {
        let size = entry.frame?.pieces[entry.piece].count ?? 0
        forget(before: entry.sent - keep)
        while end > first, end - first == entries.count || bytes + size > mostBytes { forgetOldest() }
        entries[end & (entries.count - 1)] = entry
        end += 1
        bytes += size
    }

    /// The packet with this number, where it is kept and did not just go out.
    mutating func take(_ sequence: UInt16, now: Instant) -> Entry? {
        forget(before: now - keep)
        guard end > first else { return nil }
        // Numbers rise by one.
        let newest = entries[(end - 1) & (entries.count - 1)].sequence
        let back = Int(newest &- sequence)
        guard back < end - first else { return nil }
        let index = (end - 1 - back) & (entries.count - 1)
        guard entries[index].sequence == sequence else { return nil }
        if let resent = entries[index].resent, now - resent < interval { return nil }
        entries[index].resent = now
        return entries[index]
    }

    private mutating func forget(before time: Instant) {
        while end > first, entries[first & (entries.count - 1)].sent < time { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let index = first & (entries.count - 1)
        bytes -= entries[index].frame?.pieces[entries[index].piece].count ?? 0
        entries[index].frame = nil
        first += 1
    }
}
