import Resampling
import Sluice

/// Moves PCM without a step: a resampler makes a little more or less of it, by libswresample's compensation.
///
/// It is put in the path when the delay first moves, beginning with the samples that went out last, and stays until the
/// next hole. Its filter holds 16 samples back. These come out at the hole or the end. There the output is trimmed to
/// exactly samples in + inserted − cut. While it moves its speed is one number, and not whole samples for each frame,
/// which would be heard as a buzz; and it computes in floats.
final class SmoothAudio {
    private(set) var inserted = 0
    private(set) var cut = 0
    /// In effect, in samples.
    private(set) var delay = 0
    private var pool = Pool<AudioFrame>()
    private var received = AudioFrame.Timeline()
    private var sent = AudioFrame.Timeline()
    private var resampler: Resampler?
    private var layout = AudioLayout(nil, rate: 0, channels: 0)
    /// Of this stretch: samples planned beyond those received.
    private var planned: Int64 = 0
    /// How far it has moved, in samples; `delay` is the nearest whole number.
    private var position = 0.0
    private var isMoving = false
    /// Samples that come out of the resampler at first and went out before it.
    private var discard = 0
    private var last: AudioFrame?

    /// Of the delay's change, in ms for each second of audio.
    private let slew: Double

    init(slew: Double) { self.slew = slew }

    typealias Send = (_ item: AudioFrame, _ hold: MediaTime, _ count: Int) -> Void

    /// Moves towards `wanted` samples of delay as far as this frame's length allows.
    func pass(_ frame: AudioFrame, delay wanted: Int, send: Send) throws {
        let isContinued = received.isContinued(by: frame.header) && last?.format == frame.format
        if !isContinued {
            try endStretch(send)
            let pts = frame.header.pts.isKnown ? frame.header.pts : received.end
            received = AudioFrame.Timeline(start: pts.isKnown ? pts : .zero, rate: frame.layout.rate)
        }
        let before = isContinued ? last : nil
        last = frame
        let way = nextWay(towards: wanted, samples: frame.sampleCount)
        if way != 0, resampler == nil { try open(frame.layout, after: before) }
        let hold = MediaTime(Int64(delay), timescale: Int64(frame.layout.rate))
        let start = received.end
        received.advance(frame.sampleCount)
        guard resampler != nil else {
            return send(delay == 0 ? frame : moved(frame, to: start + hold), hold, frame.sampleCount)
        }
        if !sent.isStarted { sent = AudioFrame.Timeline(start: start + hold, rate: frame.layout.rate) }
        planned += Int64(frame.sampleCount)
        let primed = try prime(with: frame)
        try move(by: way, over: frame.sampleCount)
        try convert(frame, from: primed, most: nil, hold, send)
    }

    /// How much of the way to `wanted` so many samples of audio go, in samples.
    private func nextWay(towards wanted: Int, samples: Int) -> Double {
        guard samples > 1 else { return 0 }
        let most = min(Double(samples) * slew / 1_000, Double(samples) / 2)
        return max(-most, min(most, Double(wanted) - position))
    }

    private func move(by way: Double, over samples: Int) throws {
        guard way != 0 || isMoving else { return }
        isMoving = way != 0
        // So many samples more in so many of the output; the number is large for the fraction's sake.
        let distance = 100_000_000.0
        let delta = (way / (Double(samples) + way) * distance).rounded()
        try resampler?.stretch(by: Int32(delta), over: Int32(distance))
        position += way
        let step = Int(position.rounded()) - delay
        delay += step
        planned += Int64(step)
        if step > 0 { inserted += step } else { cut -= step }
    }

    /// The samples that the resampler holds come out, trimmed to what was planned. At a hole, a new epoch, the end.
    func endStretch(_ send: Send) throws {
        guard resampler != nil, let last else { return }
        let due = planned - sent.count
        if due > 0 {
            let hold = MediaTime(Int64(delay), timescale: Int64(layout.rate))
            try convert(nil, most: Int(due), hold, send, header: last.header)
            let missing = Int(planned - sent.count)
            if missing > 0 { pad(missing, last, hold, send) }
        }
        position = Double(delay)
        close()
    }

