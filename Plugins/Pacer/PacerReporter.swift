import Pacing
import Sluice

/// The counters and lines of a pacer.
final class PacerReporter {
    private let context: NodeContext
    private let statusEvery: Interval
    private let sent, silence, concealed, dropped, jumps, late, caughtUp, refused, skipped, repeated: Metric.Counter
    private let drift, steering, jitter, depth: Metric.Counter
    private let lateness: Metric.Histogram
    private let keepsSeries: Bool
    private var series: PacerSeries?
    private var said = Said()
    private var nextStatus: Instant?
    private var depthSum = 0
    private var depthCount = 0

    /// When each complaint was last of use.
    private struct Said {
        var jump: Instant?
        var loss: Instant?
        var drift = false
        var empty = false
    }

    /// The same is not said again before it has stayed away for so long.
    static let quiet = Interval.seconds(10)

    init(_ context: NodeContext, statusEvery: Interval, keepsSeries: Bool) {
        self.context = context
        self.statusEvery = statusEvery
        self.keepsSeries = keepsSeries
        sent = context.counter("sent")
        silence = context.counter("silence_frames")
        concealed = context.counter("concealed_samples")
        dropped = context.counter("dropped")
        jumps = context.counter("timestamp_jumps")
        late = context.counter("late_items")
        skipped = context.counter("skipped_frames")
        repeated = context.counter("repeated_frames")
        refused = context.counter("bad_packets")
        caughtUp = context.counter("caught_up_frames")
        drift = context.gauge("drift_ppm")
        steering = context.gauge("steering_ppm")
        jitter = context.gauge("jitter_ms")
        depth = context.gauge("depth_ms")
        lateness = context.histogram("late_us")
    }

    var sentCount: Int { sent.count }

    func noteSent(late by: Interval, frame: Interval, dropped lost: Int, depth milliseconds: Int, now: Instant) {
        if sent.count == 0 { context.log(.info, "first frame") }
        sent.add()
        lateness.record(Int(by.nanoseconds / 1_000))
        if by >= frame { caughtUp.add() }
        if lost > dropped.count { noteLoss(lost - dropped.count, now) }
        dropped.set(lost)
        depth.set(milliseconds)
        depthSum += milliseconds
        depthCount += 1
        if keepsSeries, series == nil { series = PacerSeries(context) }
        series?.note(late: by, depth: milliseconds, at: now)
        say(now)
    }

    private func noteLoss(_ count: Int, _ now: Instant) {
        defer { said.loss = now }
        if let last = said.loss, now - last < PacerReporter.quiet { return }
        context.log(.warning, "more came than its edge holds; \(count) item\(count == 1 ? " was" : "s were") dropped")
    }

    func noteSilence() { silence.add() }
    func noteConcealed(_ samples: Int) { concealed.add(samples) }
    func noteSkipped() { skipped.add() }
    func noteRepeated() { repeated.add() }
    func noteLate() { late.add() }
    func noteClock(_ clock: ClockEstimate, steering: Double = 0, now: Instant) {
        series?.note(clock, at: now)
        drift.set(clock.isSettled ? Int(clock.ppm.rounded()) : 0)
        jitter.set(Int(clock.jitterMilliseconds.rounded()))
        self.steering.set(Int(steering.rounded()))
    }

    func noteJump(by time: MediaTime, what: String, now: Instant) {
        jumps.add()
        defer { said.jump = now }
        if let last = said.jump, now - last < PacerReporter.quiet { return }
        let length = decimal(abs(time.seconds), places: 3)
        context.log(
            .warning, "timestamps \(time < .zero ? "went back" : "jumped ahead") by \(length) s; \(what)")
    }

    func noteEmpty() {
        guard !said.empty else { return }
        said.empty = true
        context.log(.warning, "an item without media came; such items are left out")
    }

    func noteRefused(bytes: Int) {
        refused.add()
        guard refused.count == 1 else { return }
        context.log(
            .warning, "a packet of \(bytes) bytes is not Opus; such packets are left out and counted as bad_packets")
    }

    /// The source's clock is further off than what is followed.
    func noteTooFast(_ ppm: Double) {
        guard !said.drift else { return }
        said.drift = true
        context.log(
            .warning,
            "the source's clock is \(decimal(ppm, places: 0)) ppm off, more than the 1000 that resampling follows; its media will run dry or overflow"
        )
    }

    func say(_ level: EventLog.Level, _ text: String) { context.log(level, text) }

    func say(_ news: DryWatch.News?) {
        switch news {
        case .dry: context.log(.warning, "its input ran dry; silence until media come")
        case .back(let frames): context.log(.info, "media are back after \(frames) frames of silence")
        case nil: break
        }
    }

    private func say(_ now: Instant) {
        guard statusEvery > .zero else { return }
        guard let next = nextStatus else {
            nextStatus = now + statusEvery
            return
        }
        guard now >= next else { return }
        nextStatus = max(next + statusEvery, now)
        let mean = depthCount > 0 ? Double(depthSum) / Double(depthCount) : 0
        (depthSum, depthCount) = (0, 0)
        context.log(
            .status,
            "\(sent.count) sent, \(silence.count) silence, \(concealed.count) samples concealed, \(dropped.count) dropped; drift \(drift.count) ppm, depth \(decimal(mean, places: 0)) ms, late p99 \(lateness.p99) us"
        )
    }

    func close(dropped lost: Int) { dropped.set(lost) }
}
