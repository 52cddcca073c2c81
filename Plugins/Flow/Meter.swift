import Sluice

/// Measures a stream: how many items, how much, how even, how loud. Passes it on where its output is connected, and
/// ends it where not.
public final class Meter: Node {
    public static let descriptor = NodeDescriptor(
        "meter", summary: "Measures rate, bitrate, jitter, gaps and audio level of a stream that passes or ends here",
        example: #""meter": { "type": "meter", "every_s": 5 }"#)

    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in", optional: true)
    @Parameter(
        "every_s", default: 1, range: 0...3600,
        help: "The time between two lines of figures, in s of graph time. 0 prints none.")
    var everySeconds: Double
    @Parameter(
        "series", default: false, help: "Keeps gaps, drift and depth over time in the report, for sluice timing.")
    var keepsSeries: Bool

    private var context: NodeContext!
    private var flow = FlowMeasure()
    private var level = LevelMeasure()
    private var periodBegan = Instant(nanoseconds: 0)
    private var items: Metric.Counter!
    private var gaps: Metric.Counter!
    private var gapMilliseconds: Metric.Counter!
    private var rate: Metric.Counter!
    private var bitrate: Metric.Counter!
    private var peak: Metric.Counter!
    private var rms: Metric.Counter!
    private var intervals: Metric.Histogram!
    private var jitter: Metric.Histogram!
    private var overTime: (gap: Metric.Series, drift: Metric.Series, depth: Metric.Series)?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        items = context.counter("items")
        gaps = context.counter("gaps")
        gapMilliseconds = context.counter("gap_ms")
        rate = context.gauge("items_per_s")
        bitrate = context.gauge("kbps")
        intervals = context.histogram("interval_us")
        jitter = context.histogram("jitter_us")
        if input.format?.kind == .rawAudio {
            peak = context.gauge("peak_dbfs")
            rms = context.gauge("rms_dbfs")
        }
    }

    public func process(now: Instant) {
        if context.reasons.contains(.start) {
            periodBegan = now
            arm(now)
            if keepsSeries {
                overTime = (context.series("gap_ms"), context.series("drift_ms"), context.series("depth_ms"))
            }
        }
        overTime?.depth.record(input.depthTime.milliseconds, at: now)
        while let item = input.next() {
            let arrival = flow.note(
                item.header, bytes: item.byteCount, at: now)
            if let interval = arrival.interval {
                intervals.record(interval)
                overTime?.gap.record(Double(interval) / 1_000, at: now)
            }
            if let drift = arrival.drift { overTime?.drift.record(drift.milliseconds, at: now) }
            if let deviation = arrival.jitter { jitter.record(deviation) }
            if arrival.gap > .zero {
                gaps.add()
                gapMilliseconds.add(Int(arrival.gap.milliseconds.rounded()))
            }
            items.add()
            if item.format.kind == .rawAudio { level.note(unsafeDowncast(item, to: AudioFrame.self)) }
            output.send(item)
        }
        if everySeconds > 0, now >= next { closePeriod(now) }
    }

    public func finish(now: Instant) -> Bool {
        context.cancelWake()
        measure(over: flow.total, and: level.total, now - context.started)
        return true
    }

    private var next: Instant { periodBegan + .seconds(everySeconds) }

    private func arm(_ now: Instant) { if everySeconds > 0 { context.wake(at: next) } }

    private func closePeriod(_ now: Instant) {
        let length = now - periodBegan
        context.log(.status, words(length))
        measure(over: flow.period, and: level.period, length)
        flow.endPeriod()
        level.endPeriod()
        periodBegan = now
        arm(now)
    }

    /// The metrics show the last period, and at the end the whole run.
    private func measure(over flow: FlowMeasure.Sums, and level: LevelMeasure.Sums, _ length: Interval) {
        guard length > .zero else { return }
        rate.set(Int((Double(flow.items) / length.seconds).rounded()))
        bitrate.set(Int((Double(flow.bytes) * 8 / 1_000 / length.seconds).rounded()))
        guard level.samples > 0 else { return }
        if peak == nil {
            peak = context.gauge("peak_dbfs")
            rms = context.gauge("rms_dbfs")
        }
        peak.set(Int(level.peakDecibels.rounded()))
        rms.set(Int(level.rmsDecibels.rounded()))
    }

    private func words(_ length: Interval) -> String {
        let sums = flow.period
        var line =
            "\(decimal(Double(sums.items) / length.seconds, places: 1)) items/s, \(decimal(Double(sums.bytes) * 8 / 1_000 / length.seconds, places: 1)) kb/s"
        if sums.gaps > 0 { line += ", \(sums.gaps) gap\(sums.gaps == 1 ? "" : "s")" }
        if level.period.samples > 0 {
            line +=
                ", peak \(decimal(level.period.peakDecibels, places: 1)) dBFS, rms \(decimal(level.period.rmsDecibels, places: 1)) dBFS"
        }
        return line
    }
}
