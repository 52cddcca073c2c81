import Sluice

/// How long a sender stays after its last packet: until the peer has acknowledged everything, at most two seconds, then
/// as long as it holds packets back. A receiver drops what it has not handed out when the connection closes. Pure.
struct SendEnding {
    private var end: Instant?
    private var isAcknowledged = false
    /// Nothing is left to be waited for.
    var isOver = false

    static let patience = Interval.milliseconds(2_000)

    /// True when the connection may be closed.
    mutating func step(unacknowledged: Int, latency: Interval, at now: Instant) -> Bool {
        var until = end ?? now + latency + SendEnding.patience
        if unacknowledged == 0 && !isAcknowledged {
            isAcknowledged = true
            until = min(until, now + latency)
        }
        end = until
        isOver = now >= until
        return isOver
    }
}
