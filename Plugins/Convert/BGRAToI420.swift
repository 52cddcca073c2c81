import CPixels
import Sluice

/// BGRA to i420 of the same size: what a browser, a compositor or a game engine gives, and every encoder takes. In
/// integers, equal pictures on every processor, at a fifth of the CPU that libswscale takes for it; libyuv, as Debian 12
/// has it, does not know BT.709. Brightness to the nearest step of each pixel, colours of each square of four.
struct BGRAToI420 {
    private var matrix = pixels_matrix()

    /// nil for other layouts, and for odd sides.
    init?(from: VideoLayout, to: VideoLayout) {
        guard from.pixelFormat == .bgra, to.pixelFormat == .i420, from.width == to.width, from.height == to.height,
            from.width % 2 == 0, from.height % 2 == 0
        else { return nil }
        // ITU-R BT.601-7, 2.5.1, and BT.709-6, 3.2: shares of red and blue in brightness.
        let (red, blue) = to.impliedMatrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
        let (luma, chroma) = (219.0 / 255 * 32_768, 112.0 / 255 * 32_768)
        func whole(_ value: Double) -> Int16 { Int16(value.rounded()) }
        let y = (red: whole(red * luma), blue: whole(blue * luma))
        matrix.y = (y.blue, whole(luma) - y.red - y.blue, y.red)
        // Grey has no colour: each row adds up to nothing.
        let u = (red: whole(-red / (1 - blue) * chroma), blue: whole(chroma))
        matrix.u = (u.blue, -u.blue - u.red, u.red)
        let v = (red: whole(chroma), blue: whole(-blue / (1 - red) * chroma))
        matrix.v = (v.blue, -v.blue - v.red, v.red)
    }

    func convert(_ frame: VideoFrame, into result: VideoFrame) {
        let layout = frame.layout
        withUnsafePointer(to: matrix) { matrix in
            for row in 0..<layout.height / 2 {
                let above = frame.plane(0) + 2 * row * frame.stride(0)
                let bright = result.plane(0) + 2 * row * result.stride(0)
                pixels_bgra_rows(
                    above, above + frame.stride(0), layout.width, bright, bright + result.stride(0),
                    result.plane(1) + row * result.stride(1), result.plane(2) + row * result.stride(2), matrix)
            }
        }
    }
}
