import Sluice

/// When the files of a recording in segments end: at the first moment at which the next one can begin, behind each
/// multiple of their length. Files are so much longer than that as their keyframes want it, and nothing adds up. Pure.
struct SegmentGrid {
    let length: MediaTime
    /// The multiple at which the present file began.
    private var start = MediaTime.none
    /// Containers round times, and a keyframe that lies on the multiple may be a little before it.
    private let tolerance: MediaTime

    init(_ length: MediaTime) {
        self.length = length
        tolerance = min(.milliseconds(20), MediaTime(ticks: length.ticks / 10))
    }

    /// A file begins with media of `time`.
    mutating func begin(at time: MediaTime) {
        guard time.isKnown else { return }
        guard start.isKnown, time >= start else {
            start = time
            return
        }
        let passed = (time + tolerance - start).ticks / length.ticks
        start = start + length * passed
    }

    /// The present file has lasted long enough for media of `time`. One whose times leap far back has, too.
    ///
    /// - Parameter isKeyframe: of pictures, which do not lie at every time.
    func isDue(_ time: MediaTime, isKeyframe: Bool = false) -> Bool {
        guard start.isKnown, time.isKnown else { return false }
        return time >= start ? time + (isKeyframe ? tolerance : .zero) - start >= length : start - time > length
    }

    /// The present file should have ended a whole length ago, and the pictures, whose last one was at `earlier`, are
    /// gone as long.
    func isOverdue(_ time: MediaTime, pictures earlier: MediaTime) -> Bool {
        guard start.isKnown, time.isKnown, time - start >= length * 2 else { return false }
        return !earlier.isKnown || time - earlier >= length
    }
}
