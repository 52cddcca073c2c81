import Sluice

/// Sends PCM in frames of one length on an absolute grid of the lane's clock, silence where nothing has come.
///
/// The input edge is the buffer: an item is taken when the grid needs its samples and not before, so what the edge does
/// when it is full decides what a slow grid or a fast source loses, and an arriving item wakes nobody. Timestamps begin
/// with the first item's and step by exactly one frame from then on, also across silence.
public final class Pacer: Node {
    public static let descriptor = NodeDescriptor(
        "pacer", summary: "Sends audio in equal frames at exact intervals, silence where none has come",
        traits: [.paced],
        example: #""pacer": { "type": "pacer", "frame_ms": 20 }"#)

    let input = Input<AudioFrame>("in")
    let output = Output<AudioFrame>("out", follows: "in")
    @Parameter("frame_ms", default: 20, range: 2.5...60, help: "length of a frame and of the interval, in ms")
    var frameMilliseconds: Double
    @Parameter(
        "start_depth_ms", default: 0, range: 0...10_000,
        help: "how long the first frame waits after the first media came, in ms; at least one frame")
    var startDepth: Double
    @Parameter(
        "spread", default: false,
        help: "shifts the grid of each instance by another part of the frame, so that many do not send at once")
    var isSpread: Bool

    private var context: NodeContext!
    private var filler: FrameFiller!
    private var schedule: PacerSchedule?
    private var dryWatch = DryWatch(recovery: 1)
    private var firstArrival: Instant?
    private var step = MediaTime.zero
    private var pts = MediaTime.none
    private var epoch: UInt32 = 0
    private var sent: CounterMetric!
    private var silent: CounterMetric!
    private var dropped: CounterMetric!
    private var caughtUp: CounterMetric!
    private var late: HistogramMetric!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        let frame = Interval(nanoseconds: Int64((frameMilliseconds * 1e6).rounded()))
        if let layout = input.format?.audio { _ = try FrameFiller.samples(of: frame, at: layout) }
        filler = FrameFiller(frame: frame)
        step = MediaTime(frame)
        dryWatch = DryWatch(recovery: max(1, Int(1_000_000_000 / frame.nanoseconds)))
        epoch = context.epoch
        output.latency = Latency(min: depth, max: depth + phase + .milliseconds(1))
        sent = context.counter("sent")
        silent = context.counter("silence_frames")
        dropped = context.counter("dropped")
        caughtUp = context.counter("caught_up_frames")
        late = context.histogram("late_us")
    }

    public func process(now: Instant) throws {
        dropStale()
        if schedule == nil { try start(now) }
        try play(now)
    }

    /// Plays out what is left, each frame at its time.
    public func finish(now: Instant) throws -> Bool {
        if schedule == nil {
            try start(now)
            if schedule == nil { return true }
        }
        try play(now)
        return filler.isEmpty && input.isEnded
    }

    public func close() { dropped?.set(input.dropped) }

    // MARK: The start

    private var depth: Interval { max(filler.frame, Interval(nanoseconds: Int64(startDepth * 1e6))) }

    private var phase: Interval {
        guard isSpread else { return .zero }
        // `listener.12/pacer`: the twelfth instance.
        let digits = context.name.prefix { $0 != "/" }.split(separator: ".").last ?? ""
        return PacerSchedule.phase(instance: Int(digits) ?? 0, frame: filler.frame)
    }

    /// The grid begins when a first frame is complete.
    private func start(_ now: Instant) throws {
        while filler.wantsItem, let item = input.next() {
            if firstArrival == nil {
                firstArrival = now
                pts = item.header.pts.isKnown ? item.header.pts : .zero
            }
            try filler.add(item)
        }
        guard let firstArrival, filler.isComplete || input.isEnded else { return }
        schedule = PacerSchedule(
            frame: filler.frame, firstArrival: firstArrival, depth: depth, phase: phase, now: now)
    }

    // MARK: On the grid

    private func play(_ now: Instant) throws {
        guard var schedule else { return }
        defer { self.schedule = schedule }
        if let late = schedule.beginAnewIfLost(now) {
            context.log(.warning, "was held for \(decimal(late.seconds, places: 1)) s; the grid begins anew")
        }
        while schedule.isDue(now) {
            guard output.hasRoom else { return }
            switch try gather() {
            case .frame: try send(filler.take(), isSilence: false, &schedule, now)
            case .nothing: try send(filler.silence(), isSilence: true, &schedule, now)
            case .budgetUsed, .end: return
            }
        }
        context.wake(at: schedule.next)
    }

    private enum Gathered { case frame, nothing, budgetUsed, end }

    /// Takes what one frame needs. Looks at the depth first: asking an empty input for an item would have the next one
    /// wake this node.
    private func gather() throws -> Gathered {
        try filler.fill()
        while filler.wantsItem {
            guard output.hasRoom else { return .budgetUsed }
            guard input.depth > 0, let item = input.next() else {
                guard input.isEnded else { return output.hasRoom ? .nothing : .budgetUsed }
                guard !filler.isEmpty else { return .end }
                filler.pad()
                return .frame
            }
            try filler.add(item)
        }
        return .frame
    }

    private func send(_ frame: AudioFrame?, isSilence: Bool, _ schedule: inout PacerSchedule, _ now: Instant) throws {
        guard let frame else { return }
        frame.header.pts = pts
        frame.header.dts = pts
        frame.header.duration = step
        frame.header.sourceClock = filler.sourceClock
        if isSilence {
            frame.header.captured = schedule.next
            frame.header.epoch = epoch
            silent.add()
        }
        pts += step
        output.send(frame)
        if sent.count == 0 { context.log(.info, "first frame") }
        sent.add()
        let lateness = schedule.lateness(now)
        late.record(Int(lateness.nanoseconds / 1_000))
        if lateness >= filler.frame { caughtUp.add() }
        dropped.set(input.dropped)
        say(dryWatch.note(isSilence: isSilence))
        schedule.advance()
    }

    private func say(_ news: DryWatch.News?) {
        switch news {
        case .dry: context.log(.warning, "its input ran dry; silence until media come")
        case .back(let frames): context.log(.info, "media are back after \(frames) frames of silence")
        case nil: break
        }
    }

    /// What was taken before the session's epoch rose would be thrown away behind this node and leave a hole there.
    private func dropStale() {
        let current = context.epoch
        guard current != epoch else { return }
        epoch = current
        filler.flush(before: current)
    }
}
