import Sluice

/// The times of what one source hands on, made to go on where the source's own leap: where it begins its file again,
/// splices recordings, or sets its clock.
///
/// Within a stream decoding times rise, and a step is as long as the packet lasts. A step back, or one ahead that
/// neither the pause before it nor the other streams explain, is a leap: from there on a new offset is added to the
/// times, so that they go on where the stream ended. The streams of a source cross a leap one after the other, since
/// their packets are interleaved. Each keeps the old offset up to its own leap and takes the same new one behind it, so
/// they never part. Where the stream that crosses later had lasted longer, the offset grows by what would overlap, for
/// all streams. Former offsets are remembered: times that leap there and back stand where they would have without it.
///
/// Pure: times and `now` in, times out. A source that reads files gives no `now`; then no pause explains anything.
public struct SourceTimeline {
    /// The longest steps that are no leaps.
    public struct Rules: Sendable {
        /// A step ahead that is longer than this, and than this and the pause, is no hole in the media.
        public var hole: MediaTime
        /// The same for the first packet behind `restart`.
        public var newConnection = MediaTime.milliseconds(10_000)

        /// `hole` is the longest that is kept without a pause that explains it.
        public init(hole: MediaTime) { self.hole = hole }

        /// For media that come in real time.
        public static let live = Rules(hole: .milliseconds(2_000))
        /// For files whose container may be spliced anywhere, as MPEG-TS.
        public static let spliced = Rules(hole: .milliseconds(10_000))
        /// For files whose times were written for good: longer holes may be meant.
        public static let written = Rules(hole: .milliseconds(60_000))
    }

    /// A step that was no hole.
    public struct Leap: Equatable, Sendable {
        /// How much later, or earlier, the packet says that it comes than was expected.
        public var step: MediaTime
        /// Where it stands instead.
        public var at: MediaTime

        /// For a message, behind the source's name; `start` is the time that users call 0.
        public func words(since start: MediaTime = .zero) -> String {
            let length = decimal(abs(step.seconds), places: 1)
            let place = decimal((at - start).seconds, places: 2)
            return "times \(step < .zero ? "went back" : "leap ahead") by \(length) s at \(place) s: "
                + "what follows goes on there"
        }
    }

    /// The answer for one packet.
    public struct Placed: Equatable, Sendable {
        /// To be added to the packet's times.
        public var offset: MediaTime
        /// Told once for all streams that cross it, and only where times leap to somewhere new.
        public var leap: Leap?
    }

    private struct Segment {
        var number: Int
        var offset: MediaTime
        /// Where it begins.
        var at = MediaTime.zero
    }

    private enum Crossing {
        case none, known
        case leap(Leap)
    }

    private struct Stream {
        var segment: Int
        var offset: MediaTime
        /// Of the last packet, as the source says it.
        var last: MediaTime
        /// Where the last packet ends, as the source says it.
        var end: MediaTime
        var step = MediaTime.zero
        /// The latest presentation time, as the source says it.
        var highest: MediaTime
        var at: Instant
        /// Nothing has come of it since `restart`.
        var isFresh = false

        var placedEnd: MediaTime { end + offset }
    }

    private let rules: Rules
    private var streams: [Stream?] = []
    /// The newest last.
    private var segments = [Segment(number: 0, offset: .zero)]
    /// The times that the newest segment has had, as the source says them; nil before the first one.
    private var range: (first: MediaTime, latest: MediaTime)?
    private var latestAt = Instant(nanoseconds: 0)
    private var begins = false

    /// Steps that need no explanation.
    private static let smooth = MediaTime.milliseconds(250)
    /// Steps back that are inaccuracy. libavformat's players draw the line here too.
    private static let inaccuracy = MediaTime.milliseconds(100)
    /// A pause that counts, and how far one stream may be ahead of another one.
    private static let notable = MediaTime.milliseconds(500)
    /// How far streams may be apart where they cross one leap.
    private static let apart = MediaTime.milliseconds(10_000)
    private static let mostSegments = 8
    /// 179 years, so that sums stay in range.
    private static let bound: Int64 = 4_000_000_000_000_000_000

