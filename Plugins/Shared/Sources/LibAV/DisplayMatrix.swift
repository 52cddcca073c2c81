import CLibAV
import Glibc
import Sluice

/// How a container or a codec says that pictures are to be turned: nine numbers, of which four turn and mirror
/// (ISO/IEC 14496-12, section 8.3.2).
public enum DisplayMatrix {
    /// A matrix that turns by quarters, or says by how much else it turns.
    public enum Reading: Equatable, Sendable {
        case orientation(VideoLayout.Orientation)
        /// Degrees clockwise, rounded.
        case askew(Int)
    }

    /// Of a demuxer's stream; nil where it has none.
    public static func read(_ stream: UnsafePointer<AVStream>) -> Reading? {
        var size = 0
        let bytes = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size)
        return read(UnsafeRawPointer(bytes), size)
    }

    /// Of a decoded picture, whose codec says it (the display orientation of H.264); nil where it has none.
    public static func read(_ frame: UnsafePointer<AVFrame>) -> Reading? {
        guard frame.pointee.nb_side_data > 0, let data = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX)
        else { return nil }
        return read(UnsafeRawPointer(data.pointee.data), data.pointee.size)
    }

    private static func read(_ bytes: UnsafeRawPointer?, _ size: Int) -> Reading? {
        guard let bytes, size >= 9 * 4 else { return nil }
        return read((0..<9).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) })
    }

    /// nil where it is no matrix: the four numbers that turn are 0.
    static func read(_ matrix: [Int32]) -> Reading? {
        let (a, b, c, d) = (Double(matrix[0]), Double(matrix[1]), Double(matrix[3]), Double(matrix[4]))
        let (straight, crossed) = (max(abs(a), abs(d)), max(abs(b), abs(c)))
        // A hundredth is half a degree.
        if crossed * 100 < straight, a != 0, d != 0 {
            return .orientation(.init(quarters: d < 0 ? 2 : 0, isMirrored: (a < 0) != (d < 0)))
        }
        if straight * 100 < crossed, b != 0, c != 0 {
            return .orientation(.init(quarters: c < 0 ? 1 : 3, isMirrored: (b < 0) == (c < 0)))
        }
        guard straight > 0 || crossed > 0 else { return nil }
        let turn = Int((atan2(b, a) * 180 / .pi).rounded())
        return .askew(turn < 0 ? turn + 360 : turn)
    }

    /// The nine numbers for pictures of that size as they are stored, which stay in the first quadrant.
    static func numbers(_ orientation: VideoLayout.Orientation, width: Int, height: Int) -> [Int32] {
        let one: Int32 = 1 << 16
        var (a, b, c, d): (Int32, Int32, Int32, Int32) =
            switch orientation.quarters {
            case 1: (0, one, -one, 0)
            case 2: (-one, 0, 0, -one)
            case 3: (0, -one, one, 0)
            default: (one, 0, 0, one)
            }
        if orientation.isMirrored { (a, b) = (-a, -b) }
        let (w, h) = (Int32(clamping: width), Int32(clamping: height))
        let x = (a < 0 ? w : 0) + (c < 0 ? h : 0)
        let y = (b < 0 ? w : 0) + (d < 0 ? h : 0)
        return [a, b, 0, c, d, 0, x &<< 16, y &<< 16, 1 << 30]
    }

    /// Tells a muxer's stream. Does nothing for upright pictures.
    static func write(_ layout: VideoLayout, to stream: UnsafeMutablePointer<AVStream>) throws(AVError) {
        guard layout.orientation != .upright else { return }
        let numbers = numbers(layout.orientation, width: layout.width, height: layout.height)
        guard let bytes = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * 4) else {
            throw AVError(sluice_averror(ENOMEM))
        }
        UnsafeMutableRawPointer(bytes).copyMemory(from: numbers, byteCount: 9 * 4)
    }
}

extension DisplayMatrix {
    /// The sentence for pictures that are to be turned by that many degrees, behind the name of the media.
    public static func words(askew degrees: Int) -> String {
        "pictures are to be turned by \(degrees)°, which is no quarter turn: they stay as they are stored"
    }
}
