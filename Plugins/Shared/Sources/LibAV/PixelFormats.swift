import CLibAV
import Sluice

extension VideoLayout.PixelFormat {
    /// libav's name for it.
    public var av: AVPixelFormat {
        switch self {
        case .i420: AV_PIX_FMT_YUV420P
        case .nv12: AV_PIX_FMT_NV12
        case .bgra: AV_PIX_FMT_BGRA
        case .rgb24: AV_PIX_FMT_RGB24
        }
    }

    /// nil for formats that the engine has no word for. JPEG's full-range 4:2:0 counts as i420, which its range aside
    /// it is.
    public init?(_ format: AVPixelFormat) {
        switch format {
        case AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P: self = .i420
        case AV_PIX_FMT_NV12: self = .nv12
        case AV_PIX_FMT_BGRA: self = .bgra
        case AV_PIX_FMT_RGB24: self = .rgb24
        default: return nil
        }
    }
}

extension AVPixelFormat {
    /// A format that is in full range by its name.
    var isFullRange: Bool {
        [AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUVJ411P]
            .contains(self)
    }
}

extension AudioLayout.SampleFormat {
    /// The interleaved format of the same samples.
    public var av: AVSampleFormat {
        switch self {
        case .s16: AV_SAMPLE_FMT_S16
        case .f32: AV_SAMPLE_FMT_FLT
        }
    }
}

extension VideoLayout.ColorMatrix {
    /// nil where `space` says nothing, or one that the engine has no word for.
    public init?(_ space: AVColorSpace) {
        switch space {
        case AVCOL_SPC_BT709: self = .bt709
        case AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M: self = .bt601
        default: return nil
        }
    }

    /// libav's name for it.
    public var av: AVColorSpace {
        switch self {
        case .bt601: AVCOL_SPC_SMPTE170M
        case .bt709: AVCOL_SPC_BT709
        }
    }
}
