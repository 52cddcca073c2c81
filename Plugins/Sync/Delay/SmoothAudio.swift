import CSwresample
import Sluice

/// Moves PCM without a step: a resampler makes a little more or less of it, by libswresample's compensation.
///
/// It is put in the path when the delay first moves, and stays until the next hole: its filter holds 16 samples back, which
/// come out at the hole or the end, where what came out is trimmed to exactly samples in + inserted − cut.
final class SmoothAudio {
    private(set) var inserted = 0
    private(set) var cut = 0
    /// In effect, in samples.
    private(set) var delay = 0
    private var pool = Pool<AudioFrame>()
    private var received = SampleTimeline()
    private var sent = SampleTimeline()
    private var context: OpaquePointer?
    private var layout = AudioLayout(nil, rate: 0, channels: 0)
    /// Of this stretch: samples planned beyond those received.
    private var planned: Int64 = 0
    /// Samples that the slew allows and that were not used yet.
    private var allowance = 0.0
    private var last: (header: Header, format: MediaFormat)?

    /// Of the delay's change, in ms for each second of sound.
    private let slew: Double

    init(slew: Double) { self.slew = slew }
    deinit { swr_free(&context) }

    typealias Send = (_ item: AudioFrame, _ hold: MediaTime, _ count: Int) -> Void

    /// Moves towards `wanted` samples of delay as far as this frame's length allows.
    func pass(_ frame: AudioFrame, delay wanted: Int, send: Send) throws {
        if !received.isContinued(by: frame.header) || last?.format != frame.format {
            try endStretch(send)
            let pts = frame.header.pts.isKnown ? frame.header.pts : received.end
            received = SampleTimeline(start: pts.isKnown ? pts : .zero, rate: frame.layout.rate)
        }
        last = (frame.header, frame.format)
        let step = nextStep(towards: wanted, samples: frame.sampleCount)
        if step != 0, context == nil { try open(frame.layout) }
        let hold = MediaTime(Int64(delay), timescale: Int64(frame.layout.rate))
        let start = received.end
        received.advance(frame.sampleCount)
        guard let context else {
            return send(delay == 0 ? frame : moved(frame, to: start + hold), hold, frame.sampleCount)
        }
        if !sent.isStarted { sent = SampleTimeline(start: start + hold, rate: frame.layout.rate) }
        if step != 0 {
            let distance = frame.sampleCount + step
            guard swr_set_compensation(context, Int32(step), Int32(clamping: distance)) >= 0 else {
                throw NodeError("libswresample refuses to stretch \(frame.sampleCount) samples by \(step)")
            }
            delay += step
            planned += Int64(step)
            if step > 0 { inserted += step } else { cut -= step }
        }
        planned += Int64(frame.sampleCount)
        try convert(frame, most: nil, hold, send)
    }

    /// Whole samples of the way to `wanted` that so many samples of sound may go.
    private func nextStep(towards wanted: Int, samples: Int) -> Int {
        guard wanted != delay, samples > 1 else {
            allowance = 0
            return 0
        }
        allowance = min(allowance + Double(samples) * slew / 1_000, Double(samples) / 2)
        let step = max(-Int(allowance), min(Int(allowance), wanted - delay))
        allowance -= Double(abs(step))
        return step
    }

    /// What the resampler holds comes out, trimmed to what was planned. At a hole, a new epoch, the end.
    func endStretch(_ send: Send) throws {
        guard context != nil, let last else { return }
        let due = planned - sent.count
        if due > 0 {
            let hold = MediaTime(Int64(delay), timescale: Int64(layout.rate))
            try convert(nil, most: Int(due), hold, send, header: last.header)
            let missing = Int(planned - sent.count)
            if missing > 0 { pad(missing, last, hold, send) }
        }
        close()
    }

    private func convert(
        _ frame: AudioFrame?, most: Int?, _ hold: MediaTime, _ send: Send, header: Header? = nil
    ) throws {
        guard let context, let last else { return }
        let room = Int(max(0, swr_get_out_samples(context, Int32(clamping: frame?.sampleCount ?? 0)))) + 32
        let result = pool.take(last.format, sampleCount: room)
        var out: UnsafeMutablePointer<UInt8>? = result.buffer.bytes.assumingMemoryBound(to: UInt8.self)
        var count: Int32
        if let frame {
            var pcm: UnsafePointer<UInt8>? = UnsafePointer(frame.buffer.bytes.assumingMemoryBound(to: UInt8.self))
            count = swr_convert(context, &out, Int32(clamping: room), &pcm, Int32(clamping: frame.sampleCount))
        } else {
            count = swr_convert(context, &out, Int32(clamping: room), nil, 0)
        }
        guard count >= 0 else { throw NodeError("libswresample: stretching \(last.format) failed") }
        if let most { count = min(count, Int32(clamping: most)) }
        // Never ahead of what was planned, so that the end can be exact.
        guard count > 0 else { return }
        emit(result, Int(count), header ?? frame!.header, hold, send)
    }

    private func emit(_ frame: AudioFrame, _ count: Int, _ header: Header, _ hold: MediaTime, _ send: Send) {
        frame.reset(format: frame.format, sampleCount: count)
        let bytes = frame.header.byteCount
        frame.header = header
        frame.header.byteCount = bytes
        frame.header.pts = sent.end
        frame.header.dts = sent.end
        sent.advance(count)
        frame.header.duration = sent.end - frame.header.pts
        send(frame, hold, count)
    }

    private func pad(_ count: Int, _ last: (header: Header, format: MediaFormat), _ hold: MediaTime, _ send: Send) {
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

    private func open(_ new: AudioLayout) throws {
        layout = new
        var channels = AVChannelLayout()
        av_channel_layout_default(&channels, Int32(new.channels))
        var same = channels
        let format = new.sampleFormat == .f32 ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_S16
        let made = swr_alloc_set_opts2(
            &context, &channels, format, Int32(new.rate), &same, format, Int32(new.rate), 0, nil)
        // Between equal rates libswresample copies unless told that it is going to resample.
        guard made >= 0, let context,
            av_opt_set_int(UnsafeMutableRawPointer(context), "flags", Int64(SWR_FLAG_RESAMPLE), 0) >= 0,
            av_opt_set_int(UnsafeMutableRawPointer(context), "linear_interp", 1, 0) >= 0, swr_init(context) >= 0
        else {
            swr_free(&context)
            throw NodeError("libswresample does not stretch \(new)")
        }
    }

    private func close() {
        swr_free(&context)
        sent = SampleTimeline()
        planned = 0
    }

    /// A new epoch or sample rate: what was waiting was thrown away, so many samples, and so is what the resampler holds.
    func reset(discarding samples: Int) {
        cut += samples + Int(max(0, planned - sent.count))
        close()
        received = SampleTimeline()
        last = nil
        delay = 0
        allowance = 0
    }
}
