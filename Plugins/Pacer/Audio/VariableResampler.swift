import CSwresample
import Sluice

/// libswresample at a rate that differs from 1 by parts per million and may change with every call. Interpolates linearly
/// between the phases of its filter bank and computes in floats.
final class VariableResampler {
    private let layout: AudioLayout
    private var context: OpaquePointer?
    /// Half of the filter: that many samples are taken before the first comes out.
    static let reach = 16

    init(_ layout: AudioLayout) throws {
        self.layout = layout
        var (input, output) = (AVChannelLayout(), AVChannelLayout())
        av_channel_layout_default(&input, Int32(layout.channels))
        av_channel_layout_default(&output, Int32(layout.channels))
        let format = layout.sampleFormat!.av
        var made = swr_alloc_set_opts2(
            &context, &output, format, Int32(layout.rate), &input, format, Int32(layout.rate), 0, nil)
        if made >= 0, let context {
            let options = UnsafeMutableRawPointer(context)
            for (name, value) in [
                ("flags", Int64(SWR_FLAG_RESAMPLE)), ("linear_interp", 1), ("exact_rational", 0),
                ("filter_size", Int64(2 * VariableResampler.reach)), ("phase_shift", 10),
            ] where made >= 0 { made = av_opt_set_int(options, name, value, 0) }
            if made >= 0 { made = av_opt_set_sample_fmt(options, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0) }
            if made >= 0 { made = swr_init(context) }
        }
        guard made >= 0 else {
            swr_free(&context)
            throw NodeError("libswresample does not resample \(layout)")
        }
    }

    deinit { swr_free(&context) }

    /// Takes the input so many parts per million faster than it gives output, from now on.
    func set(ppm: Double) throws {
        // The resampler gives `delta` samples more in `distance` of its output.
        let distance: Int32 = 10_000_000
        let delta = Int32((-ppm * Double(distance) / 1e6).rounded())
        guard swr_set_compensation(context, delta, distance) >= 0 else {
            throw NodeError("libswresample does not take a compensation of \(decimal(ppm, places: 1)) ppm")
        }
    }

    /// Samples that were taken and not given.
    var pending: Double { Double(swr_get_delay(context, Int64(layout.rate) * 256)) / 256 }

    /// Samples to be taken for `count` more, or one less than that: what was taken before and not given is used up first.
    func need(for count: Int) -> Int {
        max(1, count + Int((Double(VariableResampler.reach) - pending).rounded(.up)))
    }

    /// Takes `count` samples and writes at most `room`; returns how many it wrote.
    func convert(
        _ samples: UnsafeRawPointer, _ count: Int, into result: UnsafeMutableRawPointer, room: Int
    ) throws -> Int {
        var out: UnsafeMutablePointer<UInt8>? = result.assumingMemoryBound(to: UInt8.self)
        var pcm: UnsafePointer<UInt8>? = samples.assumingMemoryBound(to: UInt8.self)
        let written = swr_convert(context, &out, Int32(clamping: room), &pcm, Int32(clamping: count))
        guard written >= 0 else { throw NodeError("libswresample: resampling \(layout) failed") }
        return Int(written)
    }
}

extension SampleFormat {
    fileprivate var av: AVSampleFormat {
        switch self {
        case .s16: AV_SAMPLE_FMT_S16
        case .f32: AV_SAMPLE_FMT_FLT
        }
    }
}
