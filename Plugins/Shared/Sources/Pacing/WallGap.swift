import Sluice

/// The wall-clock gap between two segments of media, as the RTP clocks of sound and picture have to show it.
///
/// Segments are played one behind the other. A gap of up to max(2 frames, 40 ms) between the planned end of one and the
/// begin of the next is a hitch of whoever made them, not a pause: the media go on without a hole, so the next segment is
/// planned to begin where the last one ended. A longer gap is a pause: both media advance by the same wall gap, counted
/// from the planned end of the last segment, and the plan begins anew at the wall's time. Hitches that are not skipped add
/// up in the plan and are skipped together once they pass the limit, so media never lag behind the wall by more than it.
///
/// An advance is a whole number of units of each clock (48 and 90 kHz unless told otherwise); what is left of a unit is
/// carried to the next gap, so a day of gaps is exact to one unit. Pure: time is an argument.
public struct WallGap: Equatable, Sendable {
    /// How far the media clocks go on before the segment that begins.
    public struct Advance: Equatable, Sendable {
        /// The gap on the wall; zero where the media go on without a hole.
        public var wall = Interval.zero
        /// In units of the audio clock.
        public var audio: Int64 = 0
        /// In units of the video clock.
        public var video: Int64 = 0

        public static let none = Advance()
        public var isSkipped: Bool { wall > .zero }
    }

    public let limit: Interval
    private var audio: CarriedClock
    private var video: CarriedClock
    /// Where the last segment is planned to end; nil before the first.
    public private(set) var plannedEnd: Instant?

    /// `frame` is the length of a picture, or of an audio frame where there are no pictures.
    public init(frame: Interval, audioRate: Int = 48_000, videoRate: Int = 90_000) {
        limit = max(frame * 2, .milliseconds(40))
        audio = CarriedClock(rate: audioRate)
        video = CarriedClock(rate: videoRate)
    }

    /// A segment of `duration` begins at `now`: what its media advance by before its first frame.
    public mutating func begin(at now: Instant, duration: Interval) -> Advance {
        let length = max(duration, .zero)
        guard let end = plannedEnd else {
            plannedEnd = now + length
            return .none
        }
        let gap = now - end
        guard gap > limit else {
            plannedEnd = end + length
            return .none
        }
        plannedEnd = now + length
        return Advance(wall: gap, audio: audio.advance(by: gap), video: video.advance(by: gap))
    }

    /// The segment under way turns out to last `change` longer, or shorter where it is negative: cut by an interruption,
    /// for instance.
    public mutating func extend(by change: Interval) { plannedEnd = plannedEnd.map { $0 + change } }

    /// The media begin anew; what is left of a unit is forgotten.
    public mutating func reset() {
        plannedEnd = nil
        audio.remainder = 0
        video.remainder = 0
    }
}

/// A clock of whole units that is advanced by nanoseconds and loses none.
struct CarriedClock: Equatable, Sendable {
    let rate: Int
    /// In 1/10⁹ of a unit.
    var remainder: Int64 = 0

    init(rate: Int) { self.rate = max(1, rate) }

    mutating func advance(by interval: Interval) -> Int64 {
        let parts = Int128(interval.nanoseconds) * Int128(rate) + Int128(remainder)
        let (units, rest) = parts.quotientAndRemainder(dividingBy: 1_000_000_000)
        remainder = Int64(rest)
        return Int64(clamping: units)
    }
}
