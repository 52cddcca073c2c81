import Sluice

/// Sends the queued segments' video and audio at their time, and ends what is interrupted with a fade.
final class SegmentRelease {
    /// An event on the way, for those who tell of it. Called before anything else goes out.
    enum News {
        case begun(SegmentSchedule.Playing)
        case firstPicture(SegmentSchedule.Playing, Instant)
        case ended(SegmentSchedule.Playing)
    }

    private(set) var schedule: SegmentSchedule
    private let video: Output<VideoFrame>
    private let audio: Output<AudioFrame>
    private let news: (News, Instant) -> Void
    private let clock: UInt16
    /// Pictures of segments with both media are marked.
    var isCalibrating = false
    private var pool = Pool<AudioFrame>()
    private var tail: AudioTail
    /// The faded piece that ends an interrupted turn, and when it is due.
    private var ending: (frame: AudioFrame, due: Instant)?

    /// - Parameters:
    ///   - piece: length of a piece of audio in seconds.
    ///   - clock: what frames carry as their source clock.
    init(
        video: Output<VideoFrame>, audio: Output<AudioFrame>, piece: Double, clock: UInt16,
        _ news: @escaping (News, Instant) -> Void
    ) {
        (self.video, self.audio, self.clock, self.news) = (video, audio, clock, news)
        schedule = SegmentSchedule(piece: piece)
        tail = AudioTail(capacity: 64)
    }

    func add(_ segment: Segment) { schedule.add(segment) }

    /// No segment begins; one that has begun goes on.
    var isHeld: Bool {
        get { schedule.isHeld }
        set { schedule.isHeld = newValue }
    }

    /// Segments that were held are taken as if they came now.
    func begin(_ now: Instant) { for segment in schedule.queue { segment.enqueued = now } }

    /// Segments that came by then and have not begun are gone; how many they were.
    func drop(enqueuedBy instant: Instant) -> Int { schedule.drop(enqueuedBy: instant) }

    func isOver(_ now: Instant) -> Bool { ending == nil && schedule.isOver(now) }

    /// Sends what is due; when something will be, nil if nothing is planned or an output is full.
    func play(_ now: Instant) -> Instant? {
        if let ending {
            guard ending.due <= now else { return ending.due }
            self.ending = nil
            send(ending.frame)
        }
        while true {
            switch schedule.next(now, pictureFits: video.hasRoom, audioFits: audio.hasRoom) {
            case .begin(let playing):
                playing.segment.marker = isCalibrating ? MarkerPlan(playing.segment.header) : nil
                news(.begun(playing), now)
            case .picture(let playing, let index, let time, let due):
                sendPicture(index, of: playing, at: time, now)
                schedule.sentFrame(now, due: due)
            case .audio(let playing, let range, let time, let due):
                if let frame = piece(range, of: playing.segment, at: time) {
                    if range.lowerBound == 0 { frame.header.flags.insert(.segmentStart) }
                    frame.header.captured = now
                    send(frame)
                }
                schedule.sentSamples(now, due: due)
            case .end(let playing): news(.ended(playing), now)
            case .wait(let instant): return instant
            case .full: return nil
            case .idle: return schedule.gap.plannedEnd.flatMap { $0 > now ? $0 : nil }
            }
        }
    }

    private func sendPicture(
        _ index: Int, of playing: SegmentSchedule.Playing, at time: MediaTime, _ now: Instant
    ) {
        guard let frame = playing.segment.takeFrame(index) else { return }
        let header = playing.segment.header
        frame.header = MediaItem.Header(
            pts: time, dts: time, duration: header.time(ofFrame: index + 1) - header.time(ofFrame: index),
            captured: now, epoch: playing.segment.epoch, flags: .keyframe, sourceClock: clock)
        if index == 0 {
            frame.header.flags.insert(.segmentStart)
            news(.firstPicture(playing, now), now)
        }
        if playing.segment.marker?.frames.contains(index) == true { frame.header.flags.insert(.marker) }
        video.send(frame)
    }

    private func send(_ frame: AudioFrame) {
        tail.note(frame)
        audio.send(frame)
    }

    private func piece(_ range: Range<Int>, of segment: Segment, at time: MediaTime) -> AudioFrame? {
        guard let all = segment.audio, !range.isEmpty else { return nil }
        let frame = pool.take(all.format, sampleCount: range.count)
        let size = all.layout.bytesPerSample
        frame.mutableBytes.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: all.bytes[range.lowerBound * size..<range.upperBound * size]))
        frame.header.pts = time
        frame.header.dts = time
        frame.header.duration = frame.sampleDuration
        frame.header.epoch = segment.epoch
        frame.header.flags = .keyframe
        frame.header.sourceClock = clock
        return frame
    }

    // MARK: Interruption

    /// Items of audio that the next node has not taken: to be asked before the epoch is raised.
    var untakenAudio: Int { audio.depth }

    /// The session's epoch has risen. Audio ends with one faded piece: of what the next node had not taken, since the
    /// edge flushes that, else of what was next, where audio was going on. Returns how many segments are gone, the
    /// playing one included.
    func interrupt(_ rules: EpochRules, untaken: Int, _ now: Instant) -> Int {
        ending?.frame.header.epoch = rules.session
        let cut = schedule.interrupt(rules)
        if let lost = tail.first(ofLast: untaken, where: { rules.isStale($0.header.epoch) }) {
            let copy = pool.take(lost.format, sampleCount: lost.sampleCount)
            copy.mutableBytes.copyMemory(from: lost.bytes)
            copy.header = lost.header
            end(with: copy, due: now, rules)
        } else if let next = cut.nextAudio, let heard = tail.end,
            (next.time - heard).ticks.magnitude < MediaTime.milliseconds(1).ticks.magnitude,
            let frame = piece(next.range, of: next.segment, at: next.time),
            let due = schedule.gap.instant(of: next.time)
        {
            end(with: frame, due: max(due, now), rules)
        }
        for playing in cut.active { news(.ended(playing), now) }
        return cut.waiting + cut.active.count
    }

    private func end(with frame: AudioFrame, due: Instant, _ rules: EpochRules) {
        frame.fadeOut()
        frame.header.epoch = rules.session
        frame.header.flags = .keyframe
        frame.header.captured = due
        schedule.extend(to: frame.header.pts + frame.sampleDuration)
        ending = (frame, due)
    }
}
