import Bitstream
import Pacing
import Sluice

/// Opus packets on the grid, one for each of its points. A hole is filled with packets of empty frames, from which a
/// decoder conceals it; where nothing more comes, with packets of silence. Packets are never cut, so drift is met by
/// leaving one out or putting an empty one in.
final class PacketPacer: PacedMedia {
    private let ends: PacerEnds
    private let settings: PacerSettings
    private let shared: PlayoutPublisher
    private let reporter: PacerReporter
    private var pacing: AudioPacing?
    private var packet: Packet?
    private var last: OpusPacket?
    private var format: MediaFormat?
    private var pool = Pool<Packet>()
    private var skipper = QuietPoint()
    private var dryWatch = DryWatch(recovery: 50)
    private var pts = MediaTime.none
    private var step = MediaTime.zero
    private var epoch: UInt32
    private var lastHeader = MediaItem.Header()
    private var lastDropped = 0
    private var isBegun = false
    private var isRepeat = false
    /// The next packet that comes is left out: none was in hand when one was to go.
    private var leavesOut = false

    init(_ ends: PacerEnds, _ settings: PacerSettings, publishes shared: PlayoutPublisher) {
        self.ends = ends
        self.settings = settings
        self.shared = shared
        reporter = ends.reporter
        epoch = ends.context.epoch
    }

    func process(now: Instant) throws {
        dropStale()
        if pacing == nil { try begin(now) }
        _ = play(now)
    }

    func finish(now: Instant) throws -> Bool {
        dropStale()
        if pacing == nil {
            try begin(now)
            if pacing == nil { return true }
        }
        return play(now)
    }

    private func begin(_ now: Instant) throws {
        while pacing == nil, let item = ends.input.peek() {
            let first = unsafeDowncast(item, to: Packet.self)
            guard let known = OpusPacket(first.bytes) else {
                refuse(first)
                _ = ends.input.next()
                continue
            }
            last = known
            format = first.format
            step = MediaTime(Int64(known.samples), timescale: Int64(OpusPacket.rate))
            pts = first.header.pts.isKnown ? first.header.pts : .zero
            let frame = Interval(step)
            dryWatch = DryWatch(recovery: max(1, Int(1_000_000_000 / frame.nanoseconds)))
            pacing = AudioPacing(
                frame: frame, target: settings.target, start: settings.start, drift: settings.drift,
                rate: OpusPacket.rate, unit: known.samples, item: frame, arrival: ends.input.arrival,
                phase: FrameGrid.phase(of: settings.ordinal, frame: frame), now: now)
            shared.begin(clock: first.header.sourceClock)
            shared.write(pacing!.firstPlayout(of: pts, out: pts))
        }
    }

    private func refuse(_ packet: Packet) {
        if packet.count == 0 { return reporter.noteEmpty() }
        reporter.noteRefused(bytes: packet.count)
    }

    /// True when nothing is left and nothing more comes.
    private func play(_ now: Instant) -> Bool {
        guard pacing != nil else { return false }
        if let late = pacing!.beginAnewIfLost(now) {
            reporter.say(.warning, "was held for \(decimal(late.seconds, places: 1)) s; the grid begins anew")
        }
        while pacing!.grid.isDue(now) {
            guard ends.output.hasRoom else { return false }
            if !isBegun { beginFrame() }
            switch gather() {
            case .packet: send(packet, now)
            case .nothing: send(nil, now)
            case .budgetUsed: return false
            case .end: return true
            }
        }
        if ends.context.isAhead {
            ends.context.wake(at: pacing!.grid.next)
        } else {
            ends.context.wake(aheadOf: pacing!.grid.next)
        }
        return false
    }

    private func beginFrame() {
        isBegun = true
        isRepeat = false
        if ends.isHeld { pacing!.noteHeld() }
        _ = pacing!.begin()
        switch skipper.decide(surplus: pacing!.surplus) {
        case .skip:
            reporter.noteSkipped()
            if pacing!.intake.skip(samples) > 0 { packet = nil } else { leavesOut = true }
        case .again:
            isRepeat = true
            reporter.noteRepeated()
        case nil: break
        }
    }

    private var samples: Int { Int(pacing!.intake.unit) }

    private enum Gathered { case packet, nothing, budgetUsed, end }

