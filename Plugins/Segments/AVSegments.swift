import Glibc
import Sluice

/// Plays segments of video and audio that another process makes: an avatar, a synthetic voice.
///
/// Segments come over a Unix socket, or from a file of the same form (docs/av-segments.md), whole, and at most so many
/// ahead; then the writer is held. Their video and audio go out at their media time. The socket is two-way: the peer
/// interrupts, asks what has gone out, and gets diagnostics, traces and the viewer's microphone.
public final class AVSegments: Node {
    public static let descriptor = NodeDescriptor(
        "av-segments", summary: "Plays segments of video and audio from a Unix socket or a file", work: .heavy,
        traits: .paced, example: #""avatar": { "type": "av-segments", "socket": "/run/avatar.sock" }"#)

    let microphone = Input<AudioFrame>("microphone", .audio([.s16], rates: [16_000], channels: [1]), optional: true)
    let video = Output<VideoFrame>("video", .video([.i420, .rgb24]), optional: true)
    let audio = Output<AudioFrame>("audio", .audio([.s16]), optional: true)

    let events = Output<DataItem>("events", .data([SegmentDiagnostics.schema]), optional: true)

    let viewers = ValueInput(
        "viewers", help: "The number of viewers that are connected, for connect_timeout_s.")
    let calibration = ValueOutput("calibration", help: "1 while segments are marked for calibration, else 0.")
    let feedback = RecordOutput(
        "feedback",
        [
            .init("turn_seq", help: "The turn that was watched."),
            .init("excess_video_lag_ms", help: "The delay of the shown video behind its audio in ms."),
            .init("jitter_buffer_delta_ms", help: "The video's jitter buffer less the audio's, in ms."),
            .init("likely", help: "1 if the video is late and the audio leads, else 0."),
        ], help: "A peer's report of its lip sync (av_sync_feedback).")

    @Parameter("socket", default: "", help: "The path of the Unix socket that it makes. Empty takes file.")
    var socket: String
    @Parameter("file", default: "", help: "The file of segments that it plays. Empty takes socket.") var file: String
    @Parameter("on_end", default: .finish, help: "Finishes when the last writer goes, or waits for another.")
    var onEnd: OnEnd
    @Parameter("ahead", default: 2, range: 1...64, help: "The number of segments that may wait behind the playing one.")
    var ahead: Int
    @Parameter(
        "frame_ms", default: 20, range: 2.5...60, help: "The length of the pieces in which audio goes out, in ms.")
    var frameLength: Double
    @Parameter(
        "max_segment_mb", default: 512, range: 1...4_095,
        help: "The most memory of a segment's media, in MiB. A larger segment is refused.")
    var mostMegabytes: Int
    @Parameter(
        "max_memory_mb", default: 1_024, range: 1...65_536,
        help: "The most memory of all segments that come, wait and play, in MiB. The next one waits until it fits.")
    var mostTotal: Int
    @Parameter("max_peers", default: 8, range: 1...256, help: "The most connections at a time. The next one waits.")
    var mostPeers: Int
    @Parameter(
        "peer_timeout_ms", default: 30_000, range: 0...3_600_000,
        help: "The silence in mid-message after which a peer is let go, in ms. 0 never lets it go.") var timeout: Int
    @Parameter(
        "session", default: "", help: "The session's name in diagnostics. Empty takes the node's name in the run.")
    var sessionName: String
    @Parameter("diagnostics", default: "", help: "A file for the lines of JSON that peers get. Empty writes none.")
    var linesPath: String
    @Parameter(
        "connect_timeout_s", default: 0, range: 0...3_600,
        help:
            "The time in s that a segment waits for a viewer, as viewers tells of them. Then it is dropped. 0 waits for none."
    )
    var connectTimeout: Double
    @Live("calibrate", default: false, help: "Marks segments for calibration. Peers may change it too.")
    var calibrates: Bool

    enum OnEnd: String, CaseIterable, ParameterValue.Convertible { case finish, wait }

    private var context: NodeContext!
    private var intake: SegmentIntake!
    private var release: SegmentRelease!
    private var reporter: SegmentReporter!
    private var complaints: Complaints!
    var rules = EpochRules(session: 0)
    private var waits = Waits()
    private var number = 0
    private var microphoneFrames: Metric.Counter!
    private var microphoneDropped: Metric.Counter!
    private var segments: Metric.Counter!
    private var interrupted: Metric.Counter!
    private var interruptions: Metric.Counter!
    private var skipped: Metric.Counter!
    private var unwatched: Metric.Counter!
    private var hasToldUnwatched = false

    /// Longer than media are on their way to a viewer's sender: delays and edges hold less.
    private static let longestWay = Interval.seconds(1)

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard socket.isEmpty != file.isEmpty else {
            throw NodeError(
                "either socket or file says where segments come from",
                advice: "Give \"socket\": \"/run/avatar.sock\", or \"file\": \"take.avs\".", isInputError: true)
        }
        rules = EpochRules(session: context.epoch)
        complaints = Complaints(context)
        segments = context.counter("segments")
        interrupted = context.counter("interrupted_segments")
        interruptions = context.counter("interruptions")
        skipped = context.counter("skipped")
        unwatched = context.counter("unwatched_segments")
        events.fix(SegmentDiagnostics.format)
        microphoneFrames = context.counter("microphone_frames")
        microphoneDropped = context.counter("microphone_dropped")
        let name = sessionName.isEmpty ? context.name : sessionName
        reporter = try SegmentReporter(
            session: name, lines: linesPath, traces: context.service(SegmentTraces.self), context)
        release = SegmentRelease(
            video: video, audio: audio, piece: frameLength / 1_000, clock: reporter.clock
        ) { [unowned self] news, now in tell(news, now) }
        release.isCalibrating = calibrates
        release.isHeld = connectTimeout > 0
        intake = try SegmentIntake(
            socket: socket, file: file, waits: onEnd == .wait,
            SegmentIntake.Limits(
                peers: mostPeers, segment: min(mostMegabytes, mostTotal) << 20,
                silence: timeout > 0 ? .milliseconds(Int64(timeout)) : nil), consumer: self, context)
        if !socket.isEmpty && onEnd == .wait { context.runsUntilStopped() }
    }

