import Sluice

/// Decoding times for frames that come in decoding order with only the times at which they are shown.
///
/// Without reordering they are the same. Where up to n frames are shown later than others behind them, a frame's
/// decoding time is the lowest of the last n + 1 presentation times. That is never later than its own and never falls.
/// The first frames stand before their own by the least step that keeps them apart.
public struct DecodeTimes: Sendable {
    private var latest: [MediaTime] = []
    private var last = MediaTime.none
    /// How many frames may be shown later than those behind them.
    public private(set) var reordered: Int

    /// `reordered` counts as 0 to 16.
    public init(reordered: Int) { self.reordered = max(0, min(16, reordered)) }

    /// `step` is the distance of two frames, where it is known. A frame that is shown before the one in front of it
    /// tells of reordering that the stream has not announced. That frame's own decoding time then falls back to `pts`.
    public mutating func time(of pts: MediaTime, step: MediaTime) -> MediaTime {
        if reordered == 0 {
            guard last.isKnown, pts < last else {
                last = pts
                return pts
            }
            reordered = 1
        }
        if latest.isEmpty {
            let step = step.isKnown && step > .zero ? step : MediaTime.milliseconds(1)
            latest = (0..<reordered).map { pts - step * Int64(reordered - $0) }
        }
        latest.append(pts)
        latest.sort()
        let lowest = latest.removeFirst()
        last = min(pts, last.isKnown ? max(lowest, last + MediaTime(ticks: 1)) : lowest)
        return last
    }

    /// The next frame does not continue those before.
    public mutating func restart() { self = DecodeTimes(reordered: reordered) }
}