    /// Nothing has come yet.
    public init(_ rules: Rules) { self.rules = rules }

    /// Added to the times of stream number `index` now: for a packet without a decoding time, of which nothing can be
    /// told.
    public func offset(of index: Int) -> MediaTime {
        index < streams.count ? streams[index]?.offset ?? newest.offset : newest.offset
    }

    /// Another connection, or another sender: what comes next goes on behind all that came, as much later as the pause
    /// has lasted, unless its times do so by themselves.
    public mutating func restart() {
        for index in streams.indices { streams[index]?.isFresh = true }
        begins = streams.contains { $0 != nil }
    }

    /// The place of a packet of stream number `index`, a small number. `dts` has to be known; `pts` and `duration` need
    /// not. `now` is when it arrived.
    public mutating func place(
        _ index: Int, dts: MediaTime, pts: MediaTime, duration: MediaTime, at now: Instant = Instant(nanoseconds: 0)
    ) -> Placed {
        let time = SourceTimeline.bounded(dts)
        let shown = pts.isKnown ? SourceTimeline.bounded(pts) : time
        while streams.count <= index { streams.append(nil) }
        var leap: Leap?
        var stream =
            streams[index]
            ?? Stream(
                segment: newest.number, offset: newest.offset, last: time, end: time, highest: shown, at: now,
                isFresh: true)
        let isKnown = streams[index] != nil
        if stream.isFresh {
            leap = enter(&stream, isKnown: isKnown, time, now)
            stream.highest = shown
            stream.step = .zero
        } else {
            let crossing = cross(&stream, index, time, now)
            if case .leap(let found) = crossing { leap = found }
            if case .none = crossing {} else { (stream.highest, stream.step) = (shown, .zero) }
        }
        // A larger offset is taken where no picture that is shown earlier is still to come.
        if let segment = segments.last(where: { $0.number == stream.segment }), shown >= stream.highest {
            stream.offset = segment.offset
        }
        note(&stream, time, shown, duration, now)
        streams[index] = stream
        return Placed(offset: stream.offset, leap: leap)
    }

    private var newest: Segment { segments[segments.count - 1] }

    private static func bounded(_ time: MediaTime) -> MediaTime {
        MediaTime(ticks: min(max(time.ticks, -bound), bound))
    }

    private mutating func note(
        _ stream: inout Stream, _ time: MediaTime, _ shown: MediaTime, _ duration: MediaTime, _ now: Instant
    ) {
        let step = time - stream.last
        if step > .zero && step <= .milliseconds(1_000) { stream.step = step }
        let length = duration.isKnown && duration > .zero ? min(duration, .milliseconds(600_000)) : stream.step
        stream.last = time
        stream.end = time + length
        stream.highest = max(stream.highest, shown)
        stream.at = now
        stream.isFresh = false
        latestAt = max(latestAt, now)
        guard stream.segment == newest.number else { return }
        range = (min(range?.first ?? time, time), max(range?.latest ?? stream.end, stream.end))
    }

    /// Where all that came ends.
    private var placedEnd: MediaTime? { streams.compactMap { $0?.placedEnd }.max() }

