import Sluice

/// Which synchronization source a port listens to, and from where.
///
/// A stranger's packets must not take a stream over. Where the session description names the sender's hosts or its
/// sources, others are strangers whatever they send. Otherwise the first source that is believed holds the port, by its
/// address and its number, until nothing has come from there for `silence`. From the same address another number may
/// follow at any time: a sender that began anew. From another port of its host the same number may follow after
/// `pause`: a sender that was started again. Its packets until then are kept, so that none is lost.
///
/// A source that was not announced is believed when a second packet of it comes from the same place, none of the
/// present source between them, with a sequence number near the first one's (RFC 3550, appendix A.1 calls it
/// probation). Each place has one number on probation. Few places have one, and the host with most of them makes room:
/// a stranger who sends many numbers from many ports keeps no other host out. The first source is believed at once
/// where packets are authenticated. Then addresses say nothing: a key proves more.
public struct SourceSelector: Sendable {
    /// The sources that may send.
    public struct Settings: Sendable {
        /// Sources that the description names; empty where it names none.
        public var announced: Set<UInt32> = []
        /// Hosts that the description names; empty where it names none.
        public var hosts: Set<PacketOrigin.Host> = []
        /// Packets were authenticated before they come here.
        public var isTrusting = false
        /// How long the present source must be silent before another place may follow; zero: it never may.
        public var silence = Interval.milliseconds(2_000)

        /// Anybody may send.
        public init() {}
    }

    /// The answer to a packet.
    public enum Verdict: Equatable, Sendable {
        case current
        /// From here on this source is the one; the packet is its first, or `held` its first and this its second.
        case new
        /// Perhaps the first of a new source: keep the packet.
        case held
        /// Perhaps of a source that follows the present one when that is silent for long enough: keep the packet.
        case waiting
        /// It must not be listened to.
        case stranger
    }

    /// The SSRC that is listened to; nil while none is.
    public private(set) var current: UInt32?
    /// Where the present source sends from.
    public private(set) var origin: PacketOrigin?
    private let settings: Settings
    private var heard = Instant(nanoseconds: 0)
    private var hasLeft = false
    /// On probation, the newest last: one from each place.
    private var candidates: [(ssrc: UInt32, origin: PacketOrigin?, sequence: UInt16)] = []

    private static let nearby: UInt16 = 64
    /// So long a source is silent before one of its number may follow from another port of its host.
    static let pause = Interval.milliseconds(500)
    /// Places with a source on probation.
    static let mostCandidates = 8

    /// No source is believed yet.
    public init(_ settings: Settings = Settings()) { self.settings = settings }

    /// `origin` is nil only where there is one way in, as in a connected socket.
    public mutating func judge(_ header: RTPHeader, from origin: PacketOrigin?, now: Instant) -> Verdict {
        let isHere = settings.isTrusting || origin == self.origin
        if header.ssrc == current, isHere {
            (heard, hasLeft) = (now, false)
            if !candidates.isEmpty { candidates.removeAll(keepingCapacity: true) }
            self.origin = origin
            return .current
        }
        if let origin, !settings.hosts.isEmpty, !settings.hosts.contains(origin.host) { return .stranger }
        let isAnnounced = settings.announced.contains(header.ssrc)
        if !settings.isTrusting, !settings.announced.isEmpty, !isAnnounced { return .stranger }
        if let current {
            guard isHere || isFree(now, for: header, from: origin) else {
                return isNeighbour(origin) ? .waiting : .stranger
            }
            if isAnnounced && !settings.announced.contains(current) { return take(header, origin, now) }
        } else if settings.isTrusting || isAnnounced {
            return take(header, origin, now)
        }
        if let index = candidates.firstIndex(where: { $0.origin == origin }) {
            let candidate = candidates.remove(at: index)
            let step = header.sequence &- candidate.sequence
            if candidate.ssrc == header.ssrc, step != 0,
                step <= SourceSelector.nearby || step >= 0 &- SourceSelector.nearby
            {
                return take(header, origin, now)
            }
        }
        if candidates.count == SourceSelector.mostCandidates { candidates.remove(at: leastDeserving) }
        candidates.append((header.ssrc, origin, header.sequence))
        return .held
    }

    /// Whether a packet is of the source that is listened to, from where it sends.
    func isCurrent(_ header: RTPHeader, from origin: PacketOrigin?) -> Bool {
        header.ssrc == current && isHere(origin)
    }

    /// Whether a packet comes from where the present source sends.
    func isHere(_ origin: PacketOrigin?) -> Bool {
        current != nil && (settings.isTrusting || origin == self.origin)
    }

    /// The present source has said goodbye: another may follow at once.
    public mutating func release() { hasLeft = true }

    /// Whether a report from `origin` may speak for the present source: it comes from the same host, as reports often
    /// have a port of their own, or before there is a source from a host that may be one.
    public func mayReport(_ origin: PacketOrigin?) -> Bool {
        if settings.isTrusting { return true }
        if let origin, !settings.hosts.isEmpty, !settings.hosts.contains(origin.host) { return false }
        return current == nil || self.origin?.host == origin?.host
    }

    /// A packet from there was held and may be the first of the source.
    func isOnProbation(_ origin: PacketOrigin?) -> Bool { candidates.contains { $0.origin == origin } }

    /// The oldest candidate of the host that has most.
    private var leastDeserving: Int {
        func share(_ index: Int) -> Int {
            candidates.count { $0.origin?.host == candidates[index].origin?.host }
        }
        return candidates.indices.max { (share($0), $1) < (share($1), $0) } ?? 0
    }

    /// From the host of the present source.
    func isNeighbour(_ origin: PacketOrigin?) -> Bool {
        guard settings.silence > .zero, let here = self.origin, let origin else { return false }
        return origin.host == here.host
    }

    private func isFree(_ now: Instant, for header: RTPHeader, from origin: PacketOrigin?) -> Bool {
        guard !hasLeft else { return true }
        guard settings.silence > .zero else { return false }
        let isAgain = header.ssrc == current && isNeighbour(origin)
        return now - heard >= (isAgain ? min(SourceSelector.pause, settings.silence) : settings.silence)
    }

    private mutating func take(_ header: RTPHeader, _ origin: PacketOrigin?, _ now: Instant) -> Verdict {
        (current, self.origin, heard) = (header.ssrc, origin, now)
        hasLeft = false
        candidates.removeAll(keepingCapacity: true)
        return .new
    }
}
