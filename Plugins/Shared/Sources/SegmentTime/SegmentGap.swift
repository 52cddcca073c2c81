import Sluice

/// The media time of a stream that comes in segments, and the gap on the clock between one segment and the next.
///
/// Media time counts from the first segment's beginning, and one line maps it to the clock: what is at `time` is due at
/// `origin + time`. A segment begins where the one before was planned to end. If it comes later than that, by more than
/// two frames and more than 40 ms, media time steps over the gap, by one number for audio and video. A shorter gap is
/// not stepped over: the segment's first frames are late and the line stays where it was. A step is a whole number of
/// 1/6,000 s, which is whole at 48 kHz (8 samples) and at 90 kHz (15 ticks). The rest of the gap, less than 167 µs, is
/// not lost: the gap is counted from the planned end, so the next one contains it.
///
/// Pure: the time is an argument.
public struct SegmentGap: Equatable, Sendable {
    /// When media time 0 is due; nil before the first segment.
    public private(set) var origin: Instant?
    /// The media time at which all segments so far end by plan.
    public private(set) var end = MediaTime.zero

    /// 1/6,000 s: the shortest time that is a whole number of samples at 48 kHz and of ticks at 90 kHz.
    public static let step = MediaTime(ticks: MediaTime.ticksPerSecond / stepsPerSecond)
    /// Gaps up to this, or up to two frames where that is more, are not stepped over.
    public static let tolerance = Interval.milliseconds(40)
    private static let stepsPerSecond: Int64 = 6_000

    /// Before the first segment.
    public init() {}

    /// When the segments so far end by plan.
    public var plannedEnd: Instant? { instant(of: end) }

    /// When what is at this media time is due; nil before the first segment.
    public func instant(of time: MediaTime) -> Instant? { origin.map { $0 + Interval(time) } }

    /// A segment of frames of this length is ready at `now`: it begins at `end`, which has stepped over the gap.
    /// Returns how far it has; zero for the first segment, for one that is in time, and for one that is hardly late.
    @discardableResult
    public mutating func begin(at now: Instant, frame: Interval) -> MediaTime {
        guard let plannedEnd else {
            origin = now
            return .zero
        }
        let gap = now - plannedEnd
        guard gap > max(frame * 2, SegmentGap.tolerance) else { return .zero }
        let (seconds, rest) = gap.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let steps = seconds &* SegmentGap.stepsPerSecond &+ rest * SegmentGap.stepsPerSecond / 1_000_000_000
        end += SegmentGap.step * steps
        return SegmentGap.step * steps
    }

    /// The segment that has begun lasts so long by plan.
    public mutating func advance(by duration: MediaTime) { end += duration }

    /// Media planned beyond `time` are not coming: the segments so far end there.
    public mutating func cut(at time: MediaTime) { end = min(end, time) }
}
