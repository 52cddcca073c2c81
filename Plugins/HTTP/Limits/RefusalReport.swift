import Sluice

/// Says that connections are refused, at most once in 10 s. Pure.
struct RefusalReport {
    private var quietUntil = Instant(nanoseconds: .min)
    private var count = 0

    /// One was refused; the line to say, nil where there is none to say yet.
    mutating func note(_ now: Instant, peer: Peer, isForAll: Bool, open: Int) -> String? {
        count += 1
        guard now >= quietUntil else { return nil }
        quietUntil = now + .seconds(10)
        defer { count = 0 }
        let which = isForAll ? "\(open) are open, as many as may be" : "its address has as many as it may"
        let more = count > 1 ? " (\(count) since the last line)" : ""
        return "refuses a connection from \(peer.shown): \(which)\(more)"
    }
}
