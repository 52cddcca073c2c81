import Glibc
import Pacing
import Sluice

/// A raw source node fills this: one frame after another.
protocol RawFrames: AnyObject {
    var hasRoom: Bool { get }
    /// Bytes of a whole frame.
    var frameBytes: Int { get }
    /// Bytes of the smallest part that is of use, and what it counts on the timeline.
    var unit: (bytes: Int, count: Int64) { get }
    /// The memory of the frame that is being filled, from this byte on.
    func memory(from position: Int) -> UnsafeBufferPointer<iovec>
    /// The frame holds `bytes`: sends it. `step.cut` units at its beginning are left out.
    func send(_ step: RawTimeline.Step, bytes: Int, _ moment: RawFrameReader.Moment)
    /// Why frames of so many bytes come, if the writer is seen to send such; nil where any number is right.
    func refusal(ofVideo bytes: Int) -> NodeError?
}

/// Fills the frames of a source from its reader, a bounded piece at a time, and gives them their times.
///
/// Times of a live stream are on the graph's clock since its start (`RawTimeline`); a regular file's count from zero,
/// so that runs repeat. A later writer's stream begins when it comes, and not before the last one's end.
final class RawFrameReader {
    /// The first byte of a frame tells this.
    struct Moment {
        var captured: Instant
        var epoch: UInt32
        /// The first frame of a later writer, or behind a hole.
        var isDiscontinuity: Bool
    }

    /// Read at most so much in one dispatch: about a millisecond of copying.
    static let pieceLimit = 4 << 20

    private let reader: RawReader
    private let context: NodeContext
    private unowned let frames: any RawFrames
    private let clock: RawClock
    private let member: Int
    private var timeline: RawTimeline
    private let lateness: RawLateness
    /// The media that come are late: they are read and not sent.
    private var isLeavingOut = false
    private var alignment: RawAlignment?
    private var position = 0
    private var moment: Moment
    /// The first byte of the frame was waited for, so that its time is known.
    private var isArrivalKnown = false
    private var hasWaited = true
    private var isFirst = true
    /// The first bytes of the present writer have not been looked at.
    private var isHeaderDue = true
    private var measurements = 0
    private let bytes, lost, corrections, cut: Metric.Counter

    init(
        _ reader: RawReader, frames: any RawFrames, _ timeline: RawTimeline, _ alignment: RawAlignment?,
        _ whenLate: WhenLate, _ context: NodeContext
    ) throws {
        self.reader = reader
        self.frames = frames
        self.context = context
        self.timeline = timeline
        self.alignment = alignment
        clock = try context.service(RawClock.self) ?? RawClock()
        member = clock.addMember()
        lateness = RawLateness(whenLate, clock, member: member, context)
        moment = Moment(captured: context.now, epoch: 0, isDiscontinuity: false)
        bytes = context.counter("bytes")
        lost = context.counter("partial_bytes")
        corrections = context.counter("corrections")
        cut = context.counter("cut_units")
    }

    func process(now: Instant) throws {
        var left = RawFrameReader.pieceLimit
        // In a stream that never began nothing is late.
        if reader.isLive && !isFirst {
            switch try lateness.judge(now, next: timeline.next, isFull: !frames.hasRoom) {
            case .read: isLeavingOut = false
            case .leaveOut: isLeavingOut = true
            case .hold(let interval):
                if let interval { context.wake(at: now + interval) }
                isLeavingOut = false
                return lookAway()
            }
        }
        while left > 0 {
            guard isLeavingOut || frames.hasRoom else { return lookAway() }
            try align(now)
            switch try reader.read(into: frames.memory(from: position)) {
            case .bytes(let count):
                if position == 0 { noteFirstByte(now) }
                hasWaited = false
                alignment?.note(count, at: now)
                bytes.add(count)
                position += count
                left -= count
                if isHeaderDue { try lookAtHeader() }
                if position == frames.frameBytes { send(now) }
            case .wait:
                hasWaited = true
                alignment?.wait()
                return
            case .end(let goesOn):
                end(goesOn)
                if !goesOn { return }
            }
        }
        context.wakeAgain()
    }

