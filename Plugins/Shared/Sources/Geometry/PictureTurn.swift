import CGeometry
import Sluice

/// Turns raw pictures by quarters, and mirrors them: each pixel is copied once, none is changed.
public enum PictureTurn {
    /// Writes `frame`, mirrored and turned as `orientation` says, into `result`, whose layout is
    /// `frame.layout.turned(by: orientation)`, and which nobody else holds. Headers are left to the caller.
    public static func turn(_ frame: VideoFrame, by orientation: VideoLayout.Orientation, into result: VideoFrame) {
        guard let pixels = frame.layout.pixelFormat else { return }
        for plane in 0..<pixels.planeCount {
            let size = pixels.bytesPerPixel(plane: plane)
            let columns = pixels.rowBytes(plane: plane, width: frame.layout.width) / size
            let rows = pixels.rows(plane: plane, height: frame.layout.height)
            turn(
                Rows(frame, plane), Rows(result, plane), columns: columns, rows: rows, size: size, by: orientation)
        }
    }

    private struct Rows {
        var first: UnsafeMutablePointer<UInt8>
        var stride: Int

        init(_ frame: VideoFrame, _ plane: Int) { (first, stride) = (frame.plane(plane), frame.stride(plane)) }

        /// The same rows, the last one first.
        func reversed(_ count: Int) -> Rows {
            var other = self
            other.first += (count - 1) * stride
            other.stride = -stride
            return other
        }
    }

    private static func turn(
        _ from: Rows, _ to: Rows, columns: Int, rows: Int, size: Int, by orientation: VideoLayout.Orientation
    ) {
        guard orientation.exchangesSides else {
            let isReversed = orientation.quarters == 2
            let target = isReversed ? to.reversed(rows) : to
            // Turned by half and mirrored is upside down alone.
            let isMirrored = isReversed != orientation.isMirrored
            for y in 0..<rows {
                let (row, place) = (from.first + y * from.stride, target.first + y * target.stride)
                if isMirrored {
                    sluice_mirror(row, place, Int32(columns), Int32(size))
                } else {
                    place.update(from: row, count: columns * size)
                }
            }
            return
        }
        // Rows that become columns are a mirror image. Turned by 90°, the last row becomes the first column; by 270°
        // the last column becomes the first row.
        let isLastRowFirst = orientation.quarters == 1
        let source = isLastRowFirst ? from.reversed(rows) : from
        let target = isLastRowFirst == orientation.isMirrored ? to.reversed(columns) : to
        sluice_transpose(
            source.first, source.stride, target.first, target.stride, Int32(columns), Int32(rows), Int32(size))
    }
}

extension VideoLayout.PixelFormat {
    /// Bytes of one pixel in a plane; in the second plane of NV12 both colours.
    fileprivate func bytesPerPixel(plane: Int) -> Int {
        switch self {
        case .i420: 1
        case .nv12: plane == 0 ? 1 : 2
        case .bgra: 4
        case .rgb24: 3
        }
    }
}
