import Sluice

/// Where the timestamps of a live raw stream come from.
enum RawTimestamps: String, CaseIterable, ParameterValue.Convertible {
    /// Counted from the first arrival, and moved where that is off the arrival for long.
    case count
    /// When a frame's first byte came.
    case arrival
}

/// The timestamps of one raw stream. Pure: all times are arguments, on the graph's clock since its start.
///
/// `count` steps by exactly a picture or by the samples sent. Two streams that were begun within 40 ms of each other
/// begin at the same time. The count may be off by more than 40 ms for a quarter of a second, early for a second
/// (`RawDeviation`), or more than 30 ms further than another stream that keeps to its arrival better. Then the stream
/// is moved to its arrival. Where it comes late there is a hole. Where it comes early, pictures follow each other up to
/// twice as fast, and samples are left out. It is not moved so far that streams which are off alike come apart.
///
/// `arrival` gives each picture the time of its first byte, at least a quarter of its duration behind the one before.
/// Audio goes on where it ended, through jitter, and is moved as above where it is off by more than 20 ms. A frame that
/// comes more than 40 ms late has its own time at once, behind a hole.
struct RawTimeline {
    static let tolerance = MediaTime.milliseconds(40)
    /// Streams that are further apart than this are moved, so that neither drift nor what jitter hides takes them over
    /// the tolerance.
    private static let apart = MediaTime.milliseconds(30)
    /// Audio that is stamped by arrival, from its arrival.
    private static let arrivalTolerance = MediaTime.milliseconds(20)

    struct Step: Equatable {
        var pts: MediaTime
        var duration: MediaTime
        /// Units at the frame's beginning that are left out; all of them: nothing of the frame is sent.
        var cut: Int64 = 0
        /// The stream was moved forward: its samples do not continue those before. Pictures always stand alone.
        var isHole = false
    }

    let timestamps: RawTimestamps
    /// Units a second: samples, or the numerator of a frame rate whose denominator each picture counts.
    private let timescale: Int64
    /// Units may be left out: samples. Pictures move together instead.
    private let cutsUnits: Bool
    private var base = MediaTime.none
    private var count: Int64 = 0
    private var lastPts = MediaTime.none
    private var lastDuration = MediaTime.zero
    private var deviation = RawDeviation()
    /// Units to be left out.
    private var surplus: Int64 = 0
    /// By how much pictures are still to move together.
    private var ahead = MediaTime.zero
    /// By how much the stream was off when it was last known.
    private(set) var isOffBy = MediaTime.zero
    /// How often that was found out.
    private(set) var measurements = 0
    /// How often it was moved, and whether forward when it was moved last.
    private(set) var corrections = 0
    private(set) var wasLate = false

    init(_ timestamps: RawTimestamps, timescale: Int, cutsUnits: Bool) {
        self.timestamps = timestamps
        self.timescale = Int64(timescale)
        self.cutsUnits = cutsUnits
    }

    /// When the next frame is due by the count.
    var next: MediaTime { base.isKnown ? base + MediaTime(count, timescale: timescale) : .zero }

    /// A writer's first frame: counting begins at `time`, or where the last writer's frames end.
    mutating func begin(at time: MediaTime) {
        base = base.isKnown ? max(next, time) : time
        count = 0
        surplus = 0
        ahead = .zero
        deviation.forget()
    }

    /// The next frame of `units`. `arrival` is when its first byte came, nil where that is not known: a regular file,
    /// or bytes that lay in the pipe. `others` is how far the other streams are off; it is asked a few times a second.
    mutating func step(units: Int64, arrival: MediaTime?, others: @autoclosure () -> ClosedRange<MediaTime>? = nil)
        -> Step
    {
        var isHole = false
        if let arrival { isHole = correct(arrival, others()) }
        let cut = min(surplus, units)
        surplus -= cut
        var result = Step(pts: next, duration: .zero, cut: cut, isHole: isHole)
        count += units - cut
        result.duration = next - result.pts
        if !cutsUnits { moveTogether(&result) }
        lastPts = result.pts
        lastDuration = result.duration
        return result
    }

    /// Moves the stream where its arrival says so. True if that leaves a hole.
    private mutating func correct(_ arrival: MediaTime, _ others: @autoclosure () -> ClosedRange<MediaTime>?) -> Bool {
        let lateness = arrival - (next - ahead)
        if timestamps == .arrival, lateness > RawTimeline.tolerance || !cutsUnits {
            let isHole = lastPts.isKnown && cutsUnits
            base = base + (arrival - next)
            ahead = .zero
            deviation.forget()
            return isHole
        }
        // A stream that is being corrected is not measured.
        guard surplus == 0, ahead == .zero, let off = deviation.note(lateness, at: arrival) else { return false }
        isOffBy = off
        measurements += 1
        let move = self.move(off, others())
        guard move != .zero else { return false }
        corrections += 1
        isOffBy = off - move
        deviation.forget()
        wasLate = move > .zero
        if wasLate {
            base = base + move
            return cutsUnits
        }
        if cutsUnits { surplus = (MediaTime.zero - move).rescaled(to: timescale) } else { ahead = .zero - move }
        return false
    }

    /// By how much a stream that is `off` its arrival is to be moved, where the others are off by `others`.
    private func move(_ off: MediaTime, _ others: ClosedRange<MediaTime>?) -> MediaTime {
        if timestamps == .arrival { return off.magnitude > RawTimeline.arrivalTolerance ? off : .zero }
        guard let others else { return off.magnitude > RawTimeline.tolerance ? off : .zero }
        // Of two streams, that which is further off.
        let isApart =
            off - others.lowerBound > RawTimeline.apart && off > .zero - others.lowerBound
            || others.upperBound - off > RawTimeline.apart && .zero - off >= others.upperBound
        guard isApart || off.magnitude > RawTimeline.tolerance else { return .zero }
        // Others that are off the same way follow when they are measured, as far as they are then from this one.
        let half = MediaTime(ticks: RawTimeline.apart.ticks / 2)
        let nearest = off > .zero ? max(.zero, others.upperBound - half) : min(.zero, others.lowerBound + half)
        return nearest.magnitude < off.magnitude ? off - nearest : off
    }

    /// Pictures after a step back: each at least half a duration behind the last one, a quarter where they are stamped
    /// by arrival.
    private mutating func moveTogether(_ step: inout Step) {
        let share: Int64 = timestamps == .arrival ? 4 : 2
        let least = lastPts.isKnown ? lastPts + MediaTime(ticks: lastDuration.ticks / share) : step.pts
        if ahead > .zero {
            let moved = min(ahead, max(.zero, step.pts - least))
            ahead = ahead - moved
            base = base + (.zero - moved)
            step.pts = step.pts + (.zero - moved)
        }
        step.pts = max(step.pts, least)
    }
}

extension MediaTime {
    fileprivate var magnitude: MediaTime { self < .zero ? .zero - self : self }
}
