import Sluice

/// When each frame of a pacer is due: an absolute grid, origin + n × frame. The time is always an argument, and no
/// lateness of one frame moves the next.
///
/// Frames whose time has passed are due at once, so a short hold-up is caught up with and the grid stays where it was.
/// After a hold-up longer than `patience` what was missed is no longer of use: the grid begins anew.
public struct FrameGrid: Equatable, Sendable {
    /// From one frame to the next.
    public let frame: Interval
    /// When the grid's first frame was due.
    public private(set) var origin: Instant
    /// Since `origin`: the sum of the frames that were sent, which are of one length but for packets that are not.
    public private(set) var elapsed = Interval.zero

    /// A longer hold-up is not caught up with.
    public static let patience = Interval.seconds(1)
    /// The grid begins on a multiple of this part of the frame: pacers that start together wake together, and those
    /// that are spread share as many phases.
    static let phases: Int64 = 20

    /// The first frame is due at `earliest` and not before `now`, at the next multiple of a twentieth of the frame that
    /// has this `phase`.
    public init(frame: Interval, earliest: Instant, phase: Interval = .zero, now: Instant) {
        self.frame = frame
        let step = max(1, frame.nanoseconds / FrameGrid.phases)
        let wanted = max(earliest, now).nanoseconds
        let excess = wanted % step
        let aligned = excess > 0 ? wanted - excess + step : wanted
        origin = Instant(nanoseconds: aligned) + phase
    }

    /// When the next frame is due.
    public var next: Instant { origin + elapsed }

    /// The next frame's time has come.
    public func isDue(_ now: Instant) -> Bool { next <= now }

    /// How long after its time the next frame goes out.
    public func lateness(_ now: Instant) -> Interval { now - next }

    /// The frame that was due has gone, and the next one is due after `length`.
    public mutating func advance(by length: Interval) { elapsed = elapsed + length }

    /// Begins a new grid at `now` if the next frame is later than `patience`; returns by how much.
    public mutating func beginAnewIfLost(_ now: Instant) -> Interval? {
        let late = lateness(now)
        guard late > FrameGrid.patience else { return nil }
        origin = now
        elapsed = .zero
        return late
    }

    /// One of twenty parts of the frame for each of many pacers, spread evenly however many there are: multiples of the
    /// golden ratio, modulo 1 (Knuth, The Art of Computer Programming, volume 3, section 6.4). Few distinct phases, so
    /// that a thousand pacers wake their lane twenty times a frame and not a thousand times.
    public static func phase(of instance: Int, frame: Interval) -> Interval {
        let part = UInt64(truncatingIfNeeded: instance) &* 0x9E37_79B9_7F4A_7C15
        let slot = Int64(UInt64(phases).multipliedFullWidth(by: part).high)
        return Interval(nanoseconds: frame.nanoseconds / phases * slot)
    }
}
