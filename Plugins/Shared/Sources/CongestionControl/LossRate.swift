import Sluice

/// The rate by loss, with the loss of the link itself told from that of congestion.
///
/// The drops of a full queue grow with the rate; the losses of a bad radio do not. Windows of at least 500 ms and 50
/// packets are kept for 30 s with their rate and loss. Two things tell the link's own loss. Where more was sent within
/// the last 5 s, a full link of then would lose less now: loss that has not fallen half as far is the link's own. Else
/// it is the loss of the newest windows that were sent at less than 0.9 × the present rate.
///
/// Only what is lost beyond that counts as congestion. Where this excess is more than 10 %, or more than 5 % and three
/// deviations of a fair count with the link's own loss known, the bound is the present rate × (1 − excess / 2), and
/// not less than 0.85 × what arrived. That is the rule of draft-ietf-rmcat-gcc-02, section 6, which takes all loss for
/// congestion and so keeps 8 % of a link that loses 8 %. A loss that was never seen at another rate lowers the rate,
/// and so finds out. The bound rises by 5 % a window while there is no excess, and is none once it reaches the rate by
/// delay.
struct LossRate: Sendable {
    /// A share of what was sent, 0 to 1, and what of it the link loses at a lower rate too.
    struct Finding: Equatable, Sendable {
        var lost: Double
        var own: Double
    }

    private struct Window: Sendable {
        var end: Instant
        var rate: Double
        var packets: Int
        var lost: Int
    }

    private(set) var bound: Double?
    /// Of the last window.
    private(set) var share = 0.0

    private var windows: [Window] = []
    private var packets = 0
    private var (lost, arrivedBytes, bytes) = (0, 0, 0)
    private var begun: Instant?

    static let span = Interval.milliseconds(500)
    static let fewest = 50
    static let present = Interval.seconds(5)
    static let memory = Interval.seconds(30)
    static let mostWindows = 60
    static let lower = 0.9
    static let much = 0.1
    static let some = 0.05

    /// Feedback tells of one packet that was sent at `sent`.
    mutating func note(bytes count: Int, sent: Instant, hasArrived: Bool, wasMissing: Bool) {
        if wasMissing {
            lost = max(0, lost - 1)
            return
        }
        if begun == nil { begun = sent }
        packets += 1
        bytes += count
        if hasArrived { arrivedBytes += count } else { lost += 1 }
    }

    /// The packets that were noted left until `sent`. `rate` is what the other rules allow. Gives what was found where
    /// the bound falls.
    mutating func update(sent: Instant, rate: Double) -> Finding? {
        guard let begun, packets >= LossRate.fewest, sent - begun >= LossRate.span else { return nil }
        let seconds = (sent - begun).seconds
        let window = Window(end: sent, rate: Double(bytes) * 8 / seconds, packets: packets, lost: min(lost, packets))
        let arrived = Double(arrivedBytes) * 8 / seconds
        (self.begun, packets, lost, bytes, arrivedBytes) = (nil, 0, 0, 0, 0)
        windows.removeAll { sent - $0.end > LossRate.memory }
        if windows.count >= LossRate.mostWindows { windows.removeFirst() }
        share = Double(window.lost) / Double(window.packets)
        let own = ownLoss(window)
        windows.append(window)
        let excess = share - (own ?? 0)
        let present = min(rate, bound ?? rate)
        let deviation = (max(share * (1 - share), 0.01) / Double(window.packets)).squareRoot()
        if excess > LossRate.much || (own != nil && excess > LossRate.some && excess > 3 * deviation) {
            let next = max(present * (1 - excess / 2), 0.85 * arrived)
            guard next < present else { return nil }
            bound = next
            return Finding(lost: share, own: own ?? 0)
        }
        if let before = bound, excess < 2 * deviation {
            bound = before * 1.05 < rate ? before * 1.05 : nil
        }
        return nil
    }

    /// The loss that the link has whatever the rate; nil where nothing tells.
    private func ownLoss(_ window: Window) -> Double? {
        let recent = window.end - LossRate.present
        if let above = pool({ $0.end >= recent && $0.rate > window.rate / LossRate.lower }) {
            let expected = max(0, 1 - above.rate / window.rate * (1 - above.share))
            let share = Double(window.lost) / Double(window.packets)
            if above.share > 0.02, share > (expected + above.share) / 2 { return min(share, above.share) }
        }
        return pool { $0.rate < window.rate * LossRate.lower }?.share
    }

    /// Rate and loss of the newest windows that fit, of about 200 packets; nil where they have fewer than 50.
    private func pool(_ fits: (Window) -> Bool) -> (rate: Double, share: Double)? {
        var (count, lost, rates) = (0, 0, 0.0)
        for window in windows.reversed() where fits(window) {
            (count, lost) = (count + window.packets, lost + window.lost)
            rates += window.rate * Double(window.packets)
            if count >= 200 { break }
        }
        guard count >= LossRate.fewest else { return nil }
        return (rates / Double(count), Double(lost) / Double(count))
    }
}
