import Sluice

/// Packets that left within 5 ms are one group, and of two groups in a row it is told how much further apart they came
/// than they left (draft-ietf-rmcat-gcc-02, section 5.2, the pre-filtering).
///
/// Single packets tell little: what a sender sends at once, a link or a radio hands over at once. So a packet that came
/// within 5 ms of the one before it, and gained on it, belongs to its group too, for 100 ms at most. Packets that left
/// before their group are passed over. Where the receiver's clock steps back the groups begin anew.
struct PacketGroups: Sendable {
    /// From one group to the next.
    struct Step: Sendable {
        /// Between the last packets of both, as they left, in ms.
        var sent: Double
        /// As they came, in ms.
        var arrived: Double
        /// When the last one came, on the receiver's clock.
        var at: Interval
    }

    private struct Group: Sendable {
        var firstSent, lastSent: Instant
        var firstArrived, lastArrived: Interval
    }

    private var before: Group?
    private var present: Group?

    static let span = Interval.milliseconds(5)
    static let longestBurst = Interval.milliseconds(100)
    /// Clocks that are further apart have been set.
    static let longestStep = Interval.milliseconds(3_000)

    /// The next packet that came, in the order in which they left; gives the step that it completes.
    mutating func take(sent: Instant, arrived: Interval) -> Step? {
        guard var group = present else {
            present = Group(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived)
            return nil
        }
        guard sent >= group.firstSent else { return nil }
        if sent - group.firstSent <= PacketGroups.span || isBurst(group, sent, arrived) {
            group.lastSent = max(group.lastSent, sent)
            group.lastArrived = max(group.lastArrived, arrived)
            present = group
            return nil
        }
        let step = before.flatMap { PacketGroups.step($0, group) }
        if let step, abs(step.arrived - step.sent) > PacketGroups.longestStep.milliseconds || step.arrived < 0 {
            (before, present) = (nil, nil)
            return nil
        }
        before = group
        present = Group(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived)
        return step
    }

    private func isBurst(_ group: Group, _ sent: Instant, _ arrived: Interval) -> Bool {
        let gap = arrived - group.lastArrived
        return gap - (sent - group.lastSent) < .zero && gap <= PacketGroups.span
            && arrived - group.firstArrived < PacketGroups.longestBurst
    }

    private static func step(_ a: Group, _ b: Group) -> Step {
        Step(
            sent: (b.lastSent - a.lastSent).milliseconds, arrived: (b.lastArrived - a.lastArrived).milliseconds,
            at: b.lastArrived)
    }
}
