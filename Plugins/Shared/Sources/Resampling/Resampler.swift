import CSwresample
import Sluice

/// One context of libswresample, from one layout of interleaved PCM to another. Not safe for two threads at once.
public final class Resampler {
    /// The layout that goes in.
    public let from: AudioLayout
    /// The layout that comes out.
    public let to: AudioLayout
    private var context: OpaquePointer?

    /// Half of the filter of one that stretches: that many samples are taken before the first comes out.
    public static let reach = 16

    /// Converts. Mixed down so that nothing can clip, floats as integers; mono is as loud on both sides, where
    /// libswresample would take 3 dB off. Throws `NodeError` where a layout does not say its sample format, or the
    /// library refuses.
    public convenience init(from: AudioLayout, to: AudioLayout) throws {
        try self.init(from, to) { context in
            if from.channels == 1 && to.channels == 2 { return swr_set_matrix(context, [1, 1], 1) }
            return av_opt_set_double(UnsafeMutableRawPointer(context), "rematrix_maxval", 1, 0)
        }
    }

    /// Keeps the layout and changes the speed, as `stretch` says, with every call if need be: interpolates linearly
    /// between the phases of its filter bank and computes in floats. Throws `NodeError` as above.
    public convenience init(stretching layout: AudioLayout) throws {
        try self.init(layout, layout) { context in
            let options = UnsafeMutableRawPointer(context)
            // Between equal rates libswresample copies unless told that it is going to resample.
            for (name, value) in [
                ("flags", Int64(SWR_FLAG_RESAMPLE)), ("linear_interp", 1), ("exact_rational", 0),
                ("filter_size", Int64(2 * Resampler.reach)), ("phase_shift", 10),
            ] {
                let code = av_opt_set_int(options, name, value, 0)
                guard code >= 0 else { return code }
            }
            return av_opt_set_sample_fmt(options, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0)
        }
    }

    private init(_ from: AudioLayout, _ to: AudioLayout, _ prepare: (OpaquePointer) -> Int32) throws {
        (self.from, self.to) = (from, to)
        guard let given = from.sampleFormat?.av, let wanted = to.sampleFormat?.av else {
            throw NodeError("samples of an unknown format cannot be resampled: \(from) to \(to)")
        }
        var (input, output) = (Resampler.channels(of: from), Resampler.channels(of: to))
        let made = swr_alloc_set_opts2(
            &context, &output, wanted, Int32(clamping: to.rate), &input, given, Int32(clamping: from.rate), 0, nil)
        guard made >= 0, let context, prepare(context) >= 0, swr_init(context) >= 0 else {
            swr_free(&context)
            throw NodeError("libswresample does not convert \(from) to \(to)")
        }
    }

    deinit { swr_free(&context) }

    private static func channels(of layout: AudioLayout) -> AVChannelLayout {
        var channels = AVChannelLayout()
        guard layout.speakers == 0 || av_channel_layout_from_mask(&channels, layout.speakers) < 0 else {
            return channels
        }
        av_channel_layout_default(&channels, Int32(clamping: layout.channels))
        return channels
    }

    /// Forgets what it holds.
    public func reset() throws {
        guard swr_init(context) >= 0 else { throw NodeError("libswresample: starting anew failed") }
    }

    /// Samples that come out at most for `count` more.
    public func room(for count: Int) -> Int { Int(max(0, swr_get_out_samples(context, Int32(clamping: count)))) }

    /// Samples that were taken and not given.
    public var pending: Double { Double(swr_get_delay(context, Int64(from.rate) * 256)) / 256 }

    /// Gives so many samples more in so many of the output, from now on; fewer where negative.
    public func stretch(by samples: Int32, over distance: Int32) throws {
        guard swr_set_compensation(context, samples, distance) >= 0 else {
            throw NodeError("libswresample does not give \(samples) samples more in \(distance)")
        }
    }

    /// Takes `count` samples, or pushes out what is held where there are none, and writes at most `room`; returns how
    /// many it wrote.
    public func convert(
        _ samples: UnsafeRawPointer?, _ count: Int, into result: UnsafeMutableRawPointer, room: Int
    ) throws -> Int {
        var out: UnsafeMutablePointer<UInt8>? = result.assumingMemoryBound(to: UInt8.self)
        let written: Int32
        if let samples {
            var pcm: UnsafePointer<UInt8>? = samples.assumingMemoryBound(to: UInt8.self)
            written = swr_convert(context, &out, Int32(clamping: room), &pcm, Int32(clamping: count))
        } else {
            written = swr_convert(context, &out, Int32(clamping: room), nil, 0)
        }
        guard written >= 0 else { throw NodeError("libswresample: converting \(from) to \(to) failed") }
        return Int(written)
    }

    /// The same with frames: all of `frame`, or what is held where it is nil, into `result`.
    public func convert(_ frame: AudioFrame?, into result: AudioFrame) throws -> Int {
        let bytes = frame.map { UnsafeRawPointer($0.buffer.bytes) }
        return try convert(bytes, frame?.sampleCount ?? 0, into: result.buffer.bytes, room: result.sampleCount)
    }
}

extension AudioLayout.SampleFormat {
    fileprivate var av: AVSampleFormat {
        switch self {
        case .s16: AV_SAMPLE_FMT_S16
        case .f32: AV_SAMPLE_FMT_FLT
        }
    }
}
