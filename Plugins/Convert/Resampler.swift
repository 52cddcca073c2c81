import CSwresample
import Sluice

/// One context of libswresample, from one layout of interleaved PCM to another.
final class Resampler {
    let from: AudioLayout
    let to: AudioLayout
    private var context: OpaquePointer?

    /// Both layouts say their sample format.
    init(from: AudioLayout, to: AudioLayout) throws {
        (self.from, self.to) = (from, to)
        var (input, output) = (AVChannelLayout(), AVChannelLayout())
        av_channel_layout_default(&input, Int32(from.channels))
        av_channel_layout_default(&output, Int32(to.channels))
        let made = swr_alloc_set_opts2(
            &context, &output, to.sampleFormat!.av, Int32(to.rate), &input, from.sampleFormat!.av, Int32(from.rate), 0,
            nil)
        guard made >= 0, Resampler.mix(context!, from, to) >= 0, swr_init(context) >= 0 else {
            swr_free(&context)
            throw NodeError("libswresample does not convert \(from) to \(to)")
        }
    }

    /// Mixed down so that nothing can clip, floats as integers; mono is as loud on both sides, where libswresample would
    /// take 3 dB off.
    private static func mix(_ context: OpaquePointer, _ from: AudioLayout, _ to: AudioLayout) -> Int32 {
        if from.channels == 1 && to.channels == 2 { return swr_set_matrix(context, [1, 1], 1) }
        return av_opt_set_double(UnsafeMutableRawPointer(context), "rematrix_maxval", 1, 0)
    }

    deinit { swr_free(&context) }

    /// Forgets what it holds.
    func reset() throws {
        guard swr_init(context) >= 0 else { throw NodeError("libswresample: starting anew failed") }
    }

    /// Samples that come out at most for `samples` more.
    func room(for samples: Int) -> Int { Int(max(0, swr_get_out_samples(context, Int32(clamping: samples)))) }

    /// Converts all of `frame`, or pushes out what is held where it is nil, and returns how many samples came.
    func convert(_ frame: AudioFrame?, into result: AudioFrame) throws -> Int {
        var out: UnsafeMutablePointer<UInt8>? = result.buffer.bytes.assumingMemoryBound(to: UInt8.self)
        let count: Int32
        if let frame {
            var pcm: UnsafePointer<UInt8>? = UnsafePointer(frame.buffer.bytes.assumingMemoryBound(to: UInt8.self))
            count = swr_convert(
                context, &out, Int32(clamping: result.sampleCount), &pcm, Int32(clamping: frame.sampleCount))
        } else {
            count = swr_convert(context, &out, Int32(clamping: result.sampleCount), nil, 0)
        }
        guard count >= 0 else { throw NodeError("libswresample: converting \(from) to \(to) failed") }
        return Int(count)
    }
}

extension SampleFormat {
    var av: AVSampleFormat {
        switch self {
        case .s16: AV_SAMPLE_FMT_S16
        case .f32: AV_SAMPLE_FMT_FLT
        }
    }
}
