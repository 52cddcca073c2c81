import Sluice

/// Holds audio, or video, so that both are heard and seen together.
///
/// Where nothing is to be delayed, items pass untouched. Times grow by the delay, and an item leaves that much after it
/// came. The rules for how far it goes are `DelayTarget`'s.
public final class AVDelay: Node {
    public static let descriptor = NodeDescriptor(
        "av-delay", summary: "Holds audio or video so that both come together",
        example: #""late": { "type": "av-delay", "follow": "detector" }"#)

    enum Follow: String, CaseIterable, ParameterValue.Convertible { case feedback, detector, value }
    enum Mode: String, CaseIterable, ParameterValue.Convertible { case step, smooth }

    let input = Input<MediaItem>("in", .rawAudio | .rawVideo)
    let output = Output<MediaItem>("out", .rawAudio | .rawVideo, follows: "in")
    let feedback = RecordInput(
        "feedback",
        [
            .init("turn_seq", optional: true, help: "The turn in which it was measured. 0 stands for one not known."),
            .init("excess_video_lag_ms", help: "The delay of the seen video behind the audio in ms."),
            .init(
                "jitter_buffer_delta_ms", help: "The video's jitter buffer less the audio's, in ms."),
            .init("likely", help: "1 if the video is late and the audio leads, else 0."),
        ], help: "A viewer's report of its lip sync.")
    let offset = ValueInput(
        "offset_ms", help: "The lead of audio over video in ms, as calibration-detector measures it.")

    let reset = RequestInput(
        "reset", help: "Forgets what a viewer told: the delay goes back to 0 at the next segment.")

    @Parameter(
        "follow", default: .feedback,
        help: "The source of the delay: feedback, the detector's offset_ms, or the value target_ms.")
    var follow: Follow
    @Live("target_ms", default: 0, range: 0...800, help: "The delay in ms if follow is value.")
    var targetMilliseconds: Double
    @Parameter(
        "mode", default: .step,
        help: "The way to a new delay: step moves where a segment begins, with fades; smooth resamples.")
    var mode: Mode
    @Parameter(
        "segment_s", default: 1, range: 0...3_600,
        help: "The length of a segment in s, for a stream that has none of its own. 0 makes the stream one segment.")
    var segmentSeconds: Double
    @Parameter(
        "slew_ms_per_s", default: 20, range: 0.1...200, help: "The speed at which smooth mode moves, in ms a second.")
    var slew: Double

    private var context: NodeContext!
    private var target = DelayTarget()
    private var line = DelayLine()
    private var step = StepAudio()
    private var smooth: SmoothAudio!
    private var video = MovingVideo()
    private var epoch: UInt32 = 0
    private var kind: MediaFormat.Kind?
    private var rate = 0
    private var lastOffset: Double?
    private var hasSegments = false
    /// Media since a segment last began; `.none` before the first.
    private var sinceSegment = MediaTime.none
    /// Of pictures in smooth mode.
    private var reached = MediaTime.zero
    private var metrics: Metrics!

    private struct Metrics {
        let delay, target, taken, ignored: Metric.Counter
        /// Of samples, or of pictures; from the first item on.
        var inserted, cut: Metric.Counter?
    }

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        epoch = context.epoch
        smooth = SmoothAudio(slew: slew)
        metrics = Metrics(
            delay: context.gauge("delay_ms"), target: context.gauge("target_ms"),
            taken: context.counter("feedback_taken"), ignored: context.counter("feedback_ignored"))
        if let format = input.format { output.fix(format) }
    }

    public func process(now: Instant) throws {
        takeControls(now)
        takeEpoch()
        target.age(now: now)
        release(now)
        while let item = input.next() {
            try accept(item, now)
            release(now)
        }
        note()
        arm()
    }

    /// The tail is played, each item at its time.
    public func finish(now: Instant) throws -> Bool {
        takeEpoch()
        try smooth.endStretch { item, hold, count in line.push(item, at: now, hold: hold, amount: count) }
        release(now)
        note()
        arm()
        return line.isEmpty
    }

    // MARK: Setting the delay

    private func takeControls(_ now: Instant) {
        if reset.take() {
            target.forget()
            lastOffset = nil
        }
        if let value = offset.take(), value.isFinite { lastOffset = value }
        guard let seen = feedback.take(), follow == .feedback else { return }
        let verdict = target.note(AVSyncFeedback(seen), epoch: epoch, now: now)
        (verdict == .taken ? metrics.taken : metrics.ignored).add()
    }

