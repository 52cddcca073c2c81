import Sluice

/// Requests for keyframes that go on no more often than once in `interval`: everybody may ask, and each picture that is
/// a keyframe costs all others their bits. Requests that come meanwhile go on as one when the time has passed, unless a
/// keyframe came that serves them.
public struct KeyframeRequests: Sendable {
    private let interval: Interval
    private var isAsked = false
    private var last: Instant?

    /// `interval` is the least time from one request to the next.
    public init(interval: Interval = .milliseconds(500)) { self.interval = interval }

    /// Somebody wants a keyframe.
    public mutating func ask() { isAsked = true }

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
