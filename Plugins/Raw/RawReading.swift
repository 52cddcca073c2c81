import Glibc
import Sluice

/// What a raw source node fills: one frame after another.
protocol RawFrames: AnyObject {
    var hasRoom: Bool { get }
    /// Bytes of a whole frame.
    var frameBytes: Int { get }
    /// The memory of the frame that is being filled, from this byte on.
    func memory(from position: Int) -> UnsafeBufferPointer<iovec>
    /// The frame is whole: send it.
    func send(_ moment: RawReading.Moment)
    /// The stream ended within a frame: sends what of it can be used and returns the bytes that cannot.
    func sendRest(_ bytes: Int, _ moment: RawReading.Moment) -> Int
    /// When the media sent since the last start of a stream end, from its beginning.
    var elapsed: MediaTime { get }
    /// A new writer came: count from zero.
    func restart()
}

/// Fills the frames of a source from its intake, a bounded piece at a time.
///
/// Timestamps count from the arrival of a stream's first byte, on the graph's clock since its start; a regular file's
/// from zero, so that runs repeat. A later writer's stream begins when it comes, and not before the last one's end.
final class RawReading {
    /// What the first byte of a frame tells.
    struct Moment {
        /// The pts of the stream's first frame.
        var base: MediaTime
        var captured: Instant
        var epoch: UInt32
        /// The first frame of a later writer.
        var isDiscontinuity: Bool
    }

    /// Read at most so much in one dispatch: about a millisecond of copying.
    static let pieceLimit = 4 << 20

    private let intake: RawIntake
    private let context: NodeContext
    private unowned let frames: any RawFrames
    private var position = 0
    private var moment: Moment
    private var hasBase = false
    private let bytes: CounterMetric
    private let lost: CounterMetric

    init(_ intake: RawIntake, frames: any RawFrames, _ context: NodeContext) {
        self.intake = intake
        self.frames = frames
        self.context = context
        moment = Moment(base: .zero, captured: context.now, epoch: 0, isDiscontinuity: false)
        bytes = context.counter("bytes")
        lost = context.counter("partial_bytes")
    }

    func process(now: Instant) throws {
        var left = RawReading.pieceLimit
        while left > 0 {
            guard frames.hasRoom else {
                intake.pause()
                return
            }
            switch try intake.read(into: frames.memory(from: position)) {
            case .bytes(let count):
                if position == 0 { noteFirstByte(now) }
                bytes.add(count)
                position += count
                left -= count
                if position == frames.frameBytes {
                    frames.send(moment)
                    position = 0
                    moment.isDiscontinuity = false
                }
            case .wait: return
            case .end(let goesOn):
                end(goesOn)
                if !goesOn { return }
            }
        }
        context.wakeAgain()
    }

    func close() { intake.close() }

    private func noteFirstByte(_ now: Instant) {
        moment.captured = now
        moment.epoch = context.epoch
        guard !hasBase else { return }
        hasBase = true
        if intake.isLive { moment.base = max(moment.base, MediaTime(now - context.started)) }
    }

    private func end(_ goesOn: Bool) {
        let useless = position > 0 ? frames.sendRest(position, moment) : 0
        if useless > 0 {
            lost.add(useless)
            context.log(
                .warning, "the stream ended within a frame: \(useless) of \(frames.frameBytes) bytes dropped")
        }
        position = 0
        guard goesOn else {
            context.finish()
            return
        }
        context.log(.info, "the writer is gone; waiting for the next")
        moment.base = moment.base + frames.elapsed
        moment.isDiscontinuity = true
        hasBase = false
        frames.restart()
    }
}
