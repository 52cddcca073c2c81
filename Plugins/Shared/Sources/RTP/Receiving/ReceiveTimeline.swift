import Sluice

/// Puts the RTP timestamps of several streams on one line of media time.
///
/// Media time begins with 0 at the first frame of any stream. A stream counts on from its first frame by its RTP clock,
/// so audio is exact to the sample; the first frame stands where its arrival says. Sender reports tell the wall time of
/// the first stream's timestamps and of another's. Then that other one is moved to where the sender has it, as soon as
/// the two differ by more than `tolerance`. So lips and audio are in step whatever the network did. The reference is
/// never moved.
///
/// Timestamps that leap, back or further ahead than the fastest packets of late explain, are another count: its first
/// frame stands right behind the one before where it came in time, else where its arrival says. The count before is
/// kept: a frame or two that are far off, and then the old timestamps again, move nothing. A sender report that
/// contradicts those before waits (`ReportedClock`).
public struct ReceiveTimeline: Sendable {
    /// An RTP timestamp and its place.
    private struct Anchor {
        var timestamp: Int64
        var time: MediaTime
    }

    private struct Stream {
        var clockRate: Int64
        var anchor: Anchor?
        var clock = ReportedClock()
        /// As they were before the last leap.
        var former: (anchor: Anchor, clock: ReportedClock)?
        /// Behind the frame that reaches furthest.
        var end = MediaTime.none
        /// From one frame to the next, where frames have no duration of their own.
        var step = MediaTime.zero
        var last = MediaTime.none
        var transit = TransitFloor()
    }

    private var streams: [Stream]
    private let reference: Int
    private var origin: Instant?

    /// Below it sender reports say nothing: lips and audio may differ by more, and a report is no more exact.
    public static let tolerance = MediaTime.milliseconds(10)
    /// So far ahead of the fastest packets a timestamp is no hole but another count: none comes before its time.
    static let longestLead = MediaTime.milliseconds(300)
    /// Where a sender is so far ahead of time, it sends as fast as it can, and arrival says little: holes up to
    /// `longestHole` are believed.
    static let hurry = MediaTime.milliseconds(2_000)
    static let longestHole = MediaTime.milliseconds(10_000)
    /// Frames of audio, and pictures that are sent as they are shown, never go back by more.
    public static let unsteadiness = MediaTime.milliseconds(20)
    /// Pictures that are sent before others which are shown earlier go back no further.
    public static let longestReordering = MediaTime.milliseconds(1_000)

    /// `reference` is the index of the stream that the others follow: the audio.
    public init(clockRates: [Int], reference: Int) {
        streams = clockRates.map { Stream(clockRate: Int64(max(1, $0))) }
        self.reference = reference
    }

    /// The place of a frame.
    public struct Place: Equatable, Sendable {
        /// When the frame begins, from 0 at the first of any stream.
        public var time: MediaTime
        /// The stream's count starts over here.
        public var isRestarted = false
        /// How far the stream was moved here to be in step with the reference.
        public var shift = MediaTime.zero
    }

    /// Where a frame with this unwrapped timestamp, whose first packet came at `arrival`, stands. `reach` is how far it
    /// may stand behind one that came before it.
    public mutating func place(
        _ timestamp: Int64, stream index: Int, arrival: Instant, duration: MediaTime,
        reach: MediaTime = ReceiveTimeline.unsteadiness
    ) -> Place {
        let began = origin ?? arrival
        origin = began
        let arrived = max(.zero, MediaTime(arrival - began))
        var place = Place(time: .zero)
        if let anchor = streams[index].anchor {
            place.time = time(timestamp, anchor, streams[index].clockRate)
            if leaps(to: place.time, index, arrived, reach) {
                place.isRestarted = true
                place.time = leap(to: timestamp, index, arrived, reach)
            }
        } else {
            // A new source goes on behind the old one. A first frame stands where the sender has it, if that is known.
            let told = streams[index].end.isKnown ? nil : related(timestamp, index).map { max($0, .zero) }
            place.time = told ?? max(arrived, streams[index].end.isKnown ? streams[index].end : .zero)
            streams[index].anchor = Anchor(timestamp: timestamp, time: place.time)
        }
        if let wanted = wanted(timestamp, index) {
            let shift = wanted - place.time
            let distance = shift.ticks.magnitude
            if distance > ReceiveTimeline.tolerance.ticks.magnitude,
                distance < ReceiveTimeline.longestHole.ticks.magnitude
            {
                place.shift = shift
                place.time = wanted
                streams[index].anchor = Anchor(timestamp: timestamp, time: wanted)
                (streams[index].former, streams[index].end, streams[index].last) = (nil, .none, .none)
                streams[index].transit.reset()
            }
        }
        note(place.time, index, duration, arrival)
        return place
    }

    private mutating func note(_ time: MediaTime, _ index: Int, _ duration: MediaTime, _ arrival: Instant) {
        let (end, last) = (streams[index].end, streams[index].last)
        if last.isKnown, time > last, time - last <= .milliseconds(1_000) { streams[index].step = time - last }
        if !last.isKnown || time > last { streams[index].last = time }
        streams[index].end = max(end.isKnown ? end : time + duration, time + duration)
        streams[index].transit.note(media: Interval(time).nanoseconds, at: arrival)
    }

