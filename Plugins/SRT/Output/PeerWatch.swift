import Sluice

/// Notices a peer that has gone without a word before libsrt does, which takes at least five seconds: data wait to be
/// acknowledged, and nothing is. Pure.
struct PeerWatch {
    let patience: Interval
    private var acknowledged = -1
    private var since: Instant?

    init(patience: Interval) { self.patience = patience }

    /// `acknowledged` counts the acknowledgements that came, `waiting` what waits for one. The time of silence where it
    /// is over `patience`, or over four round trips if those are longer; else nil.
    mutating func note(acknowledged count: Int, waiting: Int, roundTrip: Interval, at now: Instant) -> Interval? {
        if count != acknowledged || waiting == 0 {
            acknowledged = count
            since = waiting == 0 ? nil : now
            return nil
        }
        let began = since ?? now
        since = began
        let silence = now - began
        return silence >= max(patience, roundTrip * 4) ? silence : nil
    }
}
