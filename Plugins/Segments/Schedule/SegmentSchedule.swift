import Sluice

/// When each picture and each piece of sound of the queued segments goes out. Pure: the time is an argument.
///
/// A segment is planned behind the one before, or later where it says so or comes late (`SegmentGap`). Its pictures and
/// its sound go out at their media time on one line, pictures first where both are due at once. What is late goes out at
/// once and moves nothing that comes after it. What is later than `patience` is skipped, pictures and sound alike: then
/// the reader behind is too slow, and what it gets next is to be of use.
struct SegmentSchedule {
    struct Playing {
        let segment: Segment
        /// Media time of its beginning, and of the end of what was planned before it.
        let start: MediaTime
        let before: MediaTime
        /// How long nothing had been planned when it was taken up; nil for the first segment.
        let idle: Interval?
        var nextFrame = 0
        var nextSample = 0
        var skipped = 0
        /// The latest of what went out.
        var slip = Interval.zero
        fileprivate let frameCount: Int
        fileprivate let sampleCount: Int

        fileprivate init(_ segment: Segment, start: MediaTime, before: MediaTime, idle: Interval?) {
            self.segment = segment
            (self.start, self.before, self.idle) = (start, before, idle)
            frameCount = segment.header.playedFrames
            sampleCount = segment.header.playedSamples
        }

        fileprivate var frameTime: MediaTime? {
            nextFrame < frameCount ? start + segment.header.time(ofFrame: nextFrame) : nil
        }
        fileprivate var sampleTime: MediaTime? {
            nextSample < sampleCount ? start + segment.header.time(ofSample: nextSample) : nil
        }
        /// The piece of sound that would have come next, of so many seconds; nil if none would.
        func nextSound(piece: Double) -> (range: Range<Int>, time: MediaTime)? {
            sampleTime.map { (soundRange(piece), $0) }
        }

        fileprivate func soundRange(_ piece: Double) -> Range<Int> {
            let length = max(1, Int(piece * Double(segment.header.sampleRate)))
            return nextSample..<min(nextSample + length, sampleCount)
        }

        /// Media time at which what has gone out ends.
        fileprivate var sentEnd: MediaTime {
            let header = segment.header
            guard nextFrame > 0 || nextSample > 0 else { return before }
            return start + max(header.time(ofFrame: nextFrame), header.time(ofSample: nextSample))
        }
    }

    enum Step {
        /// The next segment begins; nothing of it has gone out.
        case begin(Playing)
        /// Send this picture, then call `sentFrame`.
        case picture(Int, at: MediaTime, due: Instant)
        /// Send so much sound, then call `sentSamples`.
        case sound(Range<Int>, at: MediaTime, due: Instant)
        /// The segment has gone out.
        case end(Playing)
        /// Nothing is due before then.
        case wait(Instant)
        /// Something is due, but the output it goes to is full.
        case full
        /// Nothing is queued.
        case idle
    }

    private(set) var gap = SegmentGap()
    private(set) var queue: [Segment] = []
    private(set) var playing: Playing?
    /// Of sound in one piece.
    let pieceLength: Double
    /// Where the last segment that has begun ends in its turn, and which turn that is.
    private var turn: (epoch: UInt32, end: MediaTime)?

    static let patience = Interval.seconds(1)

    /// `piece` in seconds.
    init(piece: Double) { pieceLength = piece }

    mutating func add(_ segment: Segment) { queue.append(segment) }

    /// The number of the oldest segment that has not gone out; nil if all have.
    var oldest: Int? { playing?.segment.number ?? queue.first?.number }

    /// When everything that was planned is over.
    func isOver(_ now: Instant) -> Bool {
        playing == nil && queue.isEmpty && gap.plannedEnd.map { $0 <= now } ?? true
    }

    // MARK: What is next

