import Pacing
import Resampling
import Sluice

/// PCM on the grid: cuts what comes into frames, resamples it where the source's clock is another, conceals what is
/// missing. `AudioPacing` says how many samples of what come next.
final class AudioPacer: PacedMedia {
    private let ends: PacerEnds
    private let settings: PacerSettings
    private let registry: PacerRegistry
    private let shared: PlayoutPublisher
    private let reporter: PacerReporter
    // Only the node's lane gets here, so exclusivity need not be checked at run time.
    @exclusivity(unchecked) private var pacing: AudioPacing?
    @exclusivity(unchecked) private var source: AudioSource?
    @exclusivity(unchecked) private var resampler: Resampler?
    /// Samples that come out of the resampler at first and were sent before it.
    private var discard = 0
    private var scratch: MediaItem.Buffer?
    @exclusivity(unchecked) private var pool = Pool<AudioFrame>()
    @exclusivity(unchecked) private var dryWatch: DryWatch
    private var skipper = QuietPoint()

    private var format: MediaFormat?
    private var frameSamples = 0
    @exclusivity(unchecked) private var building: AudioFrame?
    @exclusivity(unchecked) private var filled = 0
    private var step: MediaTime
    @exclusivity(unchecked) private var pts = MediaTime.none
    private var epoch: UInt32
    private var lastDropped = 0
    @exclusivity(unchecked) private var isRepeat = false
    /// Samples of what comes next that are left out.
    private var toSkip = 0
    /// The epoch rose, and nothing came since.
    private var isInterrupted = false
    /// The source tells where its segments begin.
    private var hasSegments = false
    /// The items that come next may be the rest of a segment that was interrupted: at most so much.
    private var rest = Interval.zero

    init(
        _ ends: PacerEnds, _ settings: PacerSettings, _ registry: PacerRegistry, publishes shared: PlayoutPublisher
    ) {
        self.ends = ends
        self.settings = settings
        self.registry = registry
        self.shared = shared
        reporter = ends.reporter
        step = MediaTime(settings.frame)
        dryWatch = DryWatch(recovery: max(1, Int(1_000_000_000 / max(1, settings.frame.nanoseconds))))
        epoch = ends.context.epoch
    }

    /// Samples that `frame` lasts. Throws where that is no whole number.
    static func samples(of frame: Interval, at layout: AudioLayout) throws -> Int {
        let product = frame.nanoseconds.multipliedReportingOverflow(by: Int64(layout.rate))
        guard !product.overflow, product.partialValue % 1_000_000_000 == 0, product.partialValue > 0 else {
            throw NodeError(
                "a frame of \(decimal(frame.milliseconds, places: 3)) ms is no whole number of samples at \(layout.rate) Hz",
                advice: "Choose another frame_ms (10 and 20 fit the usual rates) or put audio-convert before it.",
                isInputError: true)
        }
        return Int(product.partialValue / 1_000_000_000)
    }

    func process(now: Instant) throws {
        dropStale()
        if pacing == nil { try begin(now) }
        _ = try play(now)
    }

    func finish(now: Instant) throws -> Bool {
        dropStale()
        if pacing == nil {
            try begin(now)
            if pacing == nil { return true }
        }
        return try play(now)
    }

    // MARK: The start

    private func begin(_ now: Instant) throws {
        while pacing == nil, let first = ends.input.peek() {
            let frame = unsafeDowncast(first, to: AudioFrame.self)
            guard frame.sampleCount > 0 else {
                reporter.noteEmpty()
                _ = ends.input.next()
                continue
            }
            try open(frame.format)
            pts = frame.header.pts.isKnown ? frame.header.pts : .zero
            pacing = AudioPacing(
                frame: settings.frame, target: settings.target, start: settings.start, drift: settings.drift,
                rate: frame.layout.rate, item: Interval(frame.sampleDuration), arrival: ends.input.arrival,
                phase: FrameGrid.phase(of: settings.ordinal, frame: settings.frame), now: now)
            shared.begin(clock: frame.header.sourceClock)
            shared.write(pacing!.firstPlayout(of: frame.header.pts.isKnown ? frame.header.pts : .zero, out: pts))
        }
    }

    private func open(_ new: MediaFormat) throws {
        let layout = new.audio!
        guard layout.sampleFormat != nil, layout.rate > 0, 1...64 ~= layout.channels else {
            throw NodeError("samples of \(new) cannot be paced")
        }
        frameSamples = try AudioPacer.samples(of: settings.frame, at: layout)
        format = new
        resampler = nil
        source = AudioSource(layout)
        scratch = MediaItem.Buffer(capacity: (frameSamples + 64) * layout.bytesPerSample)
    }