    private func takeEpoch() {
        let current = context.epoch
        guard current != epoch else { return }
        epoch = current
        begin { $0.header.epoch != 0 && $0.header.epoch < current }
    }

    /// A new epoch or sample rate: from no delay on.
    private func begin(discarding isStale: (MediaItem) -> Bool) {
        let lost = line.discard(where: isStale)
        target.reset()
        lastOffset = nil
        reached = .zero
        sinceSegment = .none
        if kind == .rawVideo {
            video.reset(discarding: lost)
        } else if mode == .smooth {
            smooth.reset(discarding: lost)
        } else {
            step.reset(discarding: lost)
        }
    }

    // MARK: Media

    private func accept(_ item: MediaItem, _ now: Instant) throws {
        if kind == nil { nameMetrics(item.format.kind) }
        kind = item.format.kind
        let newRate = item.format.audio?.rate ?? 0
        if rate != 0, newRate != rate { begin { _ in true } }
        rate = newRate
        switch follow {
        case .feedback: break
        case .value: target.set(targetMilliseconds)
        case .detector: if let lastOffset { target.set(kind == .rawVideo ? -lastOffset : lastOffset) }
        }
        let duration = item.header.duration.isKnown && item.header.duration > .zero ? item.header.duration : .zero
        line.noteArrival(duration)
        if beginsSegment(item) { if mode == .step { _ = target.beginSegment() } }
        sinceSegment += duration
        if kind == .rawVideo {
            pass(unsafeDowncast(item, to: VideoFrame.self), duration, now)
        } else {
            try pass(unsafeDowncast(item, to: AudioFrame.self), now)
        }
    }

    private func beginsSegment(_ item: MediaItem) -> Bool {
        let isFlagged = item.header.flags.contains(.segmentStart)
        if isFlagged { hasSegments = true }
        let isDue = !hasSegments && segmentSeconds > 0 && sinceSegment >= .seconds(segmentSeconds)
        guard isFlagged || !sinceSegment.isKnown || isDue else { return false }
        sinceSegment = .zero
        return true
    }

    private func pass(_ frame: AudioFrame, _ now: Instant) throws {
        guard frame.layout.channels > 0, rate > 0 else { return line.push(frame, at: now, hold: .zero, amount: 0) }
        if mode == .smooth {
            let wanted = Int(Sluice.rescale(Int64(target.target), from: 1_000, to: Int64(rate)))
            try smooth.pass(frame, delay: wanted) { line.push($0, at: now, hold: $1, amount: $2) }
            target.reach(Int(Sluice.rescale(Int64(smooth.delay), from: Int64(rate), to: 1_000)))
        } else {
            let wanted = Int(Sluice.rescale(Int64(target.current), from: 1_000, to: Int64(rate)))
            step.pass(frame, delay: wanted) { line.push($0, at: now, hold: $1, amount: $2) }
        }
    }

    private func pass(_ frame: VideoFrame, _ duration: MediaTime, _ now: Instant) {
        if mode == .smooth {
            let most = MediaTime(ticks: Int64(min(Double(duration.ticks), 7e8) * slew / 1_000))
            let wanted = MediaTime.milliseconds(Int64(target.target))
            reached += max(MediaTime.zero - most, min(most, wanted - reached))
            target.reach(Int(reached.milliseconds.rounded()))
        } else {
            reached = .milliseconds(Int64(target.current))
        }
        if let moved = video.pass(frame, delay: reached) { line.push(moved, at: now, hold: reached, amount: 1) }
    }

    // MARK: The way out

    private func release(_ now: Instant) {
        while output.hasRoom, let item = line.pop(at: now) { output.send(item) }
    }

    private func arm() { if let due = line.due, output.hasRoom { context.wake(at: due) } }

    private func note() {
        metrics.delay.set(target.current)
        metrics.target.set(target.target)
        switch (kind, mode) {
        case (.rawVideo, _): metrics.cut?.set(video.cut)
        case (_, .smooth):
            metrics.inserted?.set(smooth.inserted)
            metrics.cut?.set(smooth.cut)
        case (_, .step):
            metrics.inserted?.set(step.inserted)
            metrics.cut?.set(step.cut)
        }
    }

    private func nameMetrics(_ kind: MediaFormat.Kind) {
        if kind == .rawVideo {
            metrics.cut = context.counter("cut_pictures")
        } else {
            metrics.inserted = context.counter("inserted_samples")
            metrics.cut = context.counter("cut_samples")
        }
    }
}