    private func gather() -> Gathered {
        if isRepeat { return .nothing }
        while true {
            switch pacing!.intake.next(samples, now: pacing!.grid.next) {
            case .media: return .packet
            case .made: return .nothing
            case .wantsItem: break
            }
            guard ends.output.hasRoom else { return .budgetUsed }
            if ends.input.depth > 0, let item = ends.input.next() {
                accept(unsafeDowncast(item, to: Packet.self))
                continue
            }
            guard ends.output.hasRoom else { return .budgetUsed }
            return ends.input.isEnded ? .end : .nothing
        }
    }

    private func accept(_ new: Packet) {
        guard let known = OpusPacket(new.bytes) else { return refuse(new) }
        last = known
        format = new.format
        if known.samples != samples {
            step = MediaTime(Int64(known.samples), timescale: Int64(OpusPacket.rate))
            reporter.say(
                .warning, "packets last \(decimal(step.milliseconds, places: 1)) ms from now on; the grid goes on")
            pacing!.change(rate: OpusPacket.rate, unit: known.samples, frame: Interval(step))
        }
        packet = new
        let dropped = ends.input.dropped
        let placement = pacing!.place(
            new.header.pts, count: known.samples, arrival: ends.input.arrival,
            isAnew: new.header.flags.contains(.discontinuity), isLoss: dropped != lastDropped)
        lastDropped = dropped
        switch placement {
        case .late: reporter.noteLate()
        case .jump(let by): reporter.noteJump(by: by, what: "the audio goes on without a hole", now: pacing!.grid.next)
        case .hole, .follows, .anew: break
        }
        if leavesOut, pacing!.intake.skip(samples) > 0 {
            leavesOut = false
            packet = nil
        }
    }

    private func send(_ real: Packet?, _ now: Instant) {
        isBegun = false
        let isMedia = real != nil && pacing!.intake.hasItem && !isRepeat && isNext
        let isConcealed = !isMedia && (isRepeat || pacing!.intake.madeInRow < pacing!.intake.longestConcealed)
        let out = isMedia ? copy(real!) : made(isConcealed)
        if isMedia {
            pacing!.intake.advance(media: samples)
            packet = nil
        } else if !isRepeat {
            pacing!.intake.advance(made: samples)
        }
        out.header.pts = pts
        out.header.dts = pts
        out.header.duration = step
        out.header.flags = .keyframe
        skipper.note(Float(out.count))
        pts += step
        ends.output.send(out)
        count(isMedia: isMedia, isConcealed: isConcealed, now)
        pacing!.advance()
        shared.write(pacing!.playout(out: pts))
    }

    /// The packet in hand is the one that is due, and no hole is before it.
    private var isNext: Bool {
        if case .media = pacing!.intake.next(samples, now: pacing!.grid.next) { return true }
        return false
    }

    private func copy(_ packet: Packet) -> Packet {
        let out = pool.take(packet.format, count: packet.count)
        out.mutableBytes.copyMemory(from: packet.bytes)
        lastHeader = packet.header
        out.header.captured = packet.header.captured
        out.header.epoch = packet.header.epoch
        out.header.sourceClock = packet.header.sourceClock
        return out
    }

    private func made(_ isConcealed: Bool) -> Packet {
        let isStereo = (last?.contents ?? 0) & 4 != 0
        let out = withUnsafeTemporaryAllocation(byteCount: OpusPacket.silentBytes, alignment: 1) { bytes in
            let size =
                isConcealed && last != nil
                ? last!.writeEmpty(bytes) : OpusPacket.writeSilent(samples: samples, isStereo: isStereo, bytes)
            let out = pool.take(format!, count: size)
            out.mutableBytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
            return out
        }
        out.header.captured = pacing!.grid.next
        out.header.epoch = epoch
        out.header.sourceClock = lastHeader.sourceClock
        return out
    }

    private func count(isMedia: Bool, isConcealed: Bool, _ now: Instant) {
        let isSilence = !isMedia && !isConcealed
        if isSilence { reporter.noteSilence() }
        if isConcealed { reporter.noteConcealed(samples) }
        let depth = ends.input.depthTime + (packet == nil ? .zero : step)
        reporter.noteClock(pacing!.clock, now: now)
        reporter.noteSent(
            late: pacing!.grid.lateness(now), frame: pacing!.frame, dropped: ends.input.dropped,
            depth: Int(depth.milliseconds), now: now)
        reporter.say(dryWatch.note(isSilence: isSilence))
    }

    private func dropStale() {
        let current = ends.context.epoch
        guard current != epoch else { return }
        epoch = current
        let oldest = packet?.header.epoch ?? lastHeader.epoch
        guard pacing != nil, oldest != 0, oldest < current else { return }
        packet = nil
        pacing!.intake.drop()
        isBegun = false
    }
}
