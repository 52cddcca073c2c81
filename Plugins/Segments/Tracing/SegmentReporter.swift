import Glibc
import Sluice

/// Makes what is told of segments, diagnostics and traces, and measures from the user's last word to the first picture.
final class SegmentReporter {
    /// The source clock that this node's frames carry, by which trace nodes find their segments.
    let clock: UInt16
    private let session: String
    private let traces: SegmentTraces?
    private let file: LineFile?
    private let isVirtual: Bool
    private var wall = WallClock(offset: 0)
    private var markers = 0
    /// The last turn whose first picture was timed, and the last whose first picture has gone out.
    private var timed: UInt32?
    private var shown: UInt32?
    private let toFirstPicture: Metric.Histogram
    private let slips: Metric.Counter

    static let slipTold = Interval.milliseconds(20)

    init(session: String, lines path: String, traces: SegmentTraces?, _ context: NodeContext) throws {
        self.session = session
        self.traces = traces
        isVirtual = context.isVirtual
        file = path.isEmpty ? nil : try LineFile(path, context)
        clock = context.sourceClock
        traces?.register(context.handle, clock: clock)
        toFirstPicture = context.histogram("user_final_to_first_picture_ms")
        slips = context.counter("pacing_slips")
        readClocks()
    }

    /// The time of day may be set meanwhile, so it is looked at for every segment. Virtual time begins in 1970.
    private func readClocks() {
        guard !isVirtual else { return }
        func now(_ clock: clockid_t) -> Int64 {
            var time = timespec()
            clock_gettime(clock, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
        wall.offset = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC)
    }

    /// The trouble with the file of lines, once.
    func write(_ json: String) -> String? { file?.write(json) }

    /// The lines of an earlier run are gone from now on.
    func begin() -> String? { file?.begin() }

    func close() { file?.close() }

    // MARK: A segment's life

    func enqueued(_ segment: Segment, _ now: Instant) -> TraceBook.Line? {
        readClocks()
        segment.userFinal = segment.header.userFinalAt.flatMap { wall.instant(atMilliseconds: $0, near: now) }
        return line(segment, "segment_enqueued", at: now)
    }

    /// Its diagnostics; nil for a segment without a number.
    func begun(_ playing: SegmentSchedule.Playing, at start: Instant) -> SegmentDiagnostics? {
        let segment = playing.segment
        var marker: (number: Int, plan: MarkerPlan)?
        if let plan = segment.marker {
            markers += 1
            marker = (markers, plan)
        }
        if segment.header.frameCount > 0, !segment.header.traceLabel.isEmpty || segment.userFinal != nil {
            traces?.open(
                TraceBook.Entry(
                    clock: clock, epoch: segment.epoch, start: playing.start, label: segment.header.traceLabel,
                    sequence: segment.header.sequence, enqueued: segment.enqueued, userFinal: segment.userFinal))
        }
        guard segment.header.sequence > 0 else { return nil }
        return SegmentDiagnostics(
            session: session, header: segment.header, epoch: segment.epoch, turnStart: playing.turnStart,
            publishWall: wall.milliseconds(at: start), marker: marker)
    }

    /// Where no trace node sees it leave, the first picture of a turn is timed when it is released.
    func firstPicture(_ playing: SegmentSchedule.Playing, _ now: Instant) {
        guard shown != playing.segment.epoch else { return }
        shown = playing.segment.epoch
        if traces?.hasSenders != true { time(playing.segment.epoch, playing.segment.userFinal, now) }
    }

    func ended(_ playing: SegmentSchedule.Playing, _ now: Instant) -> TraceBook.Line? {
        guard playing.slip >= SegmentReporter.slipTold else { return nil }
        slips.add()
        return line(playing.segment, "pacing_slip", at: now, [("max_slip_ms", playing.slip.milliseconds)])
    }

    /// The sightings of trace nodes since the last call, of labelled segments.
    func traceLines() -> [TraceBook.Line] {
        guard let traces else { return [] }
        return traces.take(clock).filter { line in
            if line.event == "first_video_sent" { time(line.epoch, line.userFinal, line.at) }
            return !line.label.isEmpty
        }
    }

    private func time(_ epoch: UInt32, _ userFinal: Instant?, _ now: Instant) {
        guard timed != epoch, let userFinal else { return }
        timed = epoch
        toFirstPicture.record(Int((now - userFinal).milliseconds.rounded()))
    }

    private func line(
        _ segment: Segment, _ event: String, at now: Instant, _ values: [(String, Double)] = []
    ) -> TraceBook.Line? {
        guard !segment.header.traceLabel.isEmpty else { return nil }
        return TraceBook.Line(
            clock: clock, label: segment.header.traceLabel, epoch: segment.epoch, sequence: segment.header.sequence,
            event: event, at: now, userFinal: segment.userFinal,
            values: values.map { TraceBook.Line.Value(name: $0.0, number: $0.1) })
    }
}
