import COpus
import Sluice

/// What `application` tells libopus to favour.
enum Application: String, CaseIterable, ParameterConvertible {
    case audio, voip, lowdelay

    var code: Int32 {
        switch self {
        case .audio: OPUS_APPLICATION_AUDIO
        case .voip: OPUS_APPLICATION_VOIP
        case .lowdelay: OPUS_APPLICATION_RESTRICTED_LOWDELAY
        }
    }
}

/// One libopus encoder: one mono or stereo stream through `opus_encode`, which costs half of what the multistream call
/// does. Used by one lane at a time.
final class Encoder {
    private let handle: OpaquePointer
    /// Samples at the input's rate by which what comes out lags behind what went in.
    let lookahead: Int

    /// Throws where libopus refuses; the rate is one of its five, the channels one or two.
    init(rate: Int, channels: Int, application: Application) throws {
        var code: Int32 = 0
        guard let handle = opus_encoder_create(Int32(rate), Int32(channels), application.code, &code) else {
            throw opusError("no encoder for \(rate) Hz and \(channels) channels", code)
        }
        self.handle = handle
        var samples: Int32 = 0
        _ = copus_get_lookahead(handle, &samples)
        lookahead = Int(samples)
    }

    deinit { opus_encoder_destroy(handle) }

    /// Bits a second, 500 to 512,000.
    func set(bitrate: Int) { _ = copus_set_bitrate(handle, Int32(clamping: bitrate)) }
    func set(lossPercent: Int) { _ = copus_set_loss(handle, Int32(clamping: lossPercent)) }

    func set(vbr: Bool, complexity: Int, fec: Bool, dtx: Bool) {
        _ = copus_set_vbr(handle, vbr ? 1 : 0)
        _ = copus_set_complexity(handle, Int32(clamping: complexity))
        _ = copus_set_fec(handle, fec ? 1 : 0)
        _ = copus_set_dtx(handle, dtx ? 1 : 0)
    }

    /// Encodes one Opus frame of `samples` interleaved samples and returns its length in bytes.
    func encode(
        _ pcm: UnsafeRawPointer, _ format: SampleFormat, samples: Int, into out: UnsafeMutableRawBufferPointer
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
