import Sluice

/// The timing of a paced stream of audio: its grid, which samples each frame takes, how fast the source is followed.
/// Knows no sample and reads no clock; `PCM` and packets are done with what it says.
///
/// The depth is how long media wait on the average from their arrival until they go out. It is held by comparing, at
/// every frame, the source's time that is due with the time at which the source's clock says that those media came.
public struct AudioPacing: Sendable {
    /// The answer to a source whose clock differs from this one's.
    public enum Drift: String, CaseIterable, ParameterValue.Convertible {
        /// Takes the source's samples a little faster or slower.
        case resample
        /// Leaves out or repeats a frame.
        case skip
        /// Lets the input run dry, or its edge overflow.
        case silence
    }

    /// The length of the frames that go out.
    public private(set) var frame: Interval
    /// The depth that is held.
    public let target: Interval
    /// The answer to a source whose clock differs.
    public let drift: Drift
    /// When frames are due.
    public private(set) var grid: FrameGrid
    /// Which samples are next.
    public var intake: SampleIntake
    /// The source's clock.
    public private(set) var clock = ClockEstimate()
    /// How much faster the source is taken.
    public private(set) var steering = DepthSteering()
    /// Seconds by which the frame that is due should have gone out before.
    public private(set) var behind = 0.0
    /// The longest item so far: media are there when an item is complete.
    private var longest: Interval
    private let phaseWait: Interval
    /// The source is held back, so its arrivals tell nothing.
    private var heldUntil: Instant?

    /// Holes that are concealed; what is missing beyond that is silence. Five packets of 20 ms in a row are lost once
    /// in half a year where one in a hundred is.
    public static let longestConcealed = Interval.milliseconds(100)

    /// - Parameters:
    ///   - target: the depth; at least a frame.
    ///   - start: the depth at which the grid begins, if it is another.
    ///   - item: length of the first item, which came at `arrival`.
    ///   - isPhased: the grid has a phase of its own, which adds up to a frame to the depth.
    ///   - unit: samples that cannot be cut, 1 for PCM.
    public init(
        frame: Interval, target: Interval, start: Interval? = nil, drift: Drift, rate: Int, unit: Int = 1,
        item: Interval, arrival: Instant, phase: Interval = .zero, now: Instant
    ) {
        self.frame = frame
        self.target = max(target, frame)
        self.drift = drift
        longest = max(item, .zero)
        intake = AudioPacing.intake(rate, unit)
        let earliest = arrival + AudioPacing.wait(max(start ?? self.target, frame), frame, item) - item
        grid = FrameGrid(frame: frame, earliest: earliest, phase: phase, now: now)
        // The grid's own rounding and phase are no error to be steered away.
        phaseWait = max(.zero, min(grid.origin - earliest, frame * 2))
    }

    private static func intake(_ rate: Int, _ unit: Int) -> SampleIntake {
        let concealed = rescale(longestConcealed.nanoseconds, from: 1_000_000_000, to: Int64(max(1, rate)))
        return SampleIntake(rate: rate, unit: unit, longestConcealed: Int(concealed))
    }

    /// Samples come at another rate from now on: the grid and the clock stay, the position begins anew.
    public mutating func change(rate: Int, unit: Int = 1, frame: Interval? = nil) {
        intake = AudioPacing.intake(rate, unit)
        if let frame {
            self.frame = frame
            longest = frame
        }
    }

    /// From the mean arrival of an item's end to when that end is due. Items shorter than a frame wait for their frame
    /// to be complete.
    private static func wait(_ target: Interval, _ frame: Interval, _ item: Interval) -> Interval {
        target + max(item, frame)
    }

    private var wait: Interval { AudioPacing.wait(target, frame, longest) + phaseWait }

    // MARK: Items