    // MARK: On the grid

    /// True when nothing is left and nothing more comes.
    private func play(_ now: Instant) throws -> Bool {
        guard pacing != nil else { return false }
        if let late = pacing!.beginAnewIfLost(now) {
            reporter.say(.warning, "was held for \(decimal(late.seconds, places: 1)) s; the grid begins anew")
        }
        while true {
            let isDue = pacing!.grid.isDue(now)
            guard isDue || ends.context.isAhead else { break }
            guard ends.output.hasRoom else { return false }
            if building == nil { try beginFrame() }
            switch try fill() {
            case .complete: break
            case .budgetUsed: return false
            case .end: return true
            }
            guard isDue else {
                ends.context.wake(at: pacing!.grid.next)
                return false
            }
            try send(now)
        }
        ends.context.wake(aheadOf: pacing!.grid.next)
        return false
    }

    private func beginFrame() throws {
        if let other = source!.waiting {
            reporter.say(.warning, "the audio changed to \(other.format); the grid goes on")
            try open(other.format)
            pacing!.change(rate: other.layout.rate)
            source!.waiting = other
        }
        if ends.isHeld { pacing!.noteHeld() }
        let (due, hasOne) = (pacing!.grid.next, resampler != nil)
        var makesOne = false
        let ppm = pacing!.begin(pending: resampler?.pending ?? 0) {
            makesOne = !hasOne && registry.mayMakeResampler(at: due)
            return hasOne || makesOne
        }
        if makesOne { try startResampler() }
        try resampler?.set(ppm: ppm)
        isRepeat = false
        switch skipper.decide(surplus: pacing!.surplus) {
        case .skip:
            toSkip = frameSamples
            reporter.noteSkipped()
        case .again:
            isRepeat = true
            reporter.noteRepeated()
        case nil: break
        }
        building = pool.take(format!, sampleCount: frameSamples)
        filled = 0
        source!.beginFrame()
    }

    /// The resampler begins with what was heard last, so it goes on where the samples themselves ended.
    private func startResampler() throws {
        let made = try Resampler(stretching: format!.audio!)
        source!.recall()
        let (heard, count) = source!.concealer.recent
        let size = format!.audio!.bytesPerSample
        var taken = 0
        var given = 0
        while taken < count {
            let part = min(count - taken, frameSamples)
            given += try made.convert(heard + taken * size, part, into: scratch!.bytes, room: frameSamples + 64)
            taken += part
        }
        // Samples in the filter's reach were sent already: they come out with what follows, and are thrown away then.
        discard = count - given
        resampler = made
    }

    private enum Filled { case complete, budgetUsed, end }

    private func fill() throws -> Filled {
        let frame = building!
        let size = frame.layout.bytesPerSample
        if isRepeat && filled < frameSamples {
            source!.conceal(frame.buffer.bytes, frameSamples)
            filled = frameSamples
        }
        while filled < frameSamples {
            let wanted = frameSamples - filled
            let target = resampler == nil ? frame.buffer.bytes + filled * size : scratch!.bytes
            let got: Int
            switch gather(into: target, wanted: resampler.map { $0.need(for: wanted + discard) } ?? wanted) {
            case .samples(let count): got = count
            case .budgetUsed: return .budgetUsed
            case .end:
                guard filled > 0 else { return .end }
                got = resampler.map { $0.need(for: wanted + discard) } ?? wanted
                source!.conceal(target, got, isEnd: true)
            }
            guard let resampler else {
                filled += got
                continue
            }
            try resample(resampler, got, frame, size)
        }
        return .complete
    }

    private func resample(_ resampler: Resampler, _ got: Int, _ frame: AudioFrame, _ size: Int) throws {
        var fed = got
        if discard > 0 {
            // The first output after the start stands for samples that were sent before.
            let place = frame.buffer.bytes + filled * size
            discard -= try resampler.convert(
                scratch!.bytes, fed, into: place, room: min(discard, frameSamples - filled))
            fed = 0
        }
        filled += try resampler.convert(
            scratch!.bytes, fed, into: frame.buffer.bytes + filled * size, room: frameSamples - filled)
    }

    private enum Gathered {
        case samples(Int)
        case budgetUsed, end
    }

