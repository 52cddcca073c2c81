import Sluice

/// The visible part of a stamp as the pictures under it have their pixels: for each byte of a picture what is added,
/// and how much of the picture stays. YUV in limited range by the matrix of the picture; a chroma sample is the mean of
/// the four pixels that it belongs to.
struct Layer {
    /// A layer serves every place of the same evenness.
    struct Key: Equatable {
        var pixels: VideoLayout.PixelFormat
        var matrix: VideoLayout.ColorMatrix
        var opacity: UInt8
        /// In the stamp.
        var left = 0
        var top = 0
        var width = 0
        var height = 0
        /// The first pixel lies on an odd column of the picture.
        var isOddX = false
        /// The first pixel lies on an odd row.
        var isOddY = false
    }

    private struct Plane {
        /// Bytes of a row, and rows.
        var count = 0
        var rows = 0
        var added: [UInt8] = []
        var kept: [UInt8] = []
        /// Bytes of each row that are not transparent.
        var spans: [Range<Int>] = []
    }

    private var planes: [Plane] = []
    private let key: Key

    init(_ stamp: Stamp, _ key: Key) {
        self.key = key
        switch key.pixels {
        case .bgra: planes = [packed(stamp, [2, 1, 0, 3])]
        case .rgb24: planes = [packed(stamp, [0, 1, 2])]
        case .i420:
            planes = [luma(stamp), chroma(stamp, [.blue]), chroma(stamp, [.red])]
        case .nv12: planes = [luma(stamp), chroma(stamp, [.blue, .red])]
        }
        for index in planes.indices { planes[index].spans = Layer.spans(planes[index]) }
    }

    /// Lays it on `frame`, which nobody else holds, with its first pixel at `x`, `y`.
    func blend(on frame: VideoFrame, x: Int, y: Int) {
        for (index, plane) in planes.enumerated() {
            let isHalved = key.pixels.isYUV && index > 0
            let left = key.pixels.rowBytes(plane: index, width: isHalved ? x & ~1 : x)
            let top = isHalved ? y / 2 : y
            let first = frame.plane(index) + top * frame.stride(index) + left
            plane.added.withUnsafeBufferPointer { added in
                plane.kept.withUnsafeBufferPointer { kept in
                    for row in 0..<plane.rows {
                        let span = plane.spans[row]
                        guard !span.isEmpty else { continue }
                        let start = row * plane.count + span.lowerBound
                        Layer.blend(
                            first + row * frame.stride(index) + span.lowerBound, added.baseAddress! + start,
                            kept.baseAddress! + start, span.count)
                    }
                }
            }
        }
    }

    private static func blend(
        _ bytes: UnsafeMutablePointer<UInt8>, _ added: UnsafePointer<UInt8>, _ kept: UnsafePointer<UInt8>, _ count: Int
    ) {
        for index in 0..<count { bytes[index] = added[index] &+ scaled(bytes[index], kept[index]) }
    }

    private static func spans(_ plane: Plane) -> [Range<Int>] {
        (0..<plane.rows).map { row in
            let kept = plane.kept[row * plane.count..<(row + 1) * plane.count]
            guard let first = kept.firstIndex(where: { $0 != 255 }), let last = kept.lastIndex(where: { $0 != 255 })
            else { return 0..<0 }
            return first - kept.startIndex..<last - kept.startIndex + 1
        }
    }

    // MARK: Pixels

    /// Red, green, blue and opacity, all multiplied by the layer's opacity; transparent outside.
    private func pixel(_ stamp: Stamp, _ x: Int, _ y: Int) -> (Double, Double, Double, Double) {
        guard x >= 0, y >= 0, x < key.width, y < key.height else { return (0, 0, 0, 0) }
        let place = ((key.top + y) * stamp.width + key.left + x) * 4
        let factor = Double(key.opacity) / 255
        return stamp.pixels.withUnsafeBufferPointer {
            (
                Double($0[place]) * factor, Double($0[place + 1]) * factor, Double($0[place + 2]) * factor,
                Double($0[place + 3]) * factor
            )
        }
    }

    private func packed(_ stamp: Stamp, _ order: [Int]) -> Plane {
        var plane = empty(key.width * order.count, key.height)
        for y in 0..<key.height {
            for x in 0..<key.width {
                let (red, green, blue, alpha) = pixel(stamp, x, y)
                let parts = [red, green, blue, alpha]
                let place = y * plane.count + x * order.count
                for (index, part) in order.enumerated() { set(&plane, place + index, parts[part], alpha) }
            }
        }
        return plane
    }

    private func luma(_ stamp: Stamp) -> Plane {
        let (red, blue) = key.matrix.weights
        var plane = empty(key.width, key.height)
        for y in 0..<key.height {
            for x in 0..<key.width {
                let (r, g, b, alpha) = pixel(stamp, x, y)
                let bright = red * r + (1 - red - blue) * g + blue * b
                set(&plane, y * plane.count + x, (16 * alpha + 219 * bright) / 255, alpha)
            }
        }
        return plane
    }

    private enum Difference { case blue, red }

    private func chroma(_ stamp: Stamp, _ parts: [Difference]) -> Plane {
        let (red, blue) = key.matrix.weights
        let (shiftX, shiftY) = (key.isOddX ? 1 : 0, key.isOddY ? 1 : 0)
        let (columns, rows) = ((key.width + shiftX + 1) / 2, (key.height + shiftY + 1) / 2)
        var plane = empty(columns * parts.count, rows)
        for y in 0..<rows {
            for x in 0..<columns {
                var (r, g, b, alpha) = (0.0, 0.0, 0.0, 0.0)
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let one = pixel(stamp, 2 * x + dx - shiftX, 2 * y + dy - shiftY)
                    (r, g, b, alpha) = (r + one.0 / 4, g + one.1 / 4, b + one.2 / 4, alpha + one.3 / 4)
                }
                let bright = red * r + (1 - red - blue) * g + blue * b
                for (index, part) in parts.enumerated() {
                    let difference = part == .blue ? (b - bright) / (2 - 2 * blue) : (r - bright) / (2 - 2 * red)
                    set(
                        &plane, y * plane.count + x * parts.count + index, (128 * alpha + 224 * difference) / 255, alpha
                    )
                }
            }
        }
        return plane
    }

    private func empty(_ count: Int, _ rows: Int) -> Plane {
        Plane(
            count: count, rows: rows, added: Array(repeating: 0, count: count * rows),
            kept: Array(repeating: 255, count: count * rows))
    }

    private func set(_ plane: inout Plane, _ place: Int, _ value: Double, _ alpha: Double) {
        plane.kept[place] = 255 - UInt8(alpha.rounded())
        // Both may round up together.
        plane.added[place] = UInt8(min(max(value.rounded(), 0), alpha.rounded()))
    }
}

extension VideoLayout.ColorMatrix {
    /// Of red and of blue in the brightness.
    fileprivate var weights: (red: Double, blue: Double) {
        self == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
    }
}
