import Sluice

/// A cluster of packets that is sent faster than the estimate, to see whether the link carries more.
public struct Probe: Equatable, Sendable {
    /// Counts the probes of a transport.
    public var number: Int
    /// Bits a second at which its packets leave.
    public var bitsPerSecond: Int
    /// It is over when so many bytes,
    public var bytes: Int
    /// in so many packets, have left.
    public var packets: Int

    /// `bitsPerSecond` with headers.
    public init(number: Int, bitsPerSecond: Int, bytes: Int, packets: Int) {
        (self.number, self.bitsPerSecond, self.bytes, self.packets) = (number, bitsPerSecond, bytes, packets)
    }
}

/// One probe on its way: what its packets prove.
///
/// They prove the lesser of the rates at which they left and came, the last one's size left out where they left and the
/// first one's where they came. Where fewer than 80 % of them came they prove nothing. A rate below 90 % of that at
/// which they left is what the link had left for them, and the link was full.
struct ProbeFlight: Sendable {
    struct Result: Equatable, Sendable {
        /// Bits a second.
        var proved: Double
        /// Of what was asked.
        var share: Double
        /// The link carried less than was sent.
        var isFull: Bool
    }

    let probe: Probe
    private(set) var isSent = false
    private(set) var first: Int64?
    private(set) var last: Int64 = 0
    /// When its last packet so far left; when it was asked for before the first.
    private(set) var ended: Instant
    private var (sentPackets, sentBytes, lastBytes) = (0, 0, 0)
    private var begun: Instant
    private var (packets, bytes, firstBytes) = (0, 0, 0)
    private var (sumX, sumY, sumXX, sumXY) = (0.0, 0.0, 0.0, 0.0)
    private var (from, to) = (Interval.zero, Interval.zero)

    init(_ probe: Probe, now: Instant) { (self.probe, begun, ended) = (probe, now, now) }

    /// The packet of this number belongs to it.
    mutating func noteSent(_ sequence: Int64, bytes count: Int, at now: Instant) {
        if first == nil { (first, begun) = (sequence, now) }
        (last, ended, lastBytes) = (sequence, now, count)
        (sentPackets, sentBytes) = (sentPackets + 1, sentBytes + count)
        isSent = sentPackets >= probe.packets && sentBytes >= probe.bytes
    }

    /// No more of its packets follow.
    mutating func end() { isSent = isSent || sentPackets > 0 }

    func holds(_ sequence: Int64) -> Bool { first.map { $0 <= sequence && sequence <= last } ?? false }

    mutating func noteArrived(bytes count: Int, at time: Interval) {
        if packets == 0 { (from, to, firstBytes) = (time, time, count) }
        if time < from { (from, firstBytes) = (time, count) }
        to = max(to, time)
        let (x, y) = (Double(bytes), (time - from).seconds)
        (sumX, sumY, sumXX, sumXY) = (sumX + x, sumY + y, sumXX + x * x, sumXY + x * y)
        (packets, bytes) = (packets + 1, bytes + count)
    }

    /// nil where it proves nothing.
    var result: Result? {
        guard isSent, packets >= 4, packets * 10 >= sentPackets * 8 else { return nil }
        let (sending, coming) = ((ended - begun).seconds, (to - from).seconds)
        guard sending > 0.001, sending < 1, coming < 1 else { return nil }
        let left = Double(sentBytes - lastBytes) * 8 / sending
        let n = Double(packets)
        let line = (n * sumXY - sumX * sumY) / max(n * sumXX - sumX * sumX, 1)
        let fitted = max(line * Double(bytes - firstBytes), sending / 2)
        let came = Double(bytes - firstBytes) * 8 / fitted
        let proved = min(left, came)
        return Result(proved: proved, share: proved / Double(probe.bitsPerSecond), isFull: came < 0.9 * left)
    }
}
