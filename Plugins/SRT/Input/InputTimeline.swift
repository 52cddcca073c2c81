import Sluice

/// The times of what is received: the sender's, as they are, as long as they go on. Where a new connection begins at
/// earlier times, or far later than the pause between them explains, all that follows is moved so that it continues as
/// much later as the pause has lasted.
struct InputTimeline {
    /// Added to the sender's times.
    private(set) var offset = MediaTime.zero
    /// The latest end of anything handed on, and when that was.
    private var end = MediaTime.none
    private var at = Instant(nanoseconds: 0)
    private var begins = true

    /// Further ahead than the pause is a jump.
    static let tolerance = MediaTime.milliseconds(10_000)

    init() {}

    /// Another connection, or another sender: what comes next is looked at.
    mutating func restart() { begins = true }

    /// The time in the node's own timeline of `time`, which arrived at `now`. For decoding times.
    mutating func place(_ time: MediaTime, duration: MediaTime, at now: Instant) -> MediaTime {
        guard time.isKnown else { return time }
        if begins && end.isKnown {
            let pause = MediaTime(max(.zero, now - at))
            let (distance, overflow) = (time + offset).ticks.subtractingReportingOverflow(end.ticks)
            if overflow || distance < 0 || distance > (pause + InputTimeline.tolerance).ticks {
                offset = end + pause - time
            }
        }
        begins = false
        let placed = time + offset
        let until = placed + (duration.isKnown ? duration : .zero)
        if !end.isKnown || until > end { end = until }
        at = now
        return placed
    }
}
