import Sluice

/// A receiver's counters for one source: RFC 3550, appendices A.1 (sequence numbers), A.3 (loss) and A.8 (jitter).
public struct ReceiverStatistics: Sendable {
    /// The place of a packet among the others (appendix A.1).
    public enum Verdict: Equatable, Sendable {
        case inOrder
        /// Older than the newest, or a duplicate.
        case reordered
        /// Far from the others, by its number or by a timestamp that its number does not fit. Two that are near each
        /// other mean that the source began anew.
        case stray
        /// The source began anew with this packet or the stray before it: counts start over.
        case restarted
    }

    private var clockRate: Int64
    private var maxSequence: UInt16 = 0
    private var cycles: UInt32 = 0
    private var base: UInt32 = 0
    /// Of the last stray.
    private var strange: UInt16?
    /// The newest packet's.
    private var newest: (timestamp: UInt32, arrival: Instant)?
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
    /// Two strays within this many numbers are of one stream: the one between may be lost, or come later.
    static let nearby: UInt16 = 64

    /// `clockRate` in timestamps a second.
    public init(clockRate: Int) { self.clockRate = Int64(max(1, clockRate)) }

    /// A packet of the source came at `arrival`. One that is `stray` counts for nothing. Only where `tellsTime` its
    /// timestamp says something: a key's (RFC 4733) is that of the moment when it was pressed.
    public mutating func note(_ header: RTPHeader, at arrival: Instant, tellsTime: Bool = true) -> Verdict {
        let verdict = note(header.sequence, !tellsTime || fits(header, arrival))
        if verdict != .stray {
            received += 1
            if tellsTime { noteJitter(header.timestamp, arrival) }
            if verdict != .reordered, tellsTime { newest = (header.timestamp, arrival) }
        }
        return verdict
    }

    /// The clock counts another number of timestamps a second from here on.
    public mutating func restartClock(_ rate: Int) {
        clockRate = Int64(max(1, rate))
        (transit, jitterTimes16, newest) = (nil, 0, nil)
    }

    /// Whether the timestamp of a packet that does not follow the newest directly may stand where its number does:
    /// neither far behind nor far ahead of where time has got to. Frames of video may be shown in another order than
    /// they are sent.
    private func fits(_ header: RTPHeader, _ arrival: Instant) -> Bool {
        guard let newest, header.sequence != maxSequence &+ 1 else { return true }
        let step = Int64(Int32(bitPattern: header.timestamp &- newest.timestamp))
        let elapsed = rescale((arrival - newest.arrival).nanoseconds, from: 1_000_000_000, to: clockRate)
        let isOlder = header.sequence &- maxSequence >= 0x8000
        let (back, ahead) = isOlder ? (10 * clockRate, 2 * clockRate) : (2 * clockRate, 10 * clockRate &+ elapsed)
        return step >= -back && step <= ahead
    }

    private mutating func note(_ sequence: UInt16, _ fits: Bool) -> Verdict {
        guard isStarted else {
            start(sequence)
            return .inOrder
        }
        let step = sequence &- maxSequence
        if fits, step < ReceiverStatistics.maxDropout {
            if sequence < maxSequence { cycles = cycles &+ 0x1_0000 }
            maxSequence = sequence
            strange = nil
            return step == 0 ? .reordered : .inOrder
        }
        if fits, step > 0xffff - ReceiverStatistics.maxMisorder + 1 { return .reordered }
        guard let before = strange, sequence != before,
            sequence &- before <= ReceiverStatistics.nearby || before &- sequence <= ReceiverStatistics.nearby
        else {
            strange = sequence
            return .stray
        }
        start(sequence)
        return .restarted
    }

    private mutating func start(_ sequence: UInt16) {
        isStarted = true
        maxSequence = sequence
        cycles = 0
        base = UInt32(sequence)
        (strange, newest) = (nil, nil)
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