    // MARK: Leaps

    /// How far media time is ahead of arrival in the fastest packets of late; negative where it is behind.
    private func lead(_ index: Int) -> MediaTime? {
        guard let origin, let floor = streams[index].transit.floor else { return nil }
        return MediaTime(Interval(nanoseconds: origin.nanoseconds &- floor.nanoseconds))
    }

    private func leaps(to time: MediaTime, _ index: Int, _ arrived: MediaTime, _ reach: MediaTime) -> Bool {
        let end = streams[index].end
        guard end.isKnown, let lead = lead(index) else { return false }
        if time < end - reach { return true }
        let isHurrying = lead > ReceiveTimeline.hurry
        // A picture that is sent before others which are shown earlier is ahead of time by as much.
        let early = reach > ReceiveTimeline.unsteadiness ? reach : .zero
        return time > max(arrived + lead, end) + early
            + (isHurrying ? ReceiveTimeline.longestHole : ReceiveTimeline.longestLead)
    }

    /// Goes on with the count before the last leap where the timestamp fits that, else with a new one.
    private mutating func leap(to timestamp: Int64, _ index: Int, _ arrived: MediaTime, _ reach: MediaTime) -> MediaTime
    {
        let stream = streams[index]
        guard let anchor = stream.anchor else { return arrived }
        streams[index].former = (anchor, stream.clock)
        if let former = stream.former {
            let back = time(timestamp, former.anchor, stream.clockRate)
            if !leaps(to: back, index, arrived, reach) {
                (streams[index].anchor, streams[index].clock) = (former.anchor, former.clock)
                return back
            }
        }
        let next = stream.last.isKnown ? max(stream.end, stream.last + stream.step) : stream.end
        let fastest = arrived + (lead(index) ?? .zero)
        let isInTime = fastest < next + ReceiveTimeline.longestLead
        let place = isInTime ? next : fastest
        let began = Anchor(timestamp: timestamp, time: place)
        streams[index].anchor = began
        var clock = stream.clock
        clock.restart { report in
            // One that came before the frames that it speaks of.
            let there = time(report.timestamp, began, stream.clockRate)
            return (there - place).ticks.magnitude < ReceiveTimeline.hurry.ticks.magnitude
        }
        streams[index].clock = clock
        return place
    }

    /// Another source, or new numbers of the same: the next frame starts a new count. `clockRate` in timestamps a
    /// second, where it is another.
    public mutating func restart(stream index: Int, clockRate: Int? = nil) {
        if let clockRate { streams[index].clockRate = Int64(max(1, clockRate)) }
        (streams[index].anchor, streams[index].former) = (nil, nil)
        streams[index].clock = ReportedClock()
        streams[index].transit.reset()
        streams[index].last = .none
    }

    // MARK: Reports

    /// `timestamp` is the report's, unwrapped as the stream's frames are.
    public mutating func note(_ ntp: NTPTime, timestamp: Int64, stream index: Int) {
        streams[index].clock.note(.init(ntp: ntp, timestamp: timestamp), rate: streams[index].clockRate)
        for other in streams.indices where other != index && streams[other].clock.isAsked {
            var (one, two) = (streams[index].clock, streams[other].clock)
            ReportedClock.settle(&one, streams[index].clockRate, &two, streams[other].clockRate)
            (streams[index].clock, streams[other].clock) = (one, two)
        }
    }

    private func time(_ timestamp: Int64, _ anchor: Anchor, _ rate: Int64) -> MediaTime {
        let step = timestamp.subtractingReportingOverflow(anchor.timestamp)
        return step.overflow ? anchor.time : anchor.time + MediaTime(step.partialValue, timescale: rate)
    }

    /// Where the sender's reports put it, seen from the reference; nil while they do not tell.
    private func wanted(_ timestamp: Int64, _ index: Int) -> MediaTime? {
        index == reference ? nil : place(of: timestamp, index, seenFrom: reference)
    }

    /// The same, seen from whatever stream has begun. Pictures that were kept for one who joins come first, and a
    /// second older than the audio.
    private func related(_ timestamp: Int64, _ index: Int) -> MediaTime? {
        for other in streams.indices where other != index {
            guard let found = place(of: timestamp, index, seenFrom: other),
                let anchor = streams[other].anchor,
                (found - anchor.time).ticks.magnitude
                    < ReceiveTimeline.longestHole.ticks.magnitude
            else { continue }
            return found
        }
        return nil
    }

    private func place(of timestamp: Int64, _ index: Int, seenFrom base: Int) -> MediaTime? {
        guard let mine = streams[index].clock.report, let other = streams[base].clock.report,
            let anchor = streams[base].anchor
        else { return nil }
        let elapsed = MediaTime(Interval(nanoseconds: mine.ntp.nanoseconds(since: other.ntp)))
        let atReport = time(other.timestamp, anchor, streams[base].clockRate) + elapsed
        return time(timestamp, Anchor(timestamp: mine.timestamp, time: atReport), streams[index].clockRate)
    }
}
