import Sluice

/// Requests for keyframes that go on no more often than once in `interval`: everybody may ask, and each picture that is
/// a keyframe costs all others their bits. Requests that come meanwhile go on as one when the time has passed, unless a
/// keyframe came that serves them.
public struct KeyframeRequests: Sendable {
    private let interval: Interval
    private var isAsked = false
    private var last: Instant?
    /// The latest requests that have numbers, by who asks, the newest last.
    private var numbered: [(receiver: UInt32, number: UInt8)] = []
    /// More of those who ask are not told apart.
    private static let mostReceivers = 8

    /// `interval` is the least time from one request to the next.
    public init(interval: Interval = .milliseconds(500)) { self.interval = interval }

    /// Somebody wants a keyframe.
    public mutating func ask() { isAsked = true }

    /// Takes a picture loss indication, or a full intra request, to the source `ssrc`; all others are passed over. A
    /// full intra request is repeated until it is served: the same number again is the same request (RFC 5104, section
    /// 4.3.1.2).
    public mutating func note(_ packet: RTCPPacket, of ssrc: UInt32) {
        switch packet {
        case .pictureLoss(_, let media) where media == ssrc: ask()
        case .fullIntraRequest(let receiver, let asked):
            for request in asked where request.ssrc == ssrc && isNew(request.number, of: receiver) { ask() }
        default: break
        }
    }

    private mutating func isNew(_ number: UInt8, of receiver: UInt32) -> Bool {
        if let index = numbered.firstIndex(where: { $0.receiver == receiver }) {
            defer { numbered[index].number = number }
            return numbered[index].number != number
        }
        if numbered.count == KeyframeRequests.mostReceivers { numbered.removeFirst() }
        numbered.append((receiver, number))
        return true
    }

    /// True where one is to go on now.
    public mutating func take(now: Instant) -> Bool {
        guard isAsked, last.map({ now - $0 >= interval }) ?? true else { return false }
        (isAsked, last) = (false, now)
        return true
    }

    /// When one that waits may go on; nil while none waits.
    public var due: Instant? { isAsked ? last.map { $0 + interval } ?? Instant(nanoseconds: .min) : nil }

    /// A keyframe has come: what was asked before is served.
    public mutating func serve() { isAsked = false }
}