    private func convert(
        _ frame: AudioFrame?, from first: Int = 0, most: Int?, _ hold: MediaTime, _ send: Send,
        header: MediaItem.Header? = nil
    ) throws {
        guard let resampler, let last else { return }
        let room = resampler.room(for: frame?.sampleCount ?? 0) + 32
        let result = pool.take(last.format, sampleCount: room)
        let start = frame.map { UnsafeRawPointer($0.buffer.bytes + first * layout.bytesPerSample) }
        var count = try resampler.convert(
            start, (frame?.sampleCount ?? 0) - (frame == nil ? 0 : first), into: result.buffer.bytes, room: room)
        if let most { count = min(count, most) }
        // Never ahead of what was planned, so that the end can be exact.
        guard count > 0 else { return }
        emit(result, count, header ?? frame!.header, hold, send)
    }

    private func emit(_ frame: AudioFrame, _ count: Int, _ header: MediaItem.Header, _ hold: MediaTime, _ send: Send) {
        frame.reset(format: frame.format, sampleCount: count)
        frame.header = header
        frame.header.pts = sent.end
        frame.header.dts = sent.end
        sent.advance(count)
        frame.header.duration = sent.end - frame.header.pts
        send(frame, hold, count)
    }

    private func pad(_ count: Int, _ last: AudioFrame, _ hold: MediaTime, _ send: Send) {
        let silence = pool.take(last.format, sampleCount: count)
        silence.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
        emit(silence, count, last.header, hold, send)
    }

    private func moved(_ frame: AudioFrame, to pts: MediaTime) -> AudioFrame {
        let copy = pool.take(frame.format, sampleCount: frame.sampleCount)
        copy.mutableBytes.copyMemory(from: frame.bytes)
        copy.header = frame.header
        copy.header.pts = pts
        copy.header.dts = pts
        return copy
    }

    /// `before` is what went out last: the filter begins with its end, so that there is no seam.
    private func open(_ new: AudioLayout, after before: AudioFrame?) throws {
        layout = new
        resampler = try Resampler(stretching: new)
        guard let before else { return }
        let count = min(before.sampleCount, SmoothAudio.recalled)
        discard = count - (try swallow(before, before.sampleCount - count..<before.sampleCount))
    }

    /// The samples in the filter's reach come out, at the speed at which they were sent. Returns how much of the frame
    /// it took.
    private func prime(with frame: AudioFrame) throws -> Int {
        let count = min(discard, frame.sampleCount)
        if count > 0 { discard -= try swallow(frame, 0..<count) }
        return count
    }

    /// Takes samples for the filter's sake alone; returns how many came out, which were sent before.
    private func swallow(_ frame: AudioFrame, _ range: Range<Int>) throws -> Int {
        guard !range.isEmpty, let resampler else { return 0 }
        let scratch = pool.take(frame.format, sampleCount: range.count + 32)
        let first = UnsafeRawPointer(frame.buffer.bytes + range.lowerBound * layout.bytesPerSample)
        return try resampler.convert(first, range.count, into: scratch.buffer.bytes, room: range.count + 32)
    }

    /// Samples: more than the filter spans.
    private static let recalled = 64

    private func close() {
        resampler = nil
        sent = AudioFrame.Timeline()
        planned = 0
        discard = 0
        isMoving = false
    }

    /// A new epoch or sample rate: what was waiting was thrown away, so many samples, and so is what the resampler
    /// holds.
    func reset(discarding samples: Int) {
        cut += samples + Int(max(0, planned - sent.count))
        close()
        received = AudioFrame.Timeline()
        last = nil
        delay = 0
        position = 0
    }
}
