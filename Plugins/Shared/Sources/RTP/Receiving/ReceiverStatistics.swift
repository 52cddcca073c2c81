import Sluice

/// A receiver's counters for one source: RFC 3550, appendices A.1 (sequence numbers), A.3 (loss) and A.8 (jitter).
public struct ReceiverStatistics: Sendable {
    /// The place of a packet among the others (appendix A.1).
    public enum Verdict: Equatable, Sendable {
        case inOrder
        /// Older than the newest, or a duplicate.
        case reordered
        /// Far from the others. Two in a row mean that the source began anew.
        case stray
        /// The source began anew with this packet: counts start over.
        case restarted
    }

    private let clockRate: Int64
    private var maxSequence: UInt16 = 0
    private var cycles: UInt32 = 0
    private var base: UInt32 = 0
    private var badSequence: UInt32?
    /// Packets, duplicates too, strays not.
    public private(set) var received = 0
    private var expectedPrior: Int64 = 0
    private var receivedPrior = 0
    private var isStarted = false
    private var transit: Int64?
    /// Units of the media clock, times 16.
    private var jitterTimes16: Int64 = 0
    private var lastReport: (middle: UInt32, at: Instant)?

    /// Appendix A.1's constants: a step ahead that still belongs to the source, and one back that is reordering.
    static let maxDropout: UInt16 = 3_000
    static let maxMisorder: UInt16 = 100

    /// `clockRate` in timestamps a second.
    public init(clockRate: Int) { self.clockRate = Int64(max(1, clockRate)) }

    /// A packet of the source came at `arrival`. One that is `stray` counts for nothing.
    public mutating func note(_ header: RTPHeader, at arrival: Instant) -> Verdict {
        let verdict = note(header.sequence)
        if verdict != .stray {
            received += 1
            noteJitter(header.timestamp, arrival)
        }
        return verdict
    }

    private mutating func note(_ sequence: UInt16) -> Verdict {
        guard isStarted else {
            start(sequence)
            return .inOrder
        }
        let step = sequence &- maxSequence
        if step < ReceiverStatistics.maxDropout {
            if sequence < maxSequence { cycles = cycles &+ 0x1_0000 }
            maxSequence = sequence
            badSequence = nil
            return step == 0 ? .reordered : .inOrder
        }
        if step <= 0xffff - ReceiverStatistics.maxMisorder + 1 {
            guard badSequence == UInt32(sequence) else {
                badSequence = UInt32(sequence &+ 1)
                return .stray
            }
            start(sequence)
            return .restarted
        }
        return .reordered
    }

    private mutating func start(_ sequence: UInt16) {
        isStarted = true
        maxSequence = sequence
        cycles = 0
        base = UInt32(sequence)
        badSequence = nil
        (received, receivedPrior, expectedPrior) = (0, 0, 0)
        transit = nil
        jitterTimes16 = 0
    }

    /// The difference of transit times of neighbours, smoothed by 1/16.
    private mutating func noteJitter(_ timestamp: UInt32, _ arrival: Instant) {
        let arrived = rescale(arrival.nanoseconds, from: 1_000_000_000, to: clockRate)
        let now = Int64(UInt32(truncatingIfNeeded: arrived) &- timestamp)
        defer { transit = now }
        guard let before = transit else { return }
        let difference = Int64(Int32(truncatingIfNeeded: now - before))
        jitterTimes16 += difference.magnitude > 1 << 30 ? 0 : abs(difference) - (jitterTimes16 + 8) / 16
    }

    /// The highest sequence number with the wraps before it.
    public var highest: UInt32 { cycles &+ UInt32(maxSequence) }
    private var expected: Int64 { isStarted ? Int64(highest) - Int64(base) + 1 : 0 }
    /// Packets that never came, or have not yet. Duplicates count against it.
    public var lost: Int { Int(expected) - received }
    /// Mean deviation of transit times.
    public var jitter: Interval {
        Interval(nanoseconds: rescale(jitterTimes16, from: clockRate * 16, to: 1_000_000_000))
    }

    /// A sender report of the source came at `arrival`: the next block names it.
    public mutating func note(_ report: RTCPPacket.SenderReport, at arrival: Instant) {
        lastReport = (report.ntp.compact, arrival)
    }

    /// The block that a report sent now says about `ssrc`; the next one's fraction counts from here.
    public mutating func report(on ssrc: UInt32, now: Instant) -> RTCPPacket.ReportBlock {
        let expectedNow = expected - expectedPrior
        let lostNow = expectedNow - Int64(received - receivedPrior)
        (expectedPrior, receivedPrior) = (expected, received)
        let fraction = expectedNow > 0 && lostNow > 0 ? min(255, lostNow * 256 / expectedNow) : 0
        let delay = lastReport.map { rescale((now - $0.at).nanoseconds, from: 1_000_000_000, to: 65_536) } ?? 0
        return RTCPPacket.ReportBlock(
            ssrc: ssrc, fractionLost: UInt8(fraction), lost: Int32(clamping: lost), highest: highest,
            jitter: UInt32(clamping: jitterTimes16 / 16), lastReport: lastReport?.middle ?? 0,
            delay: UInt32(clamping: delay))
    }
}