    private func lookAtHeader() throws {
        guard position >= min(RawHeader.size, frames.frameBytes) else { return }
        isHeaderDue = false
        let first = frames.memory(from: 0)[0]
        let bytes = UnsafeRawBufferPointer(start: first.iov_base, count: min(position, Int(first.iov_len)))
        if let error = RawHeader.refusal(of: bytes, from: reader.name) { throw error }
    }

    private func lookAway() {
        reader.pause()
        hasWaited = false
        alignment?.lookAway()
    }

    func close() {
        lateness.conclude()
        clock.note(nil, of: member)
        reader.close()
    }

    private func noteFirstByte(_ now: Instant) {
        moment.captured = now
        moment.epoch = context.epoch
        isArrivalKnown = reader.isLive && (hasWaited || isFirst)
        guard isFirst else { return }
        isFirst = false
        guard reader.isLive else { return timeline.begin(at: .zero) }
        let origin = clock.origin(for: now)
        timeline.begin(at: max(.zero, MediaTime((timeline.timestamps == .count ? origin : now) - context.started)))
    }

    /// A live writer's rests tell where its pictures begin.
    private func align(_ now: Instant) throws {
        guard hasWaited, alignment != nil else { return }
        switch alignment!.resume(at: now, position: position) {
        case .unknown: break
        case .beginsHere:
            lost.add(position)
            context.log(
                .warning,
                "the stream was cut within a picture: \(position) of \(frames.frameBytes) bytes dropped, going on with the next"
            )
            position = 0
        case .otherSize(let size):
            if let error = frames.refusal(ofVideo: size) { throw error }
            context.log(
                .warning,
                "\(size) bytes come at a time, and a picture has \(frames.frameBytes): check width, height and pixel_format"
            )
        }
    }

    private func send(_ now: Instant) {
        let unit = frames.unit
        let units = Int64(position / unit.bytes) * unit.count
        let arrival = isArrivalKnown && lateness.tellsArrival(now) ? MediaTime(moment.captured - context.started) : nil
        let step = timeline.step(units: units, arrival: arrival, others: clock.others(of: member))
        noteCorrections(step)
        if step.isHole { moment.isDiscontinuity = true }
        if isLeavingOut {
            moment.isDiscontinuity = true
            isLeavingOut = lateness.dropped(now, next: timeline.next)
        } else if step.cut < units {
            frames.send(step, bytes: position, moment)
            moment.isDiscontinuity = false
        }
        position = 0
    }

    private func noteCorrections(_ step: RawTimeline.Step) {
        if timeline.measurements > measurements {
            measurements = timeline.measurements
            clock.note(timeline.isOffBy, of: member)
        }
        if step.cut > 0 { cut.add(Int(step.cut)) }
        guard timeline.corrections > corrections.count else { return }
        corrections.set(timeline.corrections)
        guard timeline.corrections == 1 else { return }
        let direction = timeline.wasLate ? "later" : "earlier"
        context.log(
            .info,
            "media arrive \(direction) than counted: timestamps moved to their arrival, from now on without a line")
    }

    private func end(_ goesOn: Bool) {
        let useless = position % frames.unit.bytes
        let whole = position - useless
        if useless > 0 {
            lost.add(useless)
            context.log(
                .warning, "the stream ended within a frame: \(useless) of \(frames.frameBytes) bytes dropped")
        }
        position = whole
        if whole > 0 { send(context.now) }
        position = 0
        guard goesOn else {
            context.finish()
            return
        }
        context.log(.info, "the writer is gone; waiting for the next")
        moment.isDiscontinuity = true
        isFirst = true
        isHeaderDue = true
        hasWaited = true
        alignment?.begin()
    }
}