    mutating func next(_ now: Instant, pictureFits: Bool, soundFits: Bool) -> Step {
        guard playing != nil else { return begin(now) }
        skipLost(now)
        guard let current = playing else { return .idle }
        let frame = current.frameTime
        let sample = current.sampleTime
        guard frame != nil || sample != nil else {
            playing = nil
            return .end(current)
        }
        let frameDue = frame.flatMap { gap.instant(of: $0) }
        let sampleDue = sample.flatMap { gap.instant(of: $0) }
        let frameGoes = frameDue.map { $0 <= now && pictureFits } ?? false
        let sampleGoes = sampleDue.map { $0 <= now && soundFits } ?? false
        if let frame, let frameDue, frameGoes, !sampleGoes || frame <= sample ?? frame {
            return .picture(current.nextFrame, at: frame, due: frameDue)
        }
        if let sample, let sampleDue, sampleGoes { return .sound(piece(of: current), at: sample, due: sampleDue) }
        // What is due already waits for room, of which the output tells.
        let later = min(
            frameDue.map { $0 > now ? $0 : .distantFuture } ?? .distantFuture,
            sampleDue.map { $0 > now ? $0 : .distantFuture } ?? .distantFuture)
        return later == .distantFuture ? .full : .wait(later)
    }

    mutating func sentFrame(_ now: Instant, due: Instant) {
        playing?.nextFrame += 1
        noteSlip(now - due)
    }

    mutating func sentSamples(_ now: Instant, due: Instant) {
        guard let current = playing else { return }
        let end = piece(of: current).upperBound
        playing?.nextSample = end
        noteSlip(now - due)
    }

    private mutating func noteSlip(_ late: Interval) {
        if let slip = playing?.slip, late > slip { playing?.slip = late }
    }

    private func piece(of current: Playing) -> Range<Int> { current.soundRange(pieceLength) }

    private mutating func begin(_ now: Instant) -> Step {
        guard let segment = queue.first else { return .idle }
        queue.removeFirst()
        let header = segment.header
        let before = gap.end
        let idle = gap.plannedEnd.map { max(.zero, now - $0) }
        gap.advance(by: pause(before: segment))
        let frame = header.frameCount > 0 ? header.time(ofFrame: 1) : .seconds(pieceLength)
        gap.begin(at: now, frame: Interval(frame))
        let started = Playing(segment, start: gap.end, before: before, idle: idle)
        gap.advance(by: header.plannedDuration)
        turn = (segment.epoch, header.mediaStart + header.plannedDuration)
        playing = started
        return .begin(started)
    }

    /// How much later in its turn a segment begins than the one before it has ended; times that say otherwise, or round
    /// to the same millisecond, follow on.
    private func pause(before segment: Segment) -> MediaTime {
        guard segment.header.mediaStart > .zero, let turn, turn.epoch == segment.epoch else { return .zero }
        let pause = segment.header.mediaStart - turn.end
        return pause > .milliseconds(1) ? min(pause, .seconds(SegmentSchedule.longestPause)) : .zero
    }

    /// A segment that says that it begins later than this is taken to begin then, in seconds.
    private static let longestPause = 60.0

    private mutating func skipLost(_ now: Instant) {
        func isLost(_ time: MediaTime?) -> Bool {
            guard let time, let due = gap.instant(of: time) else { return false }
            return now - due > SegmentSchedule.patience
        }
        while let current = playing, isLost(current.frameTime) {
            _ = current.segment.takeFrame(current.nextFrame)
            playing?.nextFrame += 1
            playing?.skipped += 1
        }
        while let current = playing, isLost(current.sampleTime) {
            let end = piece(of: current).upperBound
            playing?.nextSample = end
            playing?.skipped += 1
        }
    }

    // MARK: Interruption

    /// Everything stale leaves. Returns the segment that was cut off, and how many had not begun.
    mutating func interrupt(_ rules: EpochRules) -> (playing: Playing?, waiting: Int) {
        let count = queue.count
        queue.removeAll { rules.isStale($0.epoch) }
        guard let current = playing, rules.isStale(current.segment.epoch) else { return (nil, count - queue.count) }
        playing = nil
        gap.cut(at: current.sentEnd)
        return (current, count - queue.count)
    }

    /// Sound that goes out after all, when its segment was interrupted, is planned until then.
    mutating func extend(to end: MediaTime) { if end > gap.end { gap.advance(by: end - gap.end) } }
}
