import Glibc
import Sluice

/// Fills areas of a picture with one colour, in each pixel format.
struct Canvas {
    private let layout: VideoLayout

    init(_ layout: VideoLayout) { self.layout = layout }

    /// Full-range RGB, and limited-range YCbCr by BT.601 (ITU-R BT.601-7, section 2.5).
    struct Colour {
        let r: UInt8
        let g: UInt8
        let b: UInt8
        let y: UInt8
        let u: UInt8
        let v: UInt8

        init(_ red: Int, _ green: Int, _ blue: Int) {
            (r, g, b) = (UInt8(clamping: red), UInt8(clamping: green), UInt8(clamping: blue))
            y = UInt8(clamping: 16 + (65_738 * red + 129_057 * green + 25_064 * blue + 128_000) / 256_000)
            u = UInt8(clamping: 128 + (-37_945 * red - 74_494 * green + 112_439 * blue) / 256_000)
            v = UInt8(clamping: 128 + (112_439 * red - 94_154 * green - 18_285 * blue) / 256_000)
        }

        static let black = Colour(0, 0, 0)
        static let white = Colour(255, 255, 255)
        static let light = Colour(210, 214, 222)
    }

    /// The bytes of one pixel in memory order.
    private struct Pixel {
        let count: Int
        let first: UInt8
        let second: UInt8
        let third: UInt8
        let fourth: UInt8

        init(_ count: Int, _ first: UInt8, _ second: UInt8, _ third: UInt8 = 0, _ fourth: UInt8 = 0) {
            (self.count, self.first, self.second, self.third, self.fourth) = (count, first, second, third, fourth)
        }
    }

    /// An area outside the picture, or empty, is none. A chroma sample belongs to the area that holds its even column
    /// and row.
    func fill(_ area: VideoFrame.NumberCode.Area, _ colour: Colour, in frame: VideoFrame) {
        guard area.left < area.right, area.top < area.bottom else { return }
        switch layout.pixelFormat {
        case .i420:
            fillPlane(0, area, colour.y, in: frame)
            let half = halved(area)
            fillPlane(1, half, colour.u, in: frame)
            fillPlane(2, half, colour.v, in: frame)
        case .nv12:
            fillPlane(0, area, colour.y, in: frame)
            fillPacked(1, halved(area), Pixel(2, colour.u, colour.v), in: frame)
        case .bgra: fillPacked(0, area, Pixel(4, colour.b, colour.g, colour.r, 255), in: frame)
        case .rgb24: fillPacked(0, area, Pixel(3, colour.r, colour.g, colour.b), in: frame)
        case nil: break
        }
    }

    private func halved(_ area: VideoFrame.NumberCode.Area) -> VideoFrame.NumberCode.Area {
        VideoFrame.NumberCode.Area(
            left: (area.left + 1) / 2, top: (area.top + 1) / 2, right: (area.right + 1) / 2,
            bottom: (area.bottom + 1) / 2)
    }

    private func fillPlane(_ plane: Int, _ area: VideoFrame.NumberCode.Area, _ value: UInt8, in frame: VideoFrame) {
        guard area.left < area.right, area.top < area.bottom else { return }
        let stride = frame.stride(plane)
        var row = frame.plane(plane) + area.top * stride + area.left
        for _ in area.top..<area.bottom {
            memset(row, Int32(value), area.right - area.left)
            row += stride
        }
    }

    private func fillPacked(_ plane: Int, _ area: VideoFrame.NumberCode.Area, _ pixel: Pixel, in frame: VideoFrame) {
        guard area.left < area.right, area.top < area.bottom else { return }
        let stride = frame.stride(plane)
        let first = frame.plane(plane) + area.top * stride + area.left * pixel.count
        let count = (area.right - area.left) * pixel.count
        for index in 0..<area.right - area.left {
            let at = first + index * pixel.count
            at[0] = pixel.first
            at[1] = pixel.second
            if pixel.count > 2 { at[2] = pixel.third }
            if pixel.count > 3 { at[3] = pixel.fourth }
        }
        for row in 1..<max(1, area.bottom - area.top) { memcpy(first + row * stride, first, count) }
    }
}