    /// Places an item that `intake` wants. `count` in samples, `time` may be unknown.
    public mutating func place(
        _ time: MediaTime, count: Int, arrival: Instant, isAnew: Bool = false, isLoss: Bool = false
    ) -> SampleIntake.Placement {
        let length = MediaTime(Int64(max(0, count)), timescale: Int64(intake.rate))
        longest = max(longest, min(Interval(length), .seconds(1)))
        let known = time.isKnown ? time : nil
        let mark = known.map { $0 + length }
        let early = clock.isStarted ? mark.map { clock.arrival(of: $0) - arrival } : nil
        // A mark of discontinuity whose time agrees with the clock marks a hole.
        let isAnew = isAnew && !(early.map { abs($0.seconds) < ClockEstimate.farOff } ?? false)
        let placement = intake.place(
            time, count: count, isAnew: isAnew, isLoss: isLoss, early: early,
            rebuilt: arrival + AudioPacing.wait(target, frame, longest) - Interval(length), behind: slipped)
        let end = mark ?? intake.time() + length
        if isHeld { clock.restart(at: end, arrival) }
        switch placement {
        case .jump, .anew: clock.restart(at: end, arrival)
        case .late(let by) where by.seconds > ClockEstimate.farOff: clock.restart(at: end, arrival)
        default: clock.note(end, at: arrival)
        }
        return placement
    }

    /// A blocking edge was full when the frame that is due began: the source goes at this pace and has no clock of its
    /// own. An arrival within the next ten seconds is no evidence, and nothing is steered.
    public mutating func noteHeld() { heldUntil = grid.next + .seconds(10) }
    private var isHeld: Bool { heldUntil.map { grid.next < $0 } ?? false }

    /// Samples that the audio is late by where it is to be told: within the slack nothing is done about it.
    private var slipped: Int64 {
        guard drift != .silence, behind > DepthSteering.slack else { return 0 }
        return Int64(behind * Double(intake.rate))
    }

    // MARK: Frames

    /// At each frame that is due, first: how many parts per million faster than nominal its samples are to be taken.
    /// `pending`: samples that were handed on but not heard, as a resampler holds them. `isAble`: whether they can be
    /// taken at another rate now.
    public mutating func begin(pending: Double = 0, isAble: () -> Bool = { true }) -> Double {
        guard intake.isStarted, clock.isStarted, !isHeld else {
            behind = 0
            return 0
        }
        let due = clock.arrival(of: intake.time(pending: pending)) + wait
        behind = min(max((grid.next - due).seconds, -60), 60)
        guard drift == .resample else { return 0 }
        return steering.steer(behind: behind, clock: clock, step: frame.seconds, isAble: isAble)
    }

    /// Where drift is skipped: whole frames by which the media are late (positive: one may be left out) or early (one
    /// may be repeated); half a frame is let pass.
    public var surplus: Double {
        guard drift == .skip, clock.isSettled, !isHeld else { return 0 }
        return behind / frame.seconds
    }

    /// The frame that was due has gone.
    public mutating func advance() { grid.advance(by: frame) }

    /// Begins a new grid where the next frame is later than `FrameGrid.patience`; returns by how much.
    public mutating func beginAnewIfLost(_ now: Instant) -> Interval? { grid.beginAnewIfLost(now) }

    /// Where the source's time stands against the clock from the frame that is due next on, whose timestamp is `out`.
    public func playout(pending: Double = 0, out: MediaTime) -> Playout {
        guard let (time, until) = intake.held else {
            return Playout(
                source: intake.time(pending: pending), at: grid.next, out: out, ppm: steering.ppm, isDry: intake.isDry)
        }
        // It begins with the first frame that is due by then.
        let frames = max(0, (until - grid.next).nanoseconds + frame.nanoseconds - 1) / max(1, frame.nanoseconds)
        let wait = Interval(nanoseconds: frames * frame.nanoseconds)
        return Playout(source: time, at: grid.next + wait, out: out + MediaTime(wait), ppm: steering.ppm)
    }

    /// Before the first frame: media of `first`, which get the timestamp `out`, begin the grid.
    public func firstPlayout(of first: MediaTime, out: MediaTime) -> Playout {
        Playout(source: first, at: grid.next, out: out, ppm: 0)
    }
}
