import Pacing
import Sluice

/// Judges whether a live raw stream is held up by what follows it, by its own rule, and says it: when it begins and at
/// the end. How late it is is told by its count: when its next frame is due against what the clock shows.
final class RawLateness {
    enum Verdict: Equatable {
        case read
        /// Reads nothing now. It is looked at again after so long; nil: when there is room.
        case hold(Interval?)
        /// Reads, and sends nothing.
        case leaveOut
    }

    private let rule: WhenLate
    private let clock: RawClock
    private let member: Int
    private let context: NodeContext
    private let left: Metric.Counter
    private let behind: Metric.Counter
    private var isHeld = false
    private var worst = Interval.zero

    /// How often a stream looks whether those that are held up have come further.
    private static let look = Interval.milliseconds(10)

    init(_ rule: WhenLate, _ clock: RawClock, member: Int, _ context: NodeContext) {
        (self.rule, self.clock, self.member, self.context) = (rule, clock, member, context)
        left = context.counter("late_frames_dropped")
        behind = context.gauge("late_max_ms")
    }

    /// `next` is the time of the next frame by the count, since the graph's start; `isFull` that nothing can be sent.
    /// Throws where lateness is an error.
    func judge(_ now: Instant, next: MediaTime, isFull: Bool) throws -> Verdict {
        let late = now - (context.started + Interval(next))
        if isFull { note(late) }
        context.isBehind(by: isFull ? late : .zero)
        switch rule {
        case .slip:
            hold(isFull ? next : nil, now)
            if isFull { return .hold(nil) }
            return clock.limit(of: member).map { next > $0 } ?? false ? .hold(RawLateness.look) : .read
        case .drop:
            guard isFull else { return .read }
            return late > WhenLate.patience ? .leaveOut : .hold(WhenLate.patience - late + .milliseconds(1))
        case .fail:
            guard isFull else { return .read }
            guard late <= WhenLate.patience else {
                throw NodeError(
                    "the stream is \(decimal(late.seconds, places: 1)) s behind, and \"when_late\" is \"fail\"",
                    advice: WhenLate.advice)
            }
            return .hold(WhenLate.patience - late + .milliseconds(1))
        }
    }

    /// Whether the time at which bytes come tells of their writer.
    func tellsArrival(_ now: Instant) -> Bool { rule != .slip || !clock.isSlipping(now) }

    /// A frame was left out; false when the stream has caught up.
    func dropped(_ now: Instant, next: MediaTime) -> Bool {
        left.add()
        return now > context.started + Interval(next)
    }

    /// The stream ends: the others need not wait, and it is said what became of it.
    func conclude() {
        if isHeld { clock.hold(nil, of: member, at: context.now) }
        isHeld = false
        guard worst > WhenLate.patience else { return }
        let most = "at most \(decimal(worst.seconds, places: 1)) s behind"
        worst = .zero
        context.log(
            .warning,
            left.count > 0
                ? "what follows was too slow: \(left.count) frames were late and left out. \(WhenLate.advice)"
                : "what follows was too slow: the stream was \(most), and its writer was held. \(WhenLate.advice)")
    }

    private func note(_ late: Interval) {
        guard late > worst else { return }
        if worst <= WhenLate.patience && late > WhenLate.patience {
            let what = rule == .drop ? "what is late is left out" : "its writer and the other raw streams are held"
            context.log(.warning, "more than 500 ms behind: \(what). \(WhenLate.advice)")
        }
        worst = late
        behind.set(Int(late.milliseconds))
    }

    private func hold(_ time: MediaTime?, _ now: Instant) {
        guard isHeld || time != nil else { return }
        isHeld = time != nil
        clock.hold(time, of: member, at: now)
    }
}