    public func process(now: Instant) throws {
        if context.reasons.contains(.start), let trouble = reporter.begin() { context.log(.warning, trouble) }
        if $calibrates.takeChange() { setCalibration(calibrates) }
        let hasLines = context.reasons.contains(.post)
        // Raised by another node: what the next one had not taken is not known.
        if context.epoch > rules.session { endTurn(context.epoch, untaken: 0, now) }
        if try intake.read(now) { context.wakeAgain() }
        hear()
        noteViewers(now)
        let next = release.play(now)
        if room > 0, intake.peers.contains(where: { $0.isHeld && fits($0.receiver.held) }) { context.wakeAgain() }
        answer(now)
        if hasLines { for line in reporter.traceLines() { say(line.json) } }
        try intake.flush()
        intake.noteWaiting(isIdle: release.isOver(now))
        wake(next, intake.nextMessage, waits.deadline, intake.nextLook, unwatchedUntil)
        if isOver(now) { context.finish() }
    }

    /// Also called when the microphone has ended, which is no end of the segments.
    public func finish(now: Instant) throws -> Bool {
        if isOver(now) || context.isStopping { return true }
        try process(now: now)
        return isOver(now)
    }

    public func close() {
        intake?.close()
        reporter?.close()
    }

    private func isOver(_ now: Instant) -> Bool { intake.isOver && release.isOver(now) && waits.isEmpty }

    private func wake(_ times: Instant?...) {
        let never = Instant.distantFuture
        let earliest = times.reduce(never) { min($0, $1 ?? never) }
        if earliest == never { context.cancelWake() } else { context.wake(at: earliest) }
    }

    // MARK: Out

    /// To every peer, and into the file.
    private func say(_ json: String) {
        intake.tell(json)
        if let trouble = reporter.write(json) { context.log(.warning, trouble) }
    }

    private func tell(_ news: SegmentRelease.News, _ now: Instant) {
        switch news {
        case .begun(let playing):
            noteTurn(playing)
            let header = playing.segment.header
            if header.isCut, let duration = header.duration {
                let (said, held) = (ParameterValue.number(duration.milliseconds), header.mediaLength.milliseconds)
                complaints.say(
                    "a segment says duration_ms \(said) but holds \(decimal(held, places: 0)) ms: what lies beyond is not played"
                )
            }
            let starts = release.schedule.gap.instant(of: playing.start) ?? now
            if let told = reporter.begun(playing, at: max(starts, now)) {
                say(told.json)
                let item = DataItem(format: SegmentDiagnostics.format, at: playing.start, fields: told.fields)
                item.header.epoch = playing.segment.epoch
                events.send(item)
            }
            intake.tellRoom()
            // Before its first packet.
            intake.write()
        case .firstPicture(let playing, let at): reporter.firstPicture(playing, at)
        case .ended(let playing):
            skipped.add(playing.skipped)
            if playing.skipped > 0 {
                complaints.say(
                    "what reads this node is more than 1 s behind: \(playing.skipped) pictures and pieces of audio were skipped"
                )
            }
            if let line = reporter.ended(playing, now) { say(line.json) }
        }
    }

    /// A turn that begins when everything before it has long been played is the session's present one: raising the
    /// epoch then flushes nothing. One that follows on another is not made so, since the other's end is still on its
    /// way.
    private func noteTurn(_ playing: SegmentSchedule.Playing) {
        let epoch = playing.segment.epoch
        guard epoch > rules.session, playing.idle.map({ $0 >= AVSegments.longestWay }) ?? true,
            context.raiseEpoch(to: epoch)
        else { return }
        _ = rules.raise(to: epoch)
    }

    // MARK: Viewers

