import Sluice

/// How far a counted stream is off its arrival, without the jitter of single frames.
///
/// A frame may come late and never early. So the stream is off by the least lateness of each quarter of a second, and
/// of the last two seconds of them. By that jitter does not pass for drift where few frames came in time. A level that
/// has risen by more than 20 ms is a new one, a stall: what was before it counts no more. While a writer catches up
/// after a stall each frame is less late than the one before: such a quarter tells nothing. A writer that sends faster
/// than its media last comes earlier and earlier. So an early stream counts as off when its level has stayed for a
/// second.
struct RawDeviation {
    static let block = MediaTime.milliseconds(250)
    /// Of blocks.
    static let window = 8
    /// Blocks in which an early level has to stay.
    static let proof = 4
    /// Less late than at the block's beginning by more than this: it catches up. More late than the window: a stall.
    static let step = MediaTime.milliseconds(20)

    private var begin = MediaTime.none
    private var first = MediaTime.zero
    private var least = MediaTime.zero
    private var last = MediaTime.zero
    /// The least level since the stream began or was moved, and for how many blocks none was lower by a step.
    private var lowest = MediaTime.none
    private var settled = 0
    /// The levels of the last blocks, in a ring.
    private var told = [MediaTime](repeating: .zero, count: RawDeviation.window)
    private var blocks = 0

    /// `lateness` of a frame that came at `arrival`: arrival less counted time, negative where the count runs ahead.
    /// Returns what the stream is off by at the end of a block; nil within one, and where it tells nothing.
    mutating func note(_ lateness: MediaTime, at arrival: MediaTime) -> MediaTime? {
        guard begin.isKnown, arrival >= begin else {
            start(lateness, arrival)
            return nil
        }
        guard arrival - begin >= RawDeviation.block else {
            least = min(least, lateness)
            last = lateness
            return nil
        }
        let gained = first - least
        let catchesUp = gained > RawDeviation.step && (last - least).ticks <= gained.ticks / 2
        let level = least
        let falls = lowest.isKnown && lowest - level > RawDeviation.step
        lowest = lowest.isKnown ? min(lowest, level) : level
        settled = falls ? 0 : settled + 1
        start(lateness, arrival)
        let mayBeFast = level < .zero - RawTimeline.tolerance && settled < RawDeviation.proof
        return catchesUp || mayBeFast ? nil : tell(level)
    }

    /// The stream was moved: what was noted before counts no more.
    mutating func forget() {
        begin = .none
        (lowest, settled) = (.none, 0)
        blocks = 0
    }

    private mutating func tell(_ level: MediaTime) -> MediaTime {
        if let before = leastTold, level - before > RawDeviation.step { blocks = 0 }
        told[blocks % RawDeviation.window] = level
        blocks += 1
        return leastTold ?? level
    }

    private var leastTold: MediaTime? { told[..<min(blocks, RawDeviation.window)].min() }

    private mutating func start(_ lateness: MediaTime, _ arrival: MediaTime) {
        begin = arrival
        first = lateness
        least = lateness
        last = lateness
    }
}