    /// Takes what one frame needs. Looks at the depth first: asking an empty input for an item would have the next one
    /// wake this node.
    private func gather(into target: UnsafeMutableRawPointer, wanted: Int) -> Gathered {
        while true {
            if source!.waiting != nil && source!.isOther(than: format!) {
                return .samples(source!.make(target, wanted, &pacing!, isEnd: true))
            }
            if toSkip > 0 { toSkip -= source!.skip(toSkip, &pacing!) }
            if let count = source!.take(into: target, wanted: wanted, &pacing!) { return .samples(count) }
            if let waiting = source!.waiting {
                source!.waiting = nil
                place(waiting, isAnew: true)
                continue
            }
            guard ends.output.hasRoom else { return .budgetUsed }
            if ends.input.depth > 0, let item = ends.input.next() {
                accept(unsafeDowncast(item, to: AudioFrame.self))
                continue
            }
            guard ends.output.hasRoom else { return .budgetUsed }
            if ends.input.isEnded { return .end }
            return .samples(source!.make(target, wanted, &pacing!, isEnd: isInterrupted))
        }
    }

    private func accept(_ item: AudioFrame) {
        guard item.sampleCount > 0 else { return reporter.noteEmpty() }
        guard !isRest(item) else { return }
        if item.format !== format!, item.layout != format!.audio! {
            source!.waiting = item
            return
        }
        place(item, isAnew: item.header.flags.contains(.discontinuity))
    }

    /// A source of segments ends an interrupted one with a piece that fades, of the new epoch. The old voice has faded
    /// here by then, and behind that fade the piece would be heard as the old voice once more. A resampler before this
    /// node hands on the last of it only with the next segment. Pictures would follow its time, which is over.
    private func isRest(_ item: AudioFrame) -> Bool {
        guard !item.header.flags.contains(.segmentStart) else {
            (hasSegments, rest) = (true, .zero)
            return false
        }
        guard rest > .zero else { return false }
        rest = rest - Interval(item.sampleDuration)
        return true
    }

    private static let longestRest = Interval.milliseconds(100)

    private func place(_ item: AudioFrame, isAnew: Bool) {
        let dropped = ends.input.dropped
        let placement = source!.place(
            item, arrival: ends.input.arrival, isAnew: isAnew, isLoss: dropped != lastDropped, &pacing!)
        lastDropped = dropped
        isInterrupted = false
        switch placement {
        case .late: reporter.noteLate()
        case .jump(let by): reporter.noteJump(by: by, what: "the audio goes on without a hole", now: pacing!.grid.next)
        case .hole, .follows, .anew: break
        }
    }

    // MARK: Sending

    private func send(_ now: Instant) throws {
        guard let frame = building else { return }
        building = nil
        let isSilence = source!.isSilent && !isRepeat
        frame.header.pts = pts
        frame.header.dts = pts
        frame.header.duration = step
        frame.header.sourceClock = source!.sourceClock
        frame.header.captured = source!.captured ?? pacing!.grid.next
        // Samples that were made up after an interruption belong to those that come.
        frame.header.epoch = source!.epoch ?? epoch
        frame.header.flags = .keyframe
        pts += step
        if settings.drift == .skip { skipper.note(frame.loudness) }
        ends.output.send(frame)
        count(isSilence, now)
        pacing!.advance()
        shared.write(pacing!.playout(pending: resampler?.pending ?? 0, out: pts))
    }

    private func count(_ isSilence: Bool, _ now: Instant) {
        if isSilence { reporter.noteSilence() }
        if source!.concealed > 0 { reporter.noteConcealed(source!.concealed) }
        let inHand = MediaTime(pacing!.intake.left, timescale: Int64(pacing!.intake.rate))
        let depth = Int((ends.input.depthTime + inHand).milliseconds)
        let clock = pacing!.clock
        reporter.noteClock(clock, steering: pacing!.steering.ppm, now: now)
        if clock.isSettled, abs(clock.ppm) > DepthSteering.largest { reporter.noteTooFast(clock.ppm) }
        reporter.noteSent(
            late: pacing!.grid.lateness(now), frame: settings.frame, dropped: ends.input.dropped, depth: depth, now: now
        )
        reporter.say(dryWatch.note(isSilence: isSilence))
    }

    /// Audio that was taken before the session's epoch rose would be thrown away behind this node and leave a hole
    /// there: it is let go, and one frame fades out.
    private func dropStale() {
        let current = ends.context.epoch
        guard current != epoch else { return }
        epoch = current
        guard pacing != nil, source!.isStale(current) else { return }
        source!.drop()
        pacing!.intake.drop()
        isInterrupted = true
        rest = hasSegments ? AudioPacer.longestRest : .zero
        if building != nil { filled = 0 }
    }
}
