/// Which synchronization source a port listens to.
///
/// A stranger's packet must not take a stream over, so a source that was not announced is believed when a second packet
/// of it comes, none of the present source between them, with a sequence number near the first one's (RFC 3550, appendix
/// A.1 calls it probation). The first source is believed at once where packets are authenticated; one that was announced
/// is, unless the present one was announced too.
public struct SourceSelector: Sendable {
    public enum Verdict: Equatable, Sendable {
        case current
        /// From here on this source is the one; the packet is its first, or `held` its first and this its second.
        case new
        /// Perhaps the first of a new source: keep the packet.
        case held
    }

    public private(set) var current: UInt32?
    private let announced: Set<UInt32>
    private let isTrusting: Bool
    private var candidate: (ssrc: UInt32, sequence: UInt16)?

    private static let nearby: UInt16 = 64

    public init(announced: Set<UInt32> = [], isTrusting: Bool = false) {
        self.announced = announced
        self.isTrusting = isTrusting
    }

    public mutating func judge(_ header: RTPHeader) -> Verdict {
        if header.ssrc == current {
            candidate = nil
            return .current
        }
        let isAnnounced = announced.contains(header.ssrc)
        if let current {
            if isAnnounced && !announced.contains(current) { return take(header.ssrc) }
        } else if isTrusting || isAnnounced {
            return take(header.ssrc)
        }
        if let candidate, candidate.ssrc == header.ssrc {
            let step = header.sequence &- candidate.sequence
            if step != 0, step <= SourceSelector.nearby || step >= 0 &- SourceSelector.nearby {
                return take(header.ssrc)
            }
        }
        candidate = (header.ssrc, header.sequence)
        return .held
    }

    private mutating func take(_ ssrc: UInt32) -> Verdict {
        current = ssrc
        candidate = nil
        return .new
    }
}
