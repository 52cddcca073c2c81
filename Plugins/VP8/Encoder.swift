import CVPX
import Sluice

/// One libvpx VP8 encoder in its one-pass real-time mode: constant bitrate, no lag, so a picture in is a packet out.
/// Used by one lane at a time.
final class Encoder {
    struct Settings: Equatable {
        var width: Int
        var height: Int
        /// Thousands of bits a second.
        var bitrate: Int
        /// Frames from one keyframe to the next at most; 0 leaves keyframes to requests.
        var keyframeDistance: Int
        var cpuUsed: Int
        var threads: Int
        var isErrorResilient: Bool
    }

    /// Units a second of the times given to `encode`.
    static let timescale: Int64 = 90_000
    /// Of the format: sizes are written in 14 bits (RFC 6386, section 9.1).
    static let largestSide = 16_383

    private let codec: UnsafeMutablePointer<vpx_codec_ctx_t>
    private let image: UnsafeMutablePointer<vpx_image_t>
    private var config = vpx_codec_enc_cfg_t()
    private(set) var settings: Settings

    init(_ settings: Settings) throws {
        self.settings = settings
        let status = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0)
        guard status == VPX_CODEC_OK else { throw vpxError("no VP8 encoder", status) }
        Encoder.fill(&config, settings)
        codec = .allocate(capacity: 1)
        codec.initialize(to: vpx_codec_ctx_t())
        image = .allocate(capacity: 1)
        image.initialize(to: vpx_image_t())
        let opened = cvpx_encoder_init(codec, &config)
        guard opened == VPX_CODEC_OK else {
            codec.deallocate()
            image.deallocate()
            throw vpxError("no encoder for \(settings.width)x\(settings.height)", opened)
        }
        _ = cvpx_set_cpu_used(codec, Int32(clamping: settings.cpuUsed))
    }

    deinit {
        vpx_codec_destroy(codec)
        codec.deallocate()
        image.deallocate()
    }

    private static func fill(_ config: inout vpx_codec_enc_cfg_t, _ settings: Settings) {
        config.g_w = UInt32(settings.width)
        config.g_h = UInt32(settings.height)
        config.g_timebase.num = 1
        config.g_timebase.den = Int32(timescale)
        config.g_pass = VPX_RC_ONE_PASS
        config.g_lag_in_frames = 0
        config.g_threads = UInt32(settings.threads)
        config.g_error_resilient = settings.isErrorResilient ? 1 : 0
        config.rc_end_usage = VPX_CBR
        config.rc_target_bitrate = UInt32(settings.bitrate)
        // A second of buffer, in ms, where libvpx assumes six: a live receiver has no more.
        config.rc_buf_sz = 1_000
        config.rc_buf_initial_sz = 500
        config.rc_buf_optimal_sz = 600
        config.kf_mode = settings.keyframeDistance > 0 ? VPX_KF_AUTO : VPX_KF_DISABLED
        config.kf_max_dist = settings.keyframeDistance > 0 ? UInt32(settings.keyframeDistance) : 0
    }

    /// Takes another bitrate or keyframe distance without a break; the rest needs a new encoder.
    func change(bitrate: Int, keyframeDistance: Int) throws {
        settings.bitrate = bitrate
        settings.keyframeDistance = keyframeDistance
        Encoder.fill(&config, settings)
        let status = vpx_codec_enc_config_set(codec, &config)
        guard status == VPX_CODEC_OK else { throw vpxError("\(bitrate) kb/s refused", status) }
    }

    /// Encodes an i420 picture where it lies. `body` gets the packet's bytes, which last until the next call, or is not
    /// called where the encoder gave none.
    func encode(
        _ frame: VideoFrame, at time: Int64, duration: Int64, asKeyframe: Bool,
        _ body: (UnsafeRawBufferPointer, _ isKeyframe: Bool) -> Void
    ) throws {
        // libvpx knows one stride for both chroma planes.
        let frame = frame.stride(1) == frame.stride(2) ? frame : frame.copy()
        wrap(frame)
        let status = withExtendedLifetime(frame) {
            vpx_codec_encode(
                codec, image, time, UInt(max(1, duration)), asKeyframe ? cvpx_force_keyframe : 0, cvpx_deadline_realtime
            )
        }
        guard status == VPX_CODEC_OK else { throw vpxError("encoding a picture failed", status) }
        var iterator: vpx_codec_iter_t?
        while let packet = vpx_codec_get_cx_data(codec, &iterator) {
            guard let bytes = cvpx_frame_data(packet) else { continue }
            let all = UnsafeRawBufferPointer(start: bytes, count: cvpx_frame_size(packet))
            body(all, cvpx_frame_is_key(packet) != 0)
        }
    }

    private func wrap(_ frame: VideoFrame) {
        let (width, height) = (UInt32(settings.width), UInt32(settings.height))
        vpx_img_wrap(image, VPX_IMG_FMT_I420, width, height, 1, frame.plane(0))
        for plane in 0..<3 { cvpx_set_plane(image, Int32(plane), frame.plane(plane), Int32(frame.stride(plane))) }
    }
}

func vpxError(_ what: String, _ status: vpx_codec_err_t) -> NodeError {
    NodeError("libvpx: \(what) (\(String(cString: vpx_codec_err_to_string(status))))")
}
