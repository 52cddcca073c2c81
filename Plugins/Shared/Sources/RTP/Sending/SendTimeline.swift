import SegmentTime
import Sluice

/// The sender's time line, from which the RTP timestamps of all its streams are counted.
///
/// A segment is a stretch of media whose times go on: it ends where the epoch rises, or where times jump. Inside one,
/// sender time follows the media's own times. The next one begins at the end of the last, for all streams at the same
/// point, whichever of them brings it first. If it comes later than planned, by more than two frames and more than 40
/// ms, sender time steps over the gap, in steps that are whole at 48 and 90 kHz. `SegmentGap` does the same with a plan
/// that is known beforehand. Here the plan is that of the media themselves. The rest of the gap is contained in the
/// next one.
///
/// Where times simply go on under a new epoch, as those of a pacer do, so does sender time. The last picture of an
/// interrupted turn may end behind the frame of audio that comes next, and audio that stepped there would leave a hole.
///
/// The relation of sender time to the clock is that of the media which came fastest lately, of any stream, so that
/// reports of all streams tell the same one and it follows a source whose clock differs.
public struct SendTimeline: Sendable {
    private struct Segment {
        var epoch: UInt32
        /// Media time 0 of the segment on the sender's line.
        var offset: MediaTime
        var end: MediaTime
        /// The latest time at which an item of it begins.
        var latest: MediaTime
    }

    private var current: Segment?
    private var previous: Segment?
    private var transit = TransitFloor()

    /// A step of more than this, back or ahead, is a jump.
    static let longestStep = MediaTime.milliseconds(1_000)

    /// Nothing was sent.
    public init() {}

    /// The place of an item.
    public struct Place: Equatable, Sendable {
        /// When the item begins on the sender's line, from 0 on.
        public var time: MediaTime
        /// The first item of a segment, of whichever stream.
        public var beginsSegment: Bool
    }

    /// The sender time of an item with `header` that is sent `now`. An item without a time follows the last.
    public mutating func place(_ header: MediaItem.Header, now: Instant) -> Place {
        let pts = header.pts.isKnown ? header.pts : current.map { $0.end - $0.offset } ?? .zero
        let duration = header.duration.isKnown && header.duration > .zero ? header.duration : .zero
        var place = Place(time: .zero, beginsSegment: false)
        if let segment = current, segment.epoch == header.epoch, continues(segment, pts) {
            place.time = segment.offset + pts
            current!.end = max(segment.end, place.time + duration)
            current!.latest = max(segment.latest, place.time)
        } else if let segment = previous, segment.epoch == header.epoch, continues(segment, pts) {
            // The slower stream's rest of the segment before.
            place.time = segment.offset + pts
        } else {
            let start =
                current.map { goesOn($0, pts, now, duration) ?? $0.end + gap(behind: $0.end, now, frame: duration) }
                ?? .zero
            previous = current
            current = Segment(epoch: header.epoch, offset: start - pts, end: start + duration, latest: start)
            place = Place(time: start, beginsSegment: true)
        }
        let media = Interval(place.time)
        transit.note(media: media.nanoseconds, at: now)
        return place
    }

    private func continues(_ segment: Segment, _ pts: MediaTime) -> Bool {
        let step = (segment.offset + pts - segment.end).ticks
        return step.magnitude <= SendTimeline.longestStep.ticks.magnitude
    }

    /// The sender time of an item that goes on where `segment` was by the clock, though its epoch is another one.
    private func goesOn(_ segment: Segment, _ pts: MediaTime, _ now: Instant, _ frame: MediaTime) -> MediaTime? {
        let time = segment.offset + pts
        guard let clock = self.time(at: now), continues(segment, pts), time >= segment.latest,
            (clock - time).ticks.magnitude <= MediaTime(max(Interval(frame) * 2, SegmentGap.tolerance)).ticks.magnitude
        else { return nil }
        return time
    }

    /// How much sender time passes between `end` and the first item of the next segment, which is sent `now`.
    private func gap(behind end: MediaTime, _ now: Instant, frame: MediaTime) -> MediaTime {
        guard let floor = transit.floor else { return .zero }
        let late = now - (Instant(nanoseconds: floor.nanoseconds) + Interval(end))
        guard late > max(Interval(frame) * 2, SegmentGap.tolerance) else { return .zero }
        return SegmentGap.step * (MediaTime(late).ticks / SegmentGap.step.ticks)
    }

    /// The sender time of an instant, for sender reports; nil before the first item.
    public func time(at now: Instant) -> MediaTime? {
        transit.floor.map { MediaTime(Interval(nanoseconds: now.nanoseconds &- $0.nanoseconds)) }
    }
}
