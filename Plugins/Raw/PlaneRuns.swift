import Glibc
import Sluice

/// The bytes of a picture without the padding of its rows, as pieces of memory for readv and writev. A picture whose
/// rows are not padded is one piece; of others at most 1,024 rows go with one call (IOV_MAX).
final class PlaneRuns {
    private static let capacity = 1_024
    private let runs = UnsafeMutablePointer<iovec>.allocate(capacity: PlaneRuns.capacity)

    deinit { runs.deallocate() }

    /// Bytes of a picture in a raw stream.
    static func byteCount(_ layout: VideoLayout) -> Int {
        guard let pixels = layout.pixelFormat else { return 0 }
        return (0..<pixels.planeCount).reduce(0) {
            $0 + pixels.rowBytes(plane: $1, width: layout.width) * pixels.rows(plane: $1, height: layout.height)
        }
    }

    /// The memory of `frame` from byte `position` of the stream's picture on.
    func of(_ frame: VideoFrame, from position: Int) -> UnsafeBufferPointer<iovec> {
        guard let pixels = frame.layout.pixelFormat else { return UnsafeBufferPointer(start: runs, count: 0) }
        var left = position
        var count = 0
        for plane in 0..<pixels.planeCount {
            let width = pixels.rowBytes(plane: plane, width: frame.layout.width)
            let height = pixels.rows(plane: plane, height: frame.layout.height)
            let stride = frame.stride(plane)
            guard left < width * height else {
                left -= width * height
                continue
            }
            let start = UnsafeMutableRawPointer(frame.plane(plane))
            if stride == width {
                guard append(start + left, width * height - left, &count) else { break }
            } else {
                var row = left / width
                var used = left % width
                while row < height, append(start + row * stride + used, width - used, &count) {
                    row += 1
                    used = 0
                }
                if row < height { break }
            }
            left = 0
        }
        return UnsafeBufferPointer(start: runs, count: count)
    }

    /// False when no more fit.
    private func append(_ start: UnsafeMutableRawPointer, _ length: Int, _ count: inout Int) -> Bool {
        if count > 0, runs[count - 1].iov_base + runs[count - 1].iov_len == start {
            runs[count - 1].iov_len += length
            return true
        }
        guard count < PlaneRuns.capacity else { return false }
        runs[count] = iovec(iov_base: start, iov_len: length)
        count += 1
        return true
    }
}
