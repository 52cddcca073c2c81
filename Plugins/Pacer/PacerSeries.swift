import Pacing
import Sluice

/// The figures of a pacer over the run's time, for `sluice timing`: from one frame or picture to the next, how late
/// each left, what waited then, and how far the source's clock has run away from this one since the first media.
final class PacerSeries {
    private let gap, late, depth, drift: Metric.Series
    private var last: Instant?
    private var base: Interval?

    /// In `process`: the time of the start is known.
    init(_ context: NodeContext) {
        gap = context.series("gap_ms")
        drift = context.series("drift_ms")
        depth = context.series("depth_ms")
        late = context.series("late_ms")
    }

    func note(late by: Interval, depth milliseconds: Int, at now: Instant) {
        if let last { gap.record((now - last).milliseconds, at: now) }
        last = now
        late.record(by.milliseconds, at: now)
        depth.record(Double(milliseconds), at: now)
    }

    /// Timestamps that have jumped begin anew.
    func note(_ clock: ClockEstimate, at now: Instant) {
        guard let behind = clock.behindMedia else { return }
        let off = behind - (base ?? behind)
        guard base != nil, off.nanoseconds.magnitude < PacerSeries.jump else {
            base = behind
            return
        }
        drift.record(off.milliseconds, at: now)
    }

    /// A second.
    private static let jump: UInt64 = 1_000_000_000
}
