import Sluice

/// A figure that talks: generated segments of video and voice, interrupted in mid-sentence.
///
/// It makes its media ahead of time, as an avatar's renderer does, and plays them as `av-segments` plays those of a
/// process. When it is interrupted the session's epoch rises: the voice ends with one faded piece, the mouth shuts, and
/// nothing that was made ahead is seen or heard.
public final class TalkingFigure: Node {
    public static let descriptor = NodeDescriptor(
        "talking-figure", summary: "A generated figure that talks, and stops when it is interrupted", work: .heavy,
        traits: .paced, example: #""figure": { "type": "talking-figure", "interrupt_s": 4 }"#)

    public static let metrics: [Metric] = [.counter("interruptions", "Interruptions.")]

    let video = Output<VideoFrame>("video", .video([.i420]), optional: true)
    let audio = Output<AudioFrame>("audio", .audio([.s16]), optional: true)
    let breakIn = RequestInput("interrupt", help: "Breaks in. The figure drops the rest of its sentence.")

    @Parameter(
        "duration_s", default: 0, range: 0...86_400,
        help: "The time that the figure stays, in s. 0 keeps it until the run stops.")
    var duration: Double
    @Parameter(
        "interrupt_s", default: 0, range: 0...60,
        help: "The time into each sentence at which it is interrupted, in s. 0 never interrupts it.")
    var interruptAfter: Double
    @Parameter("width", default: 640, range: 64...4_096, help: "The width of its pictures in pixels.") var width: Int
    @Parameter("height", default: 360, range: 64...4_096, help: "The height of its pictures in pixels.") var height: Int

    private var context: NodeContext!
    private var release: SegmentRelease!
    private var script = FigureScript()
    private var maker: FigureSegments!
    private var rules = EpochRules(session: 0)
    private var interruptions: Metric.Counter!
    private var number = 0
    /// The first segment of the latest sentence, and when that is interrupted, once it has begun.
    private var sentence = -1
    private var interruption: Instant?
    private var isComplete = false

    /// Segments that are made ahead of the one that plays.
    private static let ahead = 4

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        rules = EpochRules(session: context.epoch)
        interruptions = context.counter("interruptions")
        maker = FigureSegments(width: width, height: height)
        release = SegmentRelease(
            video: video, audio: audio, piece: 0.02, clock: context.sourceClock
        ) { [unowned self] news, _ in
            if case .begun(let playing) = news, playing.segment.number == sentence, interruptAfter > 0 {
                interruption = release.schedule.gap.instant(of: playing.start + .seconds(interruptAfter))
            }
        }
        video.fix(maker.videoFormat)
        audio.fix(maker.audioFormat)
        if duration == 0 { context.runsUntilStopped() }
    }

    public func process(now: Instant) {
        if context.epoch > rules.session { end(context.epoch, untaken: 0, now) }
        let isDue = interruption.map { $0 <= now } ?? false
        if breakIn.take() || isDue { interrupt(now) }
        makeAhead(now)
        let next = release.play(now)
        let never = Instant.distantFuture
        let wake = min(next ?? never, interruption ?? never)
        if wake == never { context.cancelWake() } else { context.wake(at: wake) }
        if isComplete && release.isOver(now) { context.finish() }
    }

    public func finish(now: Instant) -> Bool {
        if context.isStopping { return true }
        process(now: now)
        return isComplete && release.isOver(now)
    }

    /// The media time up to which everything is made.
    private var madeUpTo: MediaTime {
        release.schedule.queue.reduce(release.schedule.gap.end) { $0 + $1.header.plannedDuration }
    }

    private func makeAhead(_ now: Instant) {
        while !isComplete, release.schedule.queue.count < TalkingFigure.ahead {
            var count = FigureSegments.pictures
            if duration > 0 {
                let left = duration - madeUpTo.seconds
                count = min(count, Int((left * Double(FigureSegments.picturesPerSecond)).rounded()))
            }
            guard count > 0 else {
                isComplete = true
                return
            }
            let stretch = script.next(Double(count) / Double(FigureSegments.picturesPerSecond))
            let segment = maker.make(stretch, pictures: count, epoch: rules.current)
            segment.number = number
            segment.enqueued = now
            if stretch.isSentenceStart { sentence = number }
            number += 1
            release.add(segment)
        }
    }

    // MARK: Interruption

    private func interrupt(_ now: Instant) {
        let untaken = release.untakenAudio
        guard let target = rules.target(ofInterruptionTo: nil), context.raiseEpoch(to: target) else { return }
        end(target, untaken: untaken, now)
    }

    private func end(_ epoch: UInt32, untaken: Int, _ now: Instant) {
        interruption = nil
        let ahead = release.schedule.gap.instant(of: madeUpTo).map { ($0 - now).seconds } ?? 0
        guard rules.raise(to: epoch) else { return }
        _ = release.interrupt(rules, untaken: untaken, now)
        interruptions.add()
        script.interrupt()
        isComplete = false
        context.log(
            .info,
            "is interrupted: \(decimal(max(0, ahead), places: 1)) s that were made ahead are neither seen nor heard")
    }
}
