import Sluice

/// When each frame of a pacer is due: an absolute grid, origin + n × frame. The time is always an argument, and no
/// lateness of one frame moves the next.
///
/// Frames whose time has passed are due at once, so a short hold-up is caught up with and the grid stays where it was.
/// After a hold-up longer than `patience` what was missed is no longer of use: the grid begins anew.
struct PacerSchedule: Equatable {
    let frame: Interval
    private(set) var origin: Instant
    /// Frames sent since `origin`.
    private(set) var count: Int64 = 0

    static let patience = Interval.seconds(1)
    /// The grid begins on a multiple of this, so that pacers which start together also wake together.
    static let alignment: Int64 = 1_000_000

    /// The first frame is due `depth` after the first media arrived, and not before `now`, at the next whole
    /// millisecond, and `phase` later.
    init(frame: Interval, firstArrival: Instant, depth: Interval, phase: Interval, now: Instant) {
        self.frame = frame
        let earliest = max(firstArrival + depth, now).nanoseconds
        let excess = earliest % PacerSchedule.alignment
        origin = Instant(nanoseconds: excess > 0 ? earliest - excess + PacerSchedule.alignment : earliest) + phase
    }

    /// When the next frame is due.
    var next: Instant { origin + frame * count }

    func isDue(_ now: Instant) -> Bool { next <= now }

    /// How long after its time the next frame goes out.
    func lateness(_ now: Instant) -> Interval { now - next }

    mutating func advance() { count += 1 }

    /// Begins a new grid at `now` if the next frame is later than `patience`; returns by how much.
    mutating func beginAnewIfLost(_ now: Instant) -> Interval? {
        let late = lateness(now)
        guard late > PacerSchedule.patience else { return nil }
        origin = now
        count = 0
        return late
    }

    /// A part of the frame for each of many instances, spread evenly however many there are: multiples of the golden
    /// ratio, modulo 1 (Knuth, The Art of Computer Programming, volume 3, section 6.4).
    static func phase(instance: Int, frame: Interval) -> Interval {
        let part = UInt64(truncatingIfNeeded: instance) &* 0x9E37_79B9_7F4A_7C15
        return Interval(nanoseconds: Int64(UInt64(frame.nanoseconds).multipliedFullWidth(by: part).high))
    }
}

/// Says once that a stream ran dry and once that it is back, however often it stutters in between.
struct DryWatch: Equatable {
    enum News: Equatable {
        case dry
        /// After so many frames of silence.
        case back(Int)
    }

    /// Frames of media in a row after which the stream is back: one second of them.
    let recovery: Int
    private var silent = 0
    private var played = 0

    init(recovery: Int) { self.recovery = recovery }

    mutating func note(isSilence: Bool) -> News? {
        if isSilence {
            silent += 1
            played = 0
            return silent == 1 ? .dry : nil
        }
        guard silent > 0 else { return nil }
        played += 1
        guard played >= recovery else { return nil }
        defer { silent = 0 }
        return .back(silent)
    }
}
