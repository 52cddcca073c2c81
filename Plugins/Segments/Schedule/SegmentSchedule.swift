import SegmentTime
import Sluice

/// When each picture and each piece of audio of the queued segments goes out. Pure: the time is an argument.
///
/// A segment is planned behind the one before, or later where it says so or comes late (`SegmentGap`). Its pictures and
/// its audio go out at their media time on one line, pictures first where both are due at once. A late one goes out
/// at once and moves nothing that comes after it: a segment begins at its time though pictures of the one before are
/// held, so a slow reader of pictures delays no audio. Media later than `patience` are skipped, video and audio
/// alike: then the reader behind is too slow, and what it gets next is to be of use.
struct SegmentSchedule {
    struct Playing {
        let segment: Segment
        /// Media time of its beginning, and of the end of what was planned before it.
        let start: MediaTime
        let before: MediaTime
        /// How long nothing had been planned when it came; nil for the first segment.
        let idle: Interval?
        /// Where it begins in its turn: as it says, else behind the one before it.
        let turnStart: MediaTime
        var nextFrame = 0
        var nextSample = 0
        var skipped = 0
        /// The latest of what went out.
        var slip = Interval.zero
        fileprivate let frameCount: Int
        fileprivate let sampleCount: Int

        fileprivate init(_ segment: Segment, start: MediaTime, before: MediaTime, idle: Interval?, turnStart: MediaTime)
        {
            self.segment = segment
            (self.start, self.before, self.idle, self.turnStart) = (start, before, idle, turnStart)
            frameCount = segment.header.playedFrames
            sampleCount = segment.header.playedSamples
        }

        fileprivate var frameTime: MediaTime? {
            nextFrame < frameCount ? start + segment.header.time(ofFrame: nextFrame) : nil
        }
        fileprivate var sampleTime: MediaTime? {
            nextSample < sampleCount ? start + segment.header.time(ofSample: nextSample) : nil
        }
        fileprivate func audioRange(_ piece: Double) -> Range<Int> {
            let length = max(1, Int(piece * Double(segment.header.sampleRate)))
            return nextSample..<min(nextSample + length, sampleCount)
        }

        fileprivate var hasSent: Bool { nextFrame > 0 || nextSample > 0 }
        fileprivate var isSent: Bool { nextFrame >= frameCount && nextSample >= sampleCount }
        /// Media time at which what has gone out ends.
        fileprivate var sentEnd: MediaTime {
            let header = segment.header
            return start + max(header.time(ofFrame: nextFrame), header.time(ofSample: nextSample))
        }
    }

    enum Step {
        /// The next segment begins; nothing of it has gone out.
        case begin(Playing)
        /// Send this picture, then call `sentFrame`.
        case picture(Playing, Int, at: MediaTime, due: Instant)
        /// Send so much audio, then call `sentSamples`.
        case audio(Playing, Range<Int>, at: MediaTime, due: Instant)
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
    /// No segment begins.
    var isHeld = false
    /// Those that have begun and not gone out whole, in order: one, and more while something is held.
    private(set) var active: [Playing] = []
    /// Of audio in one piece.
    let pieceLength: Double
    /// Where the last segment that has begun ends in its turn, and which turn that is.
    private var turn: (epoch: UInt32, end: MediaTime)?

    static let patience = Interval.seconds(1)
    private static let mostActive = 8

    /// `piece` in seconds.
    init(piece: Double) { pieceLength = piece }

    mutating func add(_ segment: Segment) { queue.append(segment) }

    /// How many have waited since then, or longer: they are gone.
    mutating func drop(enqueuedBy instant: Instant) -> Int {
        let count = queue.count
        queue.removeAll { $0.enqueued <= instant }
        return count - queue.count
    }

    /// Bytes that the segments took which wait and play.
    var memory: Int { queue.reduce(0) { $0 + $1.header.memory } + active.reduce(0) { $0 + $1.segment.header.memory } }

    /// The number of the oldest segment that has not gone out; nil if all have.
    var oldest: Int? { active.first?.segment.number ?? queue.first?.number }

    /// When everything that was planned is over.
    func isOver(_ now: Instant) -> Bool {
        active.isEmpty && queue.isEmpty && gap.plannedEnd.map { $0 <= now } ?? true
    }

    // MARK: The next step

    mutating func next(_ now: Instant, pictureFits: Bool, audioFits: Bool) -> Step {
        skipLost(now)
        if let first = active.first, first.isSent {
            active.removeFirst()
            return .end(first)
        }
        if mayBegin(now) { return begin(now) }
        guard !active.isEmpty else { return .idle }
        let (picture, audio) = (videoIndex, audioIndex)
        let frame = picture.flatMap { active[$0].frameTime }
        let sample = audio.flatMap { active[$0].sampleTime }
        let frameDue = frame.flatMap { gap.instant(of: $0) }
        let sampleDue = sample.flatMap { gap.instant(of: $0) }
        let frameGoes = frameDue.map { $0 <= now && pictureFits } ?? false
        let sampleGoes = sampleDue.map { $0 <= now && audioFits } ?? false
        if let picture, let frame, let frameDue, frameGoes, !sampleGoes || frame <= sample ?? frame {
            return .picture(active[picture], active[picture].nextFrame, at: frame, due: frameDue)
        }
        if let audio, let sample, let sampleDue, sampleGoes {
            return .audio(active[audio], active[audio].audioRange(pieceLength), at: sample, due: sampleDue)
        }
        // An item that is due already waits for room, of which the output tells.
        var later = Instant.distantFuture
        if let frameDue, frameDue > now { later = min(later, frameDue) }
        if let sampleDue, sampleDue > now { later = min(later, sampleDue) }
        if !isHeld, !queue.isEmpty, let end = gap.plannedEnd, end > now { later = min(later, end) }
        return later == .distantFuture ? .full : .wait(later)
    }

