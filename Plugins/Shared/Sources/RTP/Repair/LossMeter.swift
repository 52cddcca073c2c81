import Sluice

/// How much of what was sent has not come, of receiver reports: of the last few seconds, the newest counting most.
///
/// It goes by the reports' whole counts, so that none is told twice however often reports come, and one that is lost is
/// made up for by the next.
public struct LossMeter: Sendable {
    private struct Source: Sendable {
        var ssrc: UInt32
        var highest: UInt32
        var lost: Int32
    }

    private let span: Interval
    private var sources: [Source] = []
    private var last: Instant?
    /// Packets, those that count less in part.
    public private(set) var expected = 0.0
    /// Of `expected`, those that have not come.
    public private(set) var lost = 0.0

    /// More sources in one meter are passed over.
    private static let mostSources = 8
    /// More in one report is a source that began anew.
    private static let longestStep: UInt32 = 1 << 16

    /// Packets from `span` ago count about a third of new ones.
    public init(span: Interval) { self.span = span }

    /// The share of packets that have not come, 0 to 1; 0 before any report.
    public var share: Double { expected > 0 ? min(1, lost / expected) : 0 }

    /// Takes a report of one of the streams; gives the packets that it is the first to tell of.
    @discardableResult public mutating func note(_ block: RTCPPacket.ReportBlock, at now: Instant) -> (
        expected: Int, lost: Int
    ) {
        guard let index = sources.firstIndex(where: { $0.ssrc == block.ssrc }) else {
            guard sources.count < LossMeter.mostSources else { return (0, 0) }
            sources.append(Source(ssrc: block.ssrc, highest: block.highest, lost: block.lost))
            // Where the count began is not known yet; the share lost tells how many were expected.
            guard block.fractionLost > 0, block.lost > 0, block.lost < Int32(LossMeter.longestStep) else {
                return (0, 0)
            }
            return add(expected: Int(block.lost) * 256 / Int(block.fractionLost), lost: Int(block.lost), now)
        }
        let before = sources[index]
        sources[index] = Source(ssrc: block.ssrc, highest: block.highest, lost: block.lost)
        let step = block.highest &- before.highest
        guard step > 0, step < LossMeter.longestStep else { return (0, 0) }
        // Duplicates, and those that came late after all, make it less.
        let missed = min(max(0, Int(block.lost) - Int(before.lost)), Int(step))
        return add(expected: Int(step), lost: missed, now)
    }

    private mutating func add(expected more: Int, lost missed: Int, _ now: Instant) -> (expected: Int, lost: Int) {
        fade(now)
        expected += Double(more)
        lost += Double(missed)
        return (more, missed)
    }

    private mutating func fade(_ now: Instant) {
        defer { last = now }
        guard let last, span > .zero else { return }
        let passed = Double(max(0, (now - last).nanoseconds)) / Double(span.nanoseconds)
        // 1 / (1 + x) falls like the exponential function at first, and needs no library for it.
        let rest = 1 / (1 + passed + passed * passed / 2)
        (expected, lost) = (expected * rest, lost * rest)
    }
}
