import COpus
import Sluice

/// One libopus encoder: one mono or stereo stream through `opus_encode`, which costs half of what the multistream call
/// does. Used by one lane at a time.
final class Encoder {
    private let handle: OpaquePointer
    /// Samples at the input's rate by which what comes out lags behind what went in.
    let lookahead: Int

    /// For samples of this rate, one of libopus's five, and of one or two channels. Throws where libopus refuses.
    init(rate: Int, channels: Int, _ settings: OpusSettings) throws {
        var code: Int32 = 0
        guard let handle = opus_encoder_create(Int32(rate), Int32(channels), settings.application.code, &code) else {
            throw opusError("no encoder for \(rate) Hz and \(channels) channels", code)
        }
        self.handle = handle
        var samples: Int32 = 0
        _ = copus_get_lookahead(handle, &samples)
        lookahead = Int(samples)
        _ = copus_set_vbr(handle, settings.isVBR ? 1 : 0)
        _ = copus_set_complexity(handle, Int32(clamping: settings.complexity))
        _ = copus_set_fec(handle, settings.fec ? 1 : 0)
        _ = copus_set_dtx(handle, settings.dtx ? 1 : 0)
        _ = copus_set_signal(handle, settings.signal.code)
        _ = copus_set_max_bandwidth(handle, settings.bandwidth.code)
        if settings.channels > 0 { _ = copus_set_force_channels(handle, Int32(clamping: settings.channels)) }
    }

    deinit { opus_encoder_destroy(handle) }

    /// Bits a second, 500 to 512,000.
    func set(bitrate: Int) { _ = copus_set_bitrate(handle, Int32(clamping: bitrate)) }
    func set(lossPercent: Int) { _ = copus_set_loss(handle, Int32(clamping: lossPercent)) }

    /// Forgets what was encoded: the next frame depends on none before it. Settings stay.
    func reset() { _ = copus_reset(handle) }

    /// Encodes one Opus frame of `samples` interleaved samples and returns its length in bytes.
    func encode(
        _ pcm: UnsafeRawPointer, _ format: AudioLayout.SampleFormat, samples: Int,
        into out: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        let bytes = out.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let result =
            switch format {
            case .s16:
                opus_encode(
                    handle, pcm.assumingMemoryBound(to: Int16.self), Int32(samples), bytes, Int32(out.count))
            case .f32:
                opus_encode_float(
                    handle, pcm.assumingMemoryBound(to: Float.self), Int32(samples), bytes, Int32(out.count))
            }
        guard result > 0 else { throw opusError("encoding a frame of \(samples) samples failed", result) }
        return Int(result)
    }
}

func opusError(_ what: String, _ code: Int32) -> NodeError {
    NodeError("libopus: \(what) (\(String(cString: opus_strerror(code))))")
}