    private var videoIndex: Int? { active.firstIndex { $0.frameTime != nil } }
    private var audioIndex: Int? { active.firstIndex { $0.sampleTime != nil } }

    mutating func sentFrame(_ now: Instant, due: Instant) {
        guard let index = videoIndex else { return }
        active[index].nextFrame += 1
        active[index].slip = max(active[index].slip, now - due)
    }

    mutating func sentSamples(_ now: Instant, due: Instant) {
        guard let index = audioIndex else { return }
        let end = active[index].audioRange(pieceLength).upperBound
        active[index].nextSample = end
        active[index].slip = max(active[index].slip, now - due)
    }

    private func mayBegin(_ now: Instant) -> Bool {
        guard !isHeld, !queue.isEmpty, active.count < SegmentSchedule.mostActive else { return false }
        guard let last = active.last, let end = gap.plannedEnd else { return true }
        return last.isSent || end <= now
    }

    private mutating func begin(_ now: Instant) -> Step {
        guard let segment = queue.first else { return .idle }
        queue.removeFirst()
        let header = segment.header
        let before = gap.end
        // A segment that was there in time is not late because something held this node.
        let ready = gap.origin == nil ? now : segment.enqueued
        let idle = gap.plannedEnd.map { max(.zero, ready - $0) }
        gap.advance(by: pause(before: segment))
        let frame = header.frameCount > 0 ? header.time(ofFrame: 1) : .seconds(pieceLength)
        gap.begin(at: ready, frame: Interval(frame))
        let counted = turn?.epoch == segment.epoch ? turn?.end ?? .zero : .zero
        let turnStart = header.mediaStart ?? counted
        let started = Playing(segment, start: gap.end, before: before, idle: idle, turnStart: turnStart)
        gap.advance(by: header.plannedDuration)
        turn = (segment.epoch, turnStart + header.plannedDuration)
        active.append(started)
        return .begin(started)
    }

    /// How much later in its turn a segment begins than the one before it has ended; times that say otherwise, or round
    /// to the same millisecond, follow on.
    private func pause(before segment: Segment) -> MediaTime {
        guard let start = segment.header.mediaStart, let turn, turn.epoch == segment.epoch else { return .zero }
        let pause = start - turn.end
        return pause > .milliseconds(1) ? min(pause, .seconds(SegmentSchedule.longestPause)) : .zero
    }

    /// A segment that says that it begins later than this is taken to begin then, in seconds.
    private static let longestPause = 60.0

    private mutating func skipLost(_ now: Instant) {
        func isLost(_ time: MediaTime?) -> Bool {
            guard let time, let due = gap.instant(of: time) else { return false }
            return now - due > SegmentSchedule.patience
        }
        for index in active.indices {
            while isLost(active[index].frameTime) {
                _ = active[index].segment.takeFrame(active[index].nextFrame)
                active[index].nextFrame += 1
                active[index].skipped += 1
            }
            while isLost(active[index].sampleTime) {
                let end = active[index].audioRange(pieceLength).upperBound
                active[index].nextSample = end
                active[index].skipped += 1
            }
        }
    }

    // MARK: Interruption

    struct Cut {
        /// Those that had begun, in order.
        var active: [Playing] = []
        /// How many had not.
        var waiting = 0
        /// The audio that would have come next; nil if none would.
        var nextAudio: (segment: Segment, range: Range<Int>, time: MediaTime)?
    }

    /// Everything stale leaves.
    mutating func interrupt(_ rules: EpochRules) -> Cut {
        var cut = Cut(waiting: queue.count)
        queue.removeAll { rules.isStale($0.epoch) }
        cut.waiting -= queue.count
        cut.active = active.filter { rules.isStale($0.segment.epoch) }
        active.removeAll { rules.isStale($0.segment.epoch) }
        guard let first = cut.active.first else { return cut }
        if let speaking = cut.active.first(where: { $0.sampleTime != nil }), let time = speaking.sampleTime {
            cut.nextAudio = (speaking.segment, speaking.audioRange(pieceLength), time)
        }
        if active.isEmpty { gap.cut(at: cut.active.filter(\.hasSent).map(\.sentEnd).max() ?? first.before) }
        return cut
    }

    /// Audio that goes out after all, when its segment was interrupted, is planned until then.
    mutating func extend(to end: MediaTime) { if end > gap.end { gap.advance(by: end - gap.end) } }
}
