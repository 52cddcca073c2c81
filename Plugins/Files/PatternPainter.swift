import Glibc
import Sluice

/// Draws the test picture: colour bars, a disc that swings over them and flashes white in the first 100 ms of each
/// second, a grey ramp, the time, and the frame number in `VideoFrame.NumberCode`'s cells.
struct PatternPainter {
    private let layout: VideoLayout
    private let rate: VideoLayout.FrameRate
    private let canvas: Canvas
    private let radius: Int
    private let digit: Int

    init(_ layout: VideoLayout) {
        self.layout = layout
        rate = layout.frameRate ?? .init(30)
        canvas = Canvas(layout)
        radius = layout.height / 9
        digit = max(1, layout.height / 144)
    }

    func time(of number: Int) -> MediaTime {
        MediaTime(
            ticks: rescale(
                Int64(number), from: Int64(rate.numerator), to: MediaTime.ticksPerSecond * Int64(rate.denominator)))
    }

    /// The inverse of `time(of:)` up to what a source adds when it loops, which a pattern never does.
    func number(at time: MediaTime) -> Int? {
        guard time.isKnown else { return nil }
        return Int(
            rescale(time.ticks, from: MediaTime.ticksPerSecond * Int64(rate.denominator), to: Int64(rate.numerator)))
    }

    /// Draws frame `number` in memory that shows frame `old`, or anything if nil.
    func draw(_ number: Int, over old: Int?, in frame: VideoFrame) {
        if let old {
            drawBackground(disc(old), in: frame)
        } else {
            drawBackground(Area(left: 0, top: 0, right: layout.width, bottom: layout.height), in: frame)
            canvas.fill(VideoFrame.NumberCode.margin(width: layout.width, height: layout.height), .black, in: frame)
        }
        drawDisc(number, in: frame)
        drawTime(number, in: frame)
        drawNumber(number, over: old, in: frame)
    }

    // MARK: Background

    private typealias Area = VideoFrame.NumberCode.Area

    private static let bars: [Canvas.Colour] = [
        Canvas.Colour(191, 191, 191), Canvas.Colour(191, 191, 0), Canvas.Colour(0, 191, 191), Canvas.Colour(0, 191, 0),
        Canvas.Colour(191, 0, 191), Canvas.Colour(191, 0, 0), Canvas.Colour(0, 0, 191),
    ]
    private static let ramp: [Canvas.Colour] = (0..<16).map { Canvas.Colour($0 * 17, $0 * 17, $0 * 17) }
    private static let ground = Canvas.Colour(24, 26, 32)
    private static let grounds = [ground]

    private func drawBackground(_ area: Area, in frame: VideoFrame) {
        drawColumns(PatternPainter.bars, top: 0, bottom: even(layout.height * 12 / 18), within: area, in: frame)
        drawColumns(
            PatternPainter.ramp, top: even(layout.height * 12 / 18), bottom: even(layout.height * 13 / 18),
            within: area, in: frame)
        drawColumns(
            PatternPainter.grounds, top: even(layout.height * 13 / 18), bottom: layout.height, within: area, in: frame)
    }

    private func drawColumns(_ colours: [Canvas.Colour], top: Int, bottom: Int, within area: Area, in frame: VideoFrame)
    {
        for (index, colour) in colours.enumerated() {
            let left = even(index * layout.width / colours.count)
            let right = index + 1 == colours.count ? layout.width : even((index + 1) * layout.width / colours.count)
            let part = Area(
                left: max(left, area.left), top: max(top, area.top), right: min(right, area.right),
                bottom: min(bottom, area.bottom))
            canvas.fill(part, colour, in: frame)
        }
    }

    private func even(_ value: Int) -> Int { value & ~1 }

    // MARK: Disc

    private func centre(_ number: Int) -> (x: Int, y: Int) {
        let seconds = Double(number) * Double(rate.denominator) / Double(rate.numerator)
        let reach = Double(layout.width / 2 - radius - 2)
        let x = Double(layout.width) / 2 + reach * sin(2 * Double.pi * seconds / 8)
        let y = Double(layout.height) * 6 / 18 + Double(layout.height) * 3 / 18 * sin(2 * Double.pi * seconds / 5)
        return (Int(x.rounded()), Int(y.rounded()))
    }

    /// The square around it, on even columns and rows: chroma has half of them.
    private func disc(_ number: Int) -> Area {
        let (x, y) = centre(number)
        return Area(
            left: max(0, even(x - radius)), top: max(0, even(y - radius)),
            right: min(layout.width, even(x + radius + 2)),
            bottom: min(layout.height, even(y + radius + 2)))
    }

    private func drawDisc(_ number: Int, in frame: VideoFrame) {
        let (x, y) = centre(number)
        let colour = isFlash(number) ? Canvas.Colour.white : PatternPainter.ground
        for dy in -radius...radius {
            let half = Int(Double(radius * radius - dy * dy).squareRoot())
            let row = Area(
                left: max(0, x - half), top: max(0, y + dy), right: min(layout.width, x + half),
                bottom: min(layout.height, y + dy + 1))
            canvas.fill(row, colour, in: frame)
        }
    }

    private func isFlash(_ number: Int) -> Bool {
        time(of: number).ticks % MediaTime.ticksPerSecond < MediaTime.ticksPerSecond / 10
    }

    // MARK: Time and number

    /// `HH:MM:SS.mmm` in the middle, between the ramp and the number.
    private func drawTime(_ number: Int, in frame: VideoFrame) {
        let milliseconds = time(of: number).ticks / (MediaTime.ticksPerSecond / 1_000)
        var left = even(layout.width / 2 - Digits.timeLength * 3 * digit)
        let top = even(layout.height * 27 / 36 + (layout.height / 18 - 7 * digit) / 2)
        guard left >= 0 else { return }
        for index in 0..<Digits.timeLength {
            let glyph = Digits.glyph(index, milliseconds: Int(milliseconds))
            canvas.fill(
                Area(left: left, top: top, right: left + 6 * digit, bottom: top + 7 * digit), PatternPainter.ground,
                in: frame)
            for row in 0..<7 {
                for column in 0..<5 where Digits.glyphs[glyph][row] >> (4 - column) & 1 != 0 {
                    let x = left + column * digit
                    let y = top + row * digit
                    canvas.fill(Area(left: x, top: y, right: x + digit, bottom: y + digit), .light, in: frame)
                }
            }
            left += 6 * digit
        }
    }

    private func drawNumber(_ number: Int, over old: Int?, in frame: VideoFrame) {
        let cells = VideoFrame.NumberCode.cells(of: number)
        let changed = old.map { VideoFrame.NumberCode.cells(of: $0) ^ cells } ?? .max
        for index in 0..<32 where changed >> (31 - index) & 1 != 0 {
            let area = VideoFrame.NumberCode.area(ofCell: index, width: layout.width, height: layout.height)
            canvas.fill(area, cells >> (31 - index) & 1 != 0 ? .white : .black, in: frame)
        }
    }
}
