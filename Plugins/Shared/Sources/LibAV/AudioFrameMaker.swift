import CLibAV
import Sluice

/// Makes interleaved `AudioFrame`s of decoded AVFrames, in pooled memory: s16 stays s16, every other sample format
/// becomes f32.
public final class AudioFrameMaker {
    private var format: MediaFormat?
    private var pool = Pool<AudioFrame>()

    /// Memory is taken with the first frame.
    public init() {}

    /// The engine's sample format for libav's.
    public static func sampleFormat(for format: AVSampleFormat) -> AudioLayout.SampleFormat {
        switch format {
        case AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P, AV_SAMPLE_FMT_U8, AV_SAMPLE_FMT_U8P: .s16
        default: .f32
        }
    }

    /// nil where the frame holds no samples. Header times are left to the caller.
    public func make(_ samples: UnsafeMutablePointer<AVFrame>) throws -> AudioFrame? {
        let count = Int(samples.pointee.nb_samples)
        let channels = Int(samples.pointee.ch_layout.nb_channels)
        guard count > 0, samples.pointee.sample_rate > 0, (1...64).contains(channels) else { return nil }
        let source = AVSampleFormat(samples.pointee.format)
        let layout = AudioLayout(
            AudioFrameMaker.sampleFormat(for: source), rate: Int(samples.pointee.sample_rate), channels: channels,
            speakers: samples.pointee.ch_layout.speakers)
        if format?.audio != layout { format = MediaFormat(audio: layout) }
        let frame = pool.take(format!, sampleCount: count)
        let planes = samples.pointee.extended_data!
        let total = count * channels
        switch source {
        case AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_FLT:
            frame.mutableBytes.copyMemory(from: UnsafeRawBufferPointer(start: planes[0], count: frame.byteCount))
        case AV_SAMPLE_FMT_S16P: interleave(planes, Int16.self, count, channels) { frame.s16[$0] = $1 }
        case AV_SAMPLE_FMT_FLTP: interleave(planes, Float.self, count, channels) { frame.f32[$0] = $1 }
        case AV_SAMPLE_FMT_U8: interleave(planes, UInt8.self, total, 1) { frame.s16[$0] = (Int16($1) - 128) << 8 }
        case AV_SAMPLE_FMT_U8P:
            interleave(planes, UInt8.self, count, channels) { frame.s16[$0] = (Int16($1) - 128) << 8 }
        case AV_SAMPLE_FMT_S32: interleave(planes, Int32.self, total, 1) { frame.f32[$0] = Float($1) * 0x1p-31 }
        case AV_SAMPLE_FMT_S32P: interleave(planes, Int32.self, count, channels) { frame.f32[$0] = Float($1) * 0x1p-31 }
        case AV_SAMPLE_FMT_DBL: interleave(planes, Double.self, total, 1) { frame.f32[$0] = Float($1) }
        case AV_SAMPLE_FMT_DBLP: interleave(planes, Double.self, count, channels) { frame.f32[$0] = Float($1) }
        default:
            let name = av_get_sample_fmt_name(source).map { String(cString: $0) } ?? "unknown"
            throw NodeError("samples in format \(name) cannot be read", advice: "Convert the media to 16 bit first.")
        }
        return frame
    }

    @inline(__always)
    private func interleave<Sample>(
        _ planes: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, _: Sample.Type, _ count: Int, _ channels: Int,
        _ store: (Int, Sample) -> Void
    ) {
        for channel in 0..<channels {
            guard let plane = planes[channel] else { continue }
            plane.withMemoryRebound(to: Sample.self, capacity: count) { samples in
                for index in 0..<count { store(index * channels + channel, samples[index]) }
            }
        }
    }
}