    /// The first packet of a stream, or of a connection.
    private mutating func enter(_ stream: inout Stream, isKnown: Bool, _ time: MediaTime, _ now: Instant) -> Leap? {
        let pause = MediaTime(max(.zero, now - latestAt))
        if begins, let end = placedEnd {
            begins = false
            range = nil
            let distance = time + (isKnown ? stream.offset : newest.offset) - end
            if distance < .zero || distance > pause + rules.newConnection {
                begin(end + pause - time, at: end + pause)
            } else if isKnown, stream.offset != newest.offset {
                begin(stream.offset, at: end)
            }
        } else if let range {
            // Streams that begin later do so beside the others.
            let own = MediaTime(max(.zero, now - latestAt)) + rules.hole
            if time > range.latest + max(own, SourceTimeline.apart) || time < range.first - SourceTimeline.apart {
                let end = max(placedEnd ?? .zero, range.latest + newest.offset)
                let step = time - range.latest
                begin(end - time, at: end)
                stream.segment = newest.number
                stream.offset = newest.offset
                return Leap(step: step, at: end)
            }
        }
        let overlap = isKnown ? stream.placedEnd - (time + newest.offset) : .zero
        if overlap > .zero { segments[segments.count - 1].offset += overlap }
        stream.segment = newest.number
        stream.offset = newest.offset
        return nil
    }

    private mutating func begin(_ offset: MediaTime, at place: MediaTime) {
        segments.append(Segment(number: newest.number + 1, offset: offset, at: place))
        if segments.count > SourceTimeline.mostSegments { segments.removeFirst() }
        range = nil
    }

    /// Gives the stream another offset where the packet does not go on as its stream did.
    private mutating func cross(
        _ stream: inout Stream, _ index: Int, _ time: MediaTime, _ now: Instant
    ) -> Crossing {
        let pause = MediaTime(max(.zero, now - stream.at))
        let step = time - stream.end
        let isBack = time < stream.last - SourceTimeline.inaccuracy
        guard isBack || step > SourceTimeline.smooth + pause else { return .none }
        let isLeap = isBack || step > rules.hole + pause && !othersReach(time - rules.hole, stream, index)
        if let known = explanation(stream, time, step, pause, isLeap: isLeap) {
            let overlap = stream.placedEnd - (time + segments[known].offset)
            if overlap > .zero && segments[known].number > stream.segment { segments[known].offset += overlap }
            stream.segment = segments[known].number
            stream.offset = segments[known].offset
            return .known
        }
        guard isLeap else { return .none }
        var place = stream.placedEnd
        // A recording that begins again does so behind all streams of the one before. Packets that are hours ahead
        // stand behind all others of a file, since muxers sort by times: theirs go on in their own stream.
        if isBack, let end = placedEnd, end - place > SourceTimeline.notable { place = end }
        let silence = MediaTime(max(.zero, now - latestAt))
        if silence > SourceTimeline.notable { place += silence }
        begin(place - time, at: place)
        stream.segment = newest.number
        stream.offset = newest.offset
        return .leap(Leap(step: step, at: place))
    }

    /// Whether another stream, with the same offset, has come to `time`: then the step is a hole in one of them.
    private func othersReach(_ time: MediaTime, _ stream: Stream, _ index: Int) -> Bool {
        streams.indices.contains {
            guard $0 != index, let other = streams[$0] else { return false }
            return other.offset == stream.offset && other.end >= time
        }
    }

    /// The segment, not the stream's own, by whose offset the packet goes on best.
    private func explanation(
        _ stream: Stream, _ time: MediaTime, _ step: MediaTime, _ pause: MediaTime, isLeap: Bool
    ) -> Int? {
        var best: (index: Int, distance: Int64)?
        for (index, segment) in segments.enumerated() where segment.number != stream.segment {
            let distance = time + segment.offset - stream.placedEnd
            let isNewer =
                segment.number > stream.segment
                && abs((segment.at - stream.placedEnd).ticks) <= (SourceTimeline.apart + pause).ticks
            let isNear: Bool
            if isLeap {
                let least = isNewer ? SourceTimeline.apart : SourceTimeline.inaccuracy
                isNear = distance >= .zero - least && distance <= SourceTimeline.apart + pause
            } else {
                isNear = abs(distance.ticks) <= SourceTimeline.smooth.ticks
            }
            let off = abs(distance.ticks)
            if isNear && off < best?.distance ?? .max { best = (index, off) }
        }
        return best?.index
    }
}
