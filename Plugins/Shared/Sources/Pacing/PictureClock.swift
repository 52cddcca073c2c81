import Sluice

/// The time of pictures as an encoder is to count it: it begins with 0 and only rises.
///
/// It steps by the distance of two pictures where that is in (0, 10 s], else by the duration of the first of them, else
/// by the last step. So rates may vary, be unknown or be told wrong.
public struct PictureClock: Sendable {
    /// Of the picture that came last.
    public private(set) var time = MediaTime.zero
    /// From one picture to the next lately.
    public private(set) var interval: MediaTime
    private var last = MediaTime.none
    private var duration = MediaTime.none
    private var step: MediaTime
    private var hasBegun = false

    private static let longestStep = MediaTime.milliseconds(10_000)

    /// `nominal` is the step while nothing else tells.
    public init(nominal: MediaTime) { (step, interval) = (nominal, nominal) }

    /// The next picture, with the times of its header.
    public mutating func advance(to pts: MediaTime, duration: MediaTime) {
        defer {
            hasBegun = true
            if pts.isKnown { last = pts }
            self.duration = duration
        }
        guard hasBegun else { return }
        if pts.isKnown, last.isKnown,
            case (let ticks, let overflow) = pts.ticks.subtractingReportingOverflow(last.ticks),
            !overflow, PictureClock.isStep(MediaTime(ticks: ticks))
        {
            step = MediaTime(ticks: ticks)
        } else if self.duration.isKnown, PictureClock.isStep(self.duration) {
            step = self.duration
        }
        time = MediaTime(ticks: time.ticks &+ step.ticks)
        // The first distance that is seen is a better guess than any told one.
        interval = time == step ? step : MediaTime(ticks: interval.ticks + (step.ticks - interval.ticks) / 4)
    }

    private static func isStep(_ time: MediaTime) -> Bool { time > .zero && time <= longestStep }
}

/// When the next regular keyframe is due, by time and not by counting pictures.
public struct KeyframeSchedule: Sendable {
    private let interval: MediaTime
    private var due: MediaTime?

    /// Pictures come a little early or late.
    private static let slack = MediaTime.milliseconds(5)

    /// `seconds` from one to the next; 0 where none are regular.
    public init(seconds: Double) { interval = .seconds(max(0, seconds)) }

    /// Whether the picture at `time` of the encoder's clock is to be one.
    public func isDue(at time: MediaTime) -> Bool {
        guard interval > .zero else { return false }
        return due.map { time + KeyframeSchedule.slack >= $0 } ?? true
    }

    /// That picture is a keyframe. Regular ones keep their rhythm.
    public mutating func note(at time: MediaTime) {
        guard interval > .zero else { return }
        if let due, time + KeyframeSchedule.slack >= due, time < due + interval {
            self.due = due + interval
        } else {
            due = time + interval
        }
    }
}
