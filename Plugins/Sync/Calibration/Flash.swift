import Sluice

/// The picture of a calibration mark: a magenta block in the top-left corner.
enum Flash {
    /// Pictures in a row that carry it.
    static let pictures = 2

    /// The block's size in a picture of that size.
    static func size(width: Int, height: Int) -> (width: Int, height: Int) {
        (min(width, max(48, width / 5)), min(height, max(48, height / 5)))
    }

    /// (255, 0, 255) as BT.601 has it in limited range (ITU-R BT.601-7, section 2.5.3).
    static let luma: UInt8 = 106
    static let blue: UInt8 = 202
    static let red: UInt8 = 222

    /// Draws the block into a picture that nobody else holds.
    static func paint(_ frame: VideoFrame) {
        let layout = frame.layout
        guard let pixels = layout.pixelFormat else { return }
        let block = size(width: layout.width, height: layout.height)
        for plane in 0..<pixels.planeCount {
            let count = pixels.rowBytes(plane: plane, width: block.width)
            for y in 0..<pixels.rows(plane: plane, height: block.height) {
                fill(frame.plane(plane) + y * frame.stride(plane), count, pixels, plane)
            }
        }
    }

    private static func fill(
        _ row: UnsafeMutablePointer<UInt8>, _ count: Int, _ pixels: VideoLayout.PixelFormat, _ plane: Int
    ) {
        switch (pixels, plane) {
        case (.i420, 0), (.nv12, 0): row.update(repeating: luma, count: count)
        case (.i420, 1): row.update(repeating: blue, count: count)
        case (.i420, _): row.update(repeating: red, count: count)
        case (.nv12, _): for x in 0..<count { row[x] = x % 2 == 0 ? blue : red }
        case (.rgb24, _): for x in 0..<count { row[x] = x % 3 == 1 ? 0 : 255 }
        case (.bgra, _): for x in 0..<count { row[x] = x % 4 == 1 ? 0 : 255 }
        }
    }
}