    private func noteViewers(_ now: Instant) {
        if let count = viewers.take() {
            let isHeld = connectTimeout > 0 && !(count > 0)
            if release.isHeld, !isHeld {
                release.begin(now)
                hasToldUnwatched = false
            }
            release.isHeld = isHeld
        }
        guard release.isHeld else { return }
        let dropped = release.drop(enqueuedBy: now - .seconds(connectTimeout))
        guard dropped > 0 else { return }
        unwatched.add(dropped)
        intake.tellRoom()
        // The first one tells of those that follow it.
        guard !hasToldUnwatched else { return }
        hasToldUnwatched = true
        let time = decimal(connectTimeout, places: connectTimeout.rounded() == connectTimeout ? 0 : 1)
        let what = "no viewer was connected within \(time) s: segments are dropped until one is"
        complaints.say(what)
        say(MessageText.error(what))
    }

    /// When the first segment that waits for a viewer is dropped.
    private var unwatchedUntil: Instant? {
        guard release.isHeld else { return nil }
        return release.schedule.queue.first.map { $0.enqueued + .seconds(connectTimeout) }
    }

    private func hear() {
        while let frame = microphone.next() {
            guard frame.sampleCount > 0 else { continue }
            microphoneFrames.add()
            microphoneDropped.add(intake.send(microphone: frame))
        }
    }

    private func answer(_ now: Instant) {
        guard !waits.isEmpty else { return }
        let oldest = release.schedule.oldest
        let passed = video.isFencePassed && audio.isFencePassed
        let (answers, places) = waits.look(now, oldest: oldest, isOver: release.isOver(now), outputsPassed: passed)
        for answer in answers {
            let left = release.schedule.queue.count + release.schedule.active.count
            intake.tell(MessageText.answer(answer, epoch: rules.session, left: left), to: answer.wait.peer)
        }
        guard places else { return }
        video.placeFence()
        audio.placeFence()
        // Passed already where everything was taken.
        if video.isFencePassed && audio.isFencePassed { context.wakeAgain() }
    }
}

// MARK: In

extension AVSegments: SegmentConsumer {
    var room: Int { ahead - release.schedule.queue.count - intake.assembling }

    func fits(_ memory: Int) -> Bool { memory <= mostTotal << 20 - release.schedule.memory - intake.memory }

    func take(_ segment: Segment, now: Instant) {
        guard !rules.isStale(segment.epoch) else { return noteStale(segment.epoch) }
        segment.number = number
        segment.enqueued = now
        number += 1
        segments.add()
        complaints.endRun()
        if let line = reporter.enqueued(segment, now) { say(line.json) }
        release.add(segment)
        intake.tellRoom()
    }

    func take(_ message: ControlMessage, from peer: Int, now: Instant) {
        switch message.action {
        case .interrupt(let epoch): interrupt(to: epoch, from: peer, now)
        case .fence(let id): wait(.fence(id), for: peer)
        case .drain(let timeout, let id): wait(.drain(id, deadline: now + timeout), for: peer)
        case .feedback(let seen):
            feedback.send([
                "turn_seq": Double(seen.turn), "excess_video_lag_ms": seen.excessVideoLag,
                "jitter_buffer_delta_ms": seen.jitterBufferDelta, "likely": seen.audioLeads ? 1 : 0,
            ])
        case .calibration(let isOn): setCalibration(isOn)
        case .microphone: break
        }
    }

    private func wait(_ kind: Waits.Kind, for peer: Int) {
        guard !waits.add(kind, from: peer, behind: number) else { return }
        refuse("\(Waits.most) fences and drains of this peer wait already, and one more is not taken", from: peer)
    }

    private func setCalibration(_ isOn: Bool) {
        // Told on a change alone: a link from `calibration` back to `calibrate` would go round for ever.
        guard isOn != release.isCalibrating else { return }
        release.isCalibrating = isOn
        calibration.send(isOn ? 1 : 0)
    }

    private func interrupt(to epoch: UInt32?, from peer: Int, _ now: Instant) {
        let untaken = release.untakenAudio
        guard let target = rules.target(ofInterruptionTo: epoch), context.raiseEpoch(to: target) else {
            let asked = epoch.map { "to epoch \($0)" } ?? "beyond the last epoch"
            return refuse("an interruption \(asked) is ignored: the session is at epoch \(rules.session)", from: peer)
        }
        endTurn(target, untaken: untaken, now)
    }

    private func endTurn(_ epoch: UInt32, untaken: Int, _ now: Instant) {
        guard rules.raise(to: epoch) else { return }
        let dropped = release.interrupt(rules, untaken: untaken, now)
        intake.noteInterruption()
        waits.noteInterruption()
        interruptions.add()
        interrupted.add(dropped)
        say(MessageText.interrupted(epoch, dropped: dropped))
        intake.tellRoom()
    }

    func refuse(_ what: String, from peer: Int) {
        complaints.refuse(what)
        intake.tell(MessageText.error(what), to: peer)
        intake.tellRoom()
    }

    func noteStale(_ epoch: UInt32) {
        complaints.stale("a segment of epoch \(epoch) is dropped: the session is at epoch \(rules.current)")
        intake.tellRoom()
    }

    func noteGone(_ peer: Int) { waits.forget(peer) }
}
