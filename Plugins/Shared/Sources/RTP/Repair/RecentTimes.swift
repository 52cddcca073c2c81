/// The timestamps of the packets that came last, so that an earlier frame which came along with a packet (RFC 2198) is
/// known or gets its place: its block tells a timestamp and no sequence number.
struct RecentTimes: Sendable {
    private static let most = 32
    private var known = [(sequence: Int64, timestamp: Int64)](repeating: (.min, .min), count: RecentTimes.most)
    private var next = 0

    mutating func note(_ sequence: Int64, _ timestamp: Int64) {
        known[next] = (sequence, timestamp)
        next = (next + 1) % RecentTimes.most
    }

    /// The sequence number of the frame with `timestamp` that came with packet `sequence`, `following` blocks before
    /// its own media. nil where that frame has come, or has no place.
    ///
    /// A sender gives the frames right before, so blocks are counted back. Where the packet there is known to be
    /// another one, the sender leaves some out: then the distance is counted in steps from packet to packet.
    func place(_ timestamp: Int64, in sequence: Int64, of packetTime: Int64, following: Int) -> Int64? {
        var step = Int64.max
        var isTaken = false
        let counted = sequence - Int64(following)
        for packet in known where packet.sequence != .min {
            if packet.timestamp == timestamp { return nil }
            if packet.sequence == counted { isTaken = true }
            // A packet before it, so many steps away.
            let (numbers, times) = (sequence &- packet.sequence, packetTime &- packet.timestamp)
            if numbers > 0, times > 0, times % numbers == 0 { step = min(step, times / numbers) }
        }
        guard isTaken else { return counted }
        let distance = packetTime &- timestamp
        guard step < .max, distance > 0, distance % step == 0 else { return nil }
        let placed = sequence - distance / step
        return known.contains { $0.sequence == placed } ? nil : placed
    }
}
