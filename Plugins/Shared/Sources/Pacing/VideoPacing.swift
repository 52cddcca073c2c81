import Sluice

/// When pictures go out and which timestamps they get: on the clock of the source's sound where there is one, else on one
/// of their own, estimated from their arrivals and followed as slowly as sound would be.
///
/// Pictures keep their distance to the sound exactly, because both use one mapping of the source's time. Decoding times
/// always rise: a picture whose time would go back (a source that jumped) gets the least step after the one before.
public struct VideoPacing: Sendable {
    public let target: Interval
    public private(set) var clock = ClockEstimate()
    private var steering = DepthSteering()
    private var own: Playout?
    private var lastOut = MediaTime.none
    private var lastSource = MediaTime.none
    /// Timestamps were not where they should have been.
    public private(set) var jumps = 0

    /// A millisecond: the least that decoding times rise by.
    static let leastStep = MediaTime.milliseconds(1)
    /// Nothing is held longer than that beyond the target, whatever timestamps say.
    static let longestHeld = Interval.seconds(1)

    public init(target: Interval) { self.target = max(target, .zero) }

    public struct Place: Equatable, Sendable {
        public var due: Instant
        public var pts: MediaTime
        public var dts: MediaTime
        /// Timestamps did not continue: the step that they took instead.
        public var jump: MediaTime?
    }

    /// Where a picture goes that came at `arrival`. `sound` is how the source's sound is played, if it is.
    public mutating func place(
        pts: MediaTime, dts given: MediaTime, duration: Interval, arrival: Instant, sound: Playout?,
        isAnew: Bool = false
    ) -> Place {
        let known = given.isKnown ? given : pts
        // Without a timestamp it follows the one before.
        let dts = known.isKnown ? known : (lastSource.isKnown ? lastSource : .zero) + MediaTime(duration)
        let isJump = note(dts, arrival, isAnew)
        let step = lastSource.isKnown ? dts - lastSource : .zero
        let sound = sound?.instant(of: dts) == nil ? nil : sound
        let map = sound ?? followed(at: dts)
        lastSource = dts
        let due = map.instant(of: dts) ?? arrival
        var out = map.timestamp(of: dts) ?? dts
        if lastOut.isKnown, out < lastOut + VideoPacing.leastStep { out = lastOut + VideoPacing.leastStep }
        lastOut = out
        // How far a picture is shown after it is decoded is told by the source, scaled as everything is.
        var shown = out
        if pts.isKnown, given.isKnown {
            let delay = pts.ticks.subtractingReportingOverflow(dts.ticks)
            if !delay.overflow, 0...(MediaTime.ticksPerSecond * 10) ~= delay.partialValue {
                shown = out + MediaTime(ticks: delay.partialValue)
            }
        }
        let latest = arrival + target + VideoPacing.longestHeld
        return Place(due: min(due, latest), pts: shown, dts: out, jump: isJump ? step : nil)
    }

    private mutating func note(_ dts: MediaTime, _ arrival: Instant, _ isAnew: Bool) -> Bool {
        guard clock.isStarted else {
            clock.note(dts, at: arrival)
            own = Playout(source: dts, at: arrival + target, out: dts, ppm: 0)
            return false
        }
        let off = (arrival - clock.arrival(of: dts)).seconds
        let isJump = isAnew || abs(off) > 1 || dts < lastSource
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
    private mutating func followed(at dts: MediaTime) -> Playout {
        guard var map = own else { return Playout(source: dts, at: .init(nanoseconds: 0), out: dts, ppm: 0) }
        guard let at = map.instant(of: dts), let out = map.timestamp(of: dts), at > map.at else { return map }
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
