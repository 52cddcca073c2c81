import CLibAV
import Sluice

/// How the colours of a decoded picture are written, and what becomes of those that the engine has no word for: YUV
/// here is BT.601 or BT.709, in limited range.
struct ColorReading: Equatable {
    /// The matrix that the engine's picture says.
    let matrix: VideoLayout.ColorMatrix?
    /// libswscale's number of the matrix by which the picture is read, where it is another one; such a picture is
    /// converted.
    let foreign: Int32?
    /// The picture is in full range, 0 to 255.
    let isFull: Bool
    /// As libav tells them.
    private let space: AVColorSpace
    private let transfer: AVColorTransferCharacteristic
    private let primaries: AVColorPrimaries

    init(_ picture: UnsafePointer<AVFrame>) {
        space = picture.pointee.colorspace
        transfer = picture.pointee.color_trc
        primaries = picture.pointee.color_primaries
        isFull =
            picture.pointee.color_range == AVCOL_RANGE_JPEG || AVPixelFormat(picture.pointee.format).isFullRange
        foreign = ColorReading.foreign(space)
        matrix = foreign == nil ? VideoLayout.ColorMatrix(space) : .bt709
    }

    /// Constant luminance is read as if it were not, which is a little off.
    private static func foreign(_ space: AVColorSpace) -> Int32? {
        switch space {
        case AVCOL_SPC_BT2020_NCL, AVCOL_SPC_BT2020_CL: SWS_CS_BT2020
        case AVCOL_SPC_SMPTE240M: SWS_CS_SMPTE240M
        case AVCOL_SPC_FCC: SWS_CS_FCC
        default: nil
        }
    }

    /// A sentence about what is lost; nil where nothing is.
    var remark: String? {
        let curve: String? =
            switch transfer {
            case AVCOL_TRC_SMPTE2084: "PQ"
            case AVCOL_TRC_ARIB_STD_B67: "HLG"
            default: nil
            }
        if let curve {
            return "pictures are HDR (\(curve)) and become SDR without a mapping of their tones, so they look pale or "
                + "dark: map them first where that matters (ffmpeg's filters zscale and tonemap)"
        }
        if primaries == AVCOL_PRI_BT2020 {
            return "pictures have the wide colours of BT.2020, which become those of BT.709: a little paler"
        }
        switch space {
        case AVCOL_SPC_YCGCO, AVCOL_SPC_ICTCP:
            return
                "pictures have colours as \(ColorReading.name(of: space)), which are read as BT.709's: convert the media first"
        default: return nil
        }
    }

    private static func name(of space: AVColorSpace) -> String {
        av_color_space_name(space).map { String(cString: $0) } ?? "matrix \(space.rawValue)"
    }
}
