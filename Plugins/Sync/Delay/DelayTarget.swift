import Sluice

/// The lip sync that a viewer's browser tells.
struct AVSyncFeedback: Equatable {
    /// The turn that it was measured in; 0 or less: not known.
    var turn: Int
    /// How much later than the audio the video is seen.
    var excessVideoLagMilliseconds: Double
    /// How much more the video's jitter buffer holds than the audio's.
    var jitterBufferDeltaMilliseconds: Double
    /// The viewer found the video late and the audio leading (`video_late_audio_leads`).
    var isVideoLate: Bool
}

extension AVSyncFeedback {
    /// As `av-delay` takes it.
    init(_ record: RecordInput.Record) {
        turn = Int(exactly: record["turn_seq"].rounded()) ?? 0
        excessVideoLagMilliseconds = record["excess_video_lag_ms"]
        jitterBufferDeltaMilliseconds = record["jitter_buffer_delta_ms"]
        isVideoLate = record["likely"] == 1
    }
}

/// How long audio (or video) is to be held, and how far it has got: the rules, without any media.
///
/// Feedback sets the target: the larger of the two lags, whole, 0 to 800 ms. It counts only if it says that the picture
/// is late, is of the present epoch where both numbers are known, and makes sense: finite, the buffers' difference
/// above 0. The delay itself moves at the beginnings of segments, by at most 160 ms each. Where feedback set the target
/// and then is not heard of for 4 s, the target falls by 160 ms, and again every 4 s. A new epoch or sample rate begins
/// at 0.
///
/// Pure: the time is an argument.
struct DelayTarget: Equatable {
    /// Milliseconds.
    private(set) var target = 0
    /// The part of it that has been reached.
    private(set) var current = 0
    private var lastFeedback: Instant?
    /// The next segment begins without delay.
    private var isForgotten = false

    static let largest = 800
    static let largestStep = 160
    static let patience = Interval.milliseconds(4_000)

    enum Verdict: Equatable {
        case taken
        case notVideoLate, otherTurn, senseless
    }

    mutating func note(_ feedback: AVSyncFeedback, epoch: UInt32, now: Instant) -> Verdict {
        guard feedback.isVideoLate else { return .notVideoLate }
        guard feedback.turn <= 0 || epoch == 0 || feedback.turn == Int(epoch) else { return .otherTurn }
        let (excess, delta) = (feedback.excessVideoLagMilliseconds, feedback.jitterBufferDeltaMilliseconds)
        guard excess.isFinite, delta.isFinite, delta > 0 else { return .senseless }
        set(max(excess, 0, delta))
        lastFeedback = now
        return .taken
    }

    /// A target from elsewhere, which does not age. NaN changes nothing.
    mutating func set(_ milliseconds: Double) {
        guard !milliseconds.isNaN else { return }
        target = Int(max(0, min(Double(DelayTarget.largest), milliseconds)).rounded())
        lastFeedback = nil
    }

    /// Lets the target fall where feedback has stayed away.
    mutating func age(now: Instant) {
        while let last = lastFeedback, now >= last + DelayTarget.patience {
            target = max(0, target - DelayTarget.largestStep)
            lastFeedback = target > 0 ? last + DelayTarget.patience : nil
        }
    }

    /// A segment begins: its delay in ms.
    mutating func beginSegment() -> Int {
        if isForgotten { current = 0 }
        isForgotten = false
        current += max(-DelayTarget.largestStep, min(DelayTarget.largestStep, target - current))
        return current
    }

    /// `smooth` mode has reached this much of the target.
    mutating func reach(_ milliseconds: Int) { current = milliseconds }

    /// Another viewer: what the last one told counts no more. The delay goes back at the next segment, however far.
    mutating func forget() {
        (target, lastFeedback, isForgotten) = (0, nil, true)
    }

    /// A new epoch or sample rate.
    mutating func reset() { self = DelayTarget() }
}
