import Sluice

/// How far a counted stream is off its arrival, without the jitter of single frames.
///
/// A frame may come late and never early, so the least lateness within a quarter of a second is what the stream is off
/// by. While a writer catches up after a stall each frame is less late than the one before: such a quarter tells nothing.
struct RawDeviation {
    static let block = MediaTime.milliseconds(250)
    /// Less late than at the block's beginning by more than this: it catches up.
    static let catchingUp = MediaTime.milliseconds(20)

    private var begin = MediaTime.none
    private var first = MediaTime.zero
    private var least = MediaTime.zero
    private var last = MediaTime.zero

    /// `lateness` of a frame that came at `arrival`: arrival less counted time, negative where the count runs ahead.
    /// Returns what the stream was off by in the block that ends here; nil within a block, and where it tells nothing.
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
        let catchesUp = last == least && first - least > RawDeviation.catchingUp
        let told = catchesUp ? nil : Optional(least)
        start(lateness, arrival)
        return told
    }

    /// The stream was moved: what was noted before counts no more.
    mutating func forget() { begin = .none }

    private mutating func start(_ lateness: MediaTime, _ arrival: MediaTime) {
        begin = arrival
        first = lateness
        least = lateness
        last = lateness
    }
}
