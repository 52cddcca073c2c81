import Pacing
import Sluice

/// Judges how late a source in real time is, and says it: when it begins, and at the end.
///
/// Lateness is of all streams together, so that they never part. The clock slips when everything that is held is late:
/// until then a stream that is held up holds the other one back. Media are left out of each stream up to the
/// present.
final class Lateness {
    enum Verdict {
        case wait
        /// Nothing yet; it may be after so long.
        case look(Interval)
        case slip(Interval)
        case drop
        case fail(NodeError)
    }

    private let rule: WhenLate
    private let context: NodeContext
    private let slipped: Metric.Counter
    private let left: [Metric.Counter]
    private var total = Interval.zero
    /// How far the media are behind the clock: what it slipped counts.
    private(set) var behind = Interval.zero

    init(_ rule: WhenLate, _ context: NodeContext) {
        self.rule = rule
        self.context = context
        slipped = context.counter("slipped_ms")
        left = [context.counter("late_video_dropped"), context.counter("late_audio_dropped")]
    }

    /// By how much the oldest and the newest item that is held are late.
    func judge(oldest: Interval, newest: Interval) -> Verdict {
        behind = total + max(.zero, rule == .slip ? newest : oldest)
        switch rule {
        case .slip:
            guard newest > WhenLate.patience else { return .wait }
            slip(newest)
            return .slip(newest)
        case .drop: return oldest > WhenLate.patience ? .drop : .wait
        case .fail:
            guard oldest > WhenLate.patience else {
                return oldest > .zero ? .look(WhenLate.patience - oldest + .milliseconds(1)) : .wait
            }
            return .fail(
                NodeError(
                    "the source is \(decimal(oldest.seconds, places: 1)) s behind, and \"when_late\" is \"fail\"",
                    advice: WhenLate.advice))
        }
    }

    func dropped(_ count: Int, _ track: Track) {
        if left.allSatisfy({ $0.count == 0 }) {
            context.log(.warning, "more than 500 ms behind: what is late is left out. \(WhenLate.advice)")
        }
        left[track.rawValue].add(count)
    }

    /// Says at the end what became of the media.
    func conclude(_ now: Instant) {
        if total > .zero {
            let whole = decimal((now - context.started).seconds, places: 1)
            // The run warns of it, with its cause.
            context.log(
                .info,
                "was too slow: of \(whole) s the clock slipped \(decimal(total.seconds, places: 1)) s, so what was sent is so much shorter. \(WhenLate.advice)"
            )
        }
        if left.contains(where: { $0.count > 0 }) {
            context.log(
                .warning,
                "was too slow: \(left[0].count) pictures and \(left[1].count) pieces of audio were late and left out. \(WhenLate.advice)"
            )
        }
        total = .zero
    }

    private func slip(_ late: Interval) {
        if total == .zero {
            context.log(.info, "more than 500 ms behind: all is sent so much later. \(WhenLate.advice)")
        }
        total = total + late
        slipped.add(Int(late.milliseconds))
    }
}
