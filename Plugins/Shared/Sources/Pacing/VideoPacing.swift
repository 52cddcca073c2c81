import Sluice

/// When pictures go out and which timestamps they get: on the clock of the source's audio where there is one, else on
/// one of their own, estimated from their arrivals and followed as slowly as audio would be.
///
/// Pictures keep their distance to the audio exactly, because both use one mapping of the source's time. A picture is
/// placed when it comes, and again (`place(again:)`) when it is about to leave. Meanwhile audio that came late with it
/// may have moved the mapping. Where the audio has run dry, a picture that came too late waits for the frame of audio
/// that takes up what came with it. Decoding times always rise: a picture whose time would go back (a source that
/// jumped) gets the least step after the one before.
public struct VideoPacing: Sendable {
    /// How long pictures wait on the average, where they have a clock of their own.
    public let target: Interval
    /// The source's clock, as pictures tell it.
    public private(set) var clock = ClockEstimate()
    private var steering = DepthSteering()
    private var own: Playout?
    private var lastOut = MediaTime.none
    private var lastSource = MediaTime.none
    private var placed: Placed?
    /// Timestamps were not where they should have been.
    public private(set) var jumps = 0

    /// A millisecond: the least that decoding times rise by.
    static let leastStep = MediaTime.milliseconds(1)
    /// A frame of audio: what has come that shortly before its time may have come too late for the frame that plays.
    public static let shortest = Interval.milliseconds(20)
    /// Nothing is held longer than that beyond the target, whatever timestamps say.
    static let longestHeld = Interval.seconds(1)

    /// `target` is the time that pictures wait, at least 0.
    public init(target: Interval) { self.target = max(target, .zero) }

    /// The picture that was placed last.
    private struct Placed {
        var dts: MediaTime
        /// From decoding to showing.
        var delay: MediaTime
        var latest: Instant
        /// Of the picture before it.
        var lastOut: MediaTime
        /// How the audio was to go on when it was dry and this picture had come too late for it.
        var dry: Playout?
    }

    /// Where a picture goes.
    public struct Place: Equatable, Sendable {
        /// When it leaves, on the graph's clock.
        public var due: Instant
        /// The time at which it is shown.
        public var pts: MediaTime
        /// The time at which it is decoded; it always rises.
        public var dts: MediaTime
        /// Timestamps did not continue: the step that they took instead.
        public var jump: MediaTime?
    }

    /// Where a picture goes that came at `arrival`. `audio` is how the source's audio is played, if it is.
    public mutating func place(
        pts: MediaTime, dts given: MediaTime, duration: Interval, arrival: Instant, audio: Playout?,
        isAnew: Bool = false
    ) -> Place {
        let known = given.isKnown ? given : pts
        // Without a timestamp it follows the one before.
        let dts = known.isKnown ? known : (lastSource.isKnown ? lastSource : .zero) + MediaTime(duration)
        let isJump = note(dts, arrival, isAnew)
        let step = lastSource.isKnown ? dts - lastSource : .zero
        let audio = audio?.instant(of: dts) == nil ? nil : audio
        let map = audio ?? followed(at: dts, arrival)
        lastSource = dts
        // How far a picture is shown after it is decoded is told by the source, scaled as everything is.
        var delay = MediaTime.zero
        if pts.isKnown, given.isKnown {
            let told = pts.ticks.subtractingReportingOverflow(dts.ticks)
            if !told.overflow, 0...(MediaTime.ticksPerSecond * 10) ~= told.partialValue {
                delay = MediaTime(ticks: told.partialValue)
            }
        }
        let latest = arrival + target + VideoPacing.longestHeld
        placed = Placed(dts: dts, delay: delay, latest: latest, lastOut: lastOut)
        if map.isDry, dts < map.source, let due = map.instant(of: dts), due < arrival + VideoPacing.shortest {
            placed!.dry = map
        }
        // Always there: what is too far from the mapping has jumped, and the mapping with it.
        var place = settle(map) ?? Place(due: arrival, pts: lastOut, dts: lastOut)
        if isJump { place.jump = step }
        return place
    }

    /// Where the picture that was placed last goes as its audio is played now; nil where the audio does not tell.
    public mutating func place(again audio: Playout) -> Place? { settle(audio) }

    private mutating func settle(_ map: Playout) -> Place? {
        guard let picture = placed, var due = map.instant(of: picture.dts), var out = map.timestamp(of: picture.dts)
        else { return nil }
        if let dry = picture.dry, map.isDry, picture.dts < map.source { (due, out) = (dry.at, dry.out) }
        if picture.lastOut.isKnown { out = max(out, picture.lastOut + VideoPacing.leastStep) }
        lastOut = out
        return Place(due: min(due, picture.latest), pts: out + picture.delay, dts: out)
    }

    /// A minute from the picture before: no timestamps of one stream.
    private func isFar(_ dts: MediaTime) -> Bool {
        guard lastSource.isKnown else { return false }
        let step = dts.ticks.subtractingReportingOverflow(lastSource.ticks)
        return step.overflow || step.partialValue.magnitude > UInt64(MediaTime.ticksPerSecond) * 60
    }

    private mutating func note(_ dts: MediaTime, _ arrival: Instant, _ isAnew: Bool) -> Bool {
        guard clock.isStarted else {
            clock.note(dts, at: arrival)
            own = Playout(source: dts, at: arrival + target, out: dts, ppm: 0)
            return false
        }
        let off = (arrival - clock.arrival(of: dts)).seconds
        let isJump =
            isAnew && abs(off) > ClockEstimate.farOff || abs(off) > 1 || dts < lastSource || isFar(dts)
        guard isJump else {
            clock.note(dts, at: arrival)
            return false
        }
        jumps += 1
        clock.restart(at: dts, arrival)
        let at = arrival + target
        let out = own?.timestamp(at: at) ?? dts
        own = Playout(source: dts, at: at, out: max(out, lastOut), ppm: steering.ppm)
        return !isAnew
    }

    /// The pictures' own mapping, moved to `dts` and steered there.
    private mutating func followed(at dts: MediaTime, _ arrival: Instant) -> Playout {
        guard var map = own, let at = map.instant(of: dts), let out = map.timestamp(of: dts) else {
            // It followed audio for long.
            let begun = Playout(source: dts, at: arrival + target, out: lastOut.isKnown ? lastOut : dts, ppm: 0)
            own = begun
            return begun
        }
        guard at > map.at else { return map }
        let behind = (at - (clock.arrival(of: dts) + target)).seconds
        let ppm = steering.steer(behind: behind, clock: clock, step: (at - map.at).seconds)
        map = Playout(source: dts, at: at, out: out, ppm: ppm)
        own = map
        return map
    }
}

extension Playout {
    /// The timestamp that goes out at an instant.
    func timestamp(at instant: Instant) -> MediaTime { out + MediaTime(instant - at) }
}
