import Glibc
import Sluice

/// Draws the talking figure in I420: a head on a plain ground, whose mouth moves as its voice does.
struct FigurePainter {
    /// Limited-range YCbCr by BT.601.
    private struct Colour {
        let y, u, v: UInt8

        static let ground = Colour(y: 44, u: 138, v: 120)
        static let skin = Colour(y: 176, u: 108, v: 150)
        static let dark = Colour(y: 30, u: 128, v: 128)
        static let lips = Colour(y: 88, u: 112, v: 176)
        static let white = Colour(y: 225, u: 128, v: 128)
        static let speaks = Colour(y: 150, u: 60, v: 60)
        static let listens = Colour(y: 90, u: 128, v: 128)
    }

    private let width: Int
    private let height: Int

    init(_ layout: VideoLayout) { (width, height) = (layout.width, layout.height) }

    /// How the figure looks at one moment.
    struct Look {
        /// The mouth, as parts of the most; a height of 0 is shut.
        var mouth = (width: 0.6, height: 0.0)
        var isSpeaking = false
        var isBlinking = false
    }

    func draw(_ look: Look, in frame: VideoFrame) {
        fill(.ground, in: frame)
        let (x, y, unit) = (Double(width) / 2, Double(height) / 2, Double(min(width, height)) / 20)
        ellipse(x, y, 8.6 * unit, 9.2 * unit, look.isSpeaking ? .speaks : .listens, in: frame)
        ellipse(x, y, 8 * unit, 8.6 * unit, .ground, in: frame)
        ellipse(x, y, 6.6 * unit, 7.6 * unit, .skin, in: frame)
        for side in [-1.0, 1.0] {
            let eye = x + side * 2.6 * unit
            if look.isBlinking {
                ellipse(eye, y - 2 * unit, unit, 0.2 * unit, .dark, in: frame)
            } else {
                ellipse(eye, y - 2 * unit, unit, 0.8 * unit, .white, in: frame)
                ellipse(eye, y - 2 * unit, 0.45 * unit, 0.5 * unit, .dark, in: frame)
            }
            ellipse(eye, y - 3.5 * unit, 1.2 * unit, 0.2 * unit, .dark, in: frame)
        }
        let (half, open) = (2.6 * unit * max(0.4, look.mouth.width), 1.6 * unit * look.mouth.height)
        ellipse(x, y + 3.6 * unit, half, open + 0.35 * unit, .lips, in: frame)
        if open > 0 { ellipse(x, y + 3.6 * unit, half * 0.8, open, .dark, in: frame) }
    }

    private func fill(_ colour: Colour, in frame: VideoFrame) {
        for row in 0..<height { memset(frame.plane(0) + row * frame.stride(0), Int32(colour.y), width) }
        for row in 0..<(height + 1) / 2 {
            memset(frame.plane(1) + row * frame.stride(1), Int32(colour.u), (width + 1) / 2)
            memset(frame.plane(2) + row * frame.stride(2), Int32(colour.v), (width + 1) / 2)
        }
    }

    /// Centre and half axes in pixels; cut at the picture's edges.
    private func ellipse(
        _ x: Double, _ y: Double, _ half: Double, _ tall: Double, _ colour: Colour, in frame: VideoFrame
    ) {
        rows(x, y, half, tall, width, height) {
            memset(frame.plane(0) + $0 * frame.stride(0) + $1, Int32(colour.y), $2)
        }
        rows(x / 2, y / 2, half / 2, tall / 2, (width + 1) / 2, (height + 1) / 2) {
            memset(frame.plane(1) + $0 * frame.stride(1) + $1, Int32(colour.u), $2)
            memset(frame.plane(2) + $0 * frame.stride(2) + $1, Int32(colour.v), $2)
        }
    }

    /// Calls `body` with row, first column and count of columns.
    private func rows(
        _ x: Double, _ y: Double, _ half: Double, _ tall: Double, _ width: Int, _ height: Int,
        _ body: (Int, Int, Int) -> Void
    ) {
        let first = max(0, Int((y - tall).rounded()))
        let end = min(height, Int((y + tall).rounded()))
        for row in first..<max(first, end) {
            let dy = (Double(row) + 0.5 - y) / tall
            let reach = half * max(0, 1 - dy * dy).squareRoot()
            let left = max(0, Int((x - reach).rounded()))
            let right = min(width, Int((x + reach).rounded()))
            if right > left { body(row, left, right - left) }
        }
    }
}
