import Sluice

/// The relation of a stream's timestamps to the sender's wall clock, as its reports tell it.
///
/// Timestamps go on evenly; a wall clock is set now and then. So a report that contradicts the one before waits, and
/// the one before goes on counting. When the reports of the streams have all moved by as much, the wall clock was set:
/// all are believed, and nothing moves. Where one stream's alone have moved and go on so while another's still say what
/// they said, the sender means it, and they are believed too.
struct ReportedClock: Sendable {
    struct Report: Sendable {
        var ntp: NTPTime
        var timestamp: Int64
    }

    /// The one that is believed.
    private(set) var report: Report?
    /// The newest of those that contradict it, and how many there are.
    private var waiting: (report: Report, count: Int)?
    /// Reports that agreed with `report` since the last that did not of any stream.
    private var agreed = 0

    /// Reports of one stream less than this apart, beside their timestamps, agree.
    static let agreement: Int64 = 100_000_000
    /// So many that contradict, while as many of another stream but one do not, are meant.
    static let proof = 3

    /// There are reports of it.
    var isAsked: Bool { report != nil }

    mutating func note(_ new: Report, rate: Int64) {
        guard let report else {
            self.report = new
            return
        }
        if ReportedClock.move(from: report, to: new, rate).magnitude <= ReportedClock.agreement {
            self.report = new
            waiting = nil
            agreed = min(agreed + 1, 1 << 20)
        } else if let before = waiting,
            ReportedClock.move(from: before.report, to: new, rate).magnitude <= ReportedClock.agreement
        {
            waiting = (new, min(before.count + 1, 1 << 20))
            agreed = 0
        } else {
            waiting = (new, 1)
            agreed = 0
        }
    }

    /// Believes what waits, of two streams, where it is time.
    static func settle(_ one: inout ReportedClock, _ oneRate: Int64, _ other: inout ReportedClock, _ otherRate: Int64) {
        guard let believed = one.report, let otherBelieved = other.report else { return }
        switch (one.waiting, other.waiting) {
        case (let mine?, let theirs?):
            let moves = (
                move(from: believed, to: mine.report, oneRate), move(from: otherBelieved, to: theirs.report, otherRate)
            )
            let isSame = moves.0.subtractingReportingOverflow(moves.1)
            guard !isSame.overflow,
                isSame.partialValue.magnitude <= 2 * agreement.magnitude
                    || mine.count >= proof && theirs.count >= proof
            else { return }
            one.believe()
            other.believe()
        case (let mine?, nil): if mine.count == 1 { other.agreed = 0 } else { one.believe(mine, beside: other) }
        case (nil, let theirs?): other.believe(theirs, beside: one)
        case (nil, nil): break
        }
    }

    private mutating func believe(_ waiting: (report: Report, count: Int), beside other: ReportedClock) {
        if waiting.count >= ReportedClock.proof, other.agreed >= ReportedClock.proof - 1 { believe() }
    }

    private mutating func believe() {
        guard let waiting else { return }
        (report, self.waiting, agreed) = (waiting.report, nil, 0)
    }

    /// Timestamps begin another count. A report that waits is believed where it is of that count.
    mutating func restart(_ belongs: (Report) -> Bool) {
        report = waiting.flatMap { belongs($0.report) ? $0.report : nil }
        (waiting, agreed) = (nil, 0)
    }

    /// How far the wall clock was set between two reports, in ns.
    private static func move(from before: Report, to after: Report, _ rate: Int64) -> Int64 {
        let step = after.timestamp.subtractingReportingOverflow(before.timestamp)
        guard !step.overflow, step.partialValue.magnitude < 1 << 48 else { return .max }
        let moved = after.ntp.nanoseconds(since: before.ntp).subtractingReportingOverflow(
            rescale(step.partialValue, from: rate, to: 1_000_000_000))
        return moved.overflow ? .max : moved.partialValue
    }
}
