import CGeometry
import Geometry
import Sluice
import TestSupport
import Testing

@Suite("Turned pictures") struct PictureTurnTests {
    static let all = (0..<8).map { VideoLayout.Orientation(quarters: $0, isMirrored: $0 >= 4) }

    /// Sizes with whole blocks of 16 and of 32, with rests, and with odd sides.
    @Test(arguments: all, [(48, 32), (80, 144), (64, 18), (37, 21), (1, 5)] as [(Int, Int)])
    func everyPixelComesToItsPlace(_ orientation: VideoLayout.Orientation, size: (width: Int, height: Int)) {
        for pixels in VideoLayout.PixelFormat.allCases {
            var dice = Dice(seed: 7)
            let layout = VideoLayout(width: size.width, height: size.height, pixelFormat: pixels)
            let frame = VideoFrame(format: MediaFormat(video: layout))
            for plane in 0..<pixels.planeCount {
                for y in 0..<pixels.rows(plane: plane, height: size.height) {
                    for x in 0..<pixels.rowBytes(plane: plane, width: size.width) {
                        frame.plane(plane)[y * frame.stride(plane) + x] = UInt8.random(in: 0...255, using: &dice)
                    }
                }
            }
            let result = VideoFrame(format: MediaFormat(video: layout.turned(by: orientation)))
            PictureTurn.turn(frame, by: orientation, into: result)
            for plane in 0..<pixels.planeCount {
                let (was, now) = (pixel(of: frame, plane), pixel(of: result, plane))
                for y in 0..<was.rows {
                    for x in 0..<was.columns {
                        let place = place(of: (x, y), in: was, orientation)
                        #expect(was.at(x, y) == now.at(place.x, place.y), "\(pixels) \(plane): \(x),\(y)")
                    }
                }
            }
        }
    }

    /// The way that this CPU takes, and the one of every CPU.
    @Test(arguments: [(96, 64), (83, 77), (31, 16), (32, 15)] as [(Int, Int)])
    func allCPUsGiveTheSame(columns: Int, rows: Int) {
        var dice = Dice(seed: 11)
        let source = (0..<columns * rows).map { _ in UInt8.random(in: 0...255, using: &dice) }
        var (taken, plain) = ([UInt8](repeating: 0, count: source.count), [UInt8](repeating: 0, count: source.count))
        sluice_transpose(source, columns, &taken, rows, Int32(columns), Int32(rows), 1)
        sluice_transpose_plain(source, columns, &plain, rows, Int32(columns), Int32(rows), 1)
        #expect(taken.elementsEqual(plain))
        #expect(plain[rows] == source[1])
    }

    /// By the definition: mirrored, then turned clockwise about the middle, a quarter at a time.
    private func place(
        of pixel: (x: Int, y: Int), in grid: Grid, _ orientation: VideoLayout.Orientation
    ) -> (x: Int, y: Int) {
        var (x, y, columns, rows) = (pixel.x, pixel.y, grid.columns, grid.rows)
        if orientation.isMirrored { x = columns - 1 - x }
        for _ in 0..<orientation.quarters {
            (x, y) = (rows - 1 - y, x)
            (columns, rows) = (rows, columns)
        }
        return (x, y)
    }

    private struct Grid {
        var columns: Int
        var rows: Int
        var at: (Int, Int) -> [UInt8]
    }

    private func pixel(of frame: VideoFrame, _ plane: Int) -> Grid {
        let pixels = frame.layout.pixelFormat!
        let size = plane == 0 ? [.bgra: 4, .rgb24: 3][pixels, default: 1] : pixels == .nv12 ? 2 : 1
        return Grid(
            columns: pixels.rowBytes(plane: plane, width: frame.layout.width) / size,
            rows: pixels.rows(plane: plane, height: frame.layout.height)
        ) { x, y in (0..<size).map { frame.plane(plane)[y * frame.stride(plane) + x * size + $0] } }
    }

    @Test(arguments: all) func theInverseBringsThePictureBack(_ orientation: VideoLayout.Orientation) {
        let frame = Picture.moving(50, 38, count: 1)[0]
        let there = VideoFrame(format: MediaFormat(video: frame.layout.turned(by: orientation)))
        PictureTurn.turn(frame, by: orientation, into: there)
        let back = VideoFrame(format: MediaFormat(video: there.layout.turned(by: orientation.inverse)))
        PictureTurn.turn(there, by: orientation.inverse, into: back)
        #expect(back.layout.width == 50 && back.packed == frame.packed)
    }

    @Test func aQuarterTurnExchangesTheSidesAndTheShapeOfPixelsAndKeepsTheMatrix() {
        let wide = VideoLayout(
            width: 1_280, height: 480, pixelFormat: .i420, frameRate: .init(25),
            pixelAspect: .init(64, 45))
        let quarter = wide.turned(by: .init(quarters: 1))
        #expect(quarter.description == "480x1280 i420 25/s (pixels 45:64)")
        // 480 rows imply BT.601; 1280 rows would imply BT.709.
        #expect(quarter.colorMatrix == .bt601 && wide.turned(by: .init(quarters: 2)) == wide)
        let told = VideoLayout(width: 64, height: 48, orientation: .init(quarters: 3, isMirrored: true))
        #expect(told.description == "64x48 (to be mirrored and turned by 270°)")
        #expect(told.upright == VideoLayout(width: 48, height: 64))
    }

    @Test func sinksThatCannotSayItAreGivenTheSentences() {
        let layout = VideoLayout(
            width: 64, height: 48, pixelAspect: .init(4, 3), orientation: .init(quarters: 1))
        let told = layout.untold(by: "RTP", turn: true, shownIn: .square)
        #expect(told.count == 2)
        #expect(told[0].hasPrefix("pictures are to be turned by 90°, and RTP cannot say so"))
        #expect(told[1].hasPrefix("pixels are to be shown 4:3, and RTP cannot say so"))
        let plain = VideoLayout(width: 64, height: 48)
        #expect(plain.untold(by: "RTP", turn: true, shownIn: .square).isEmpty)
        #expect(
            plain.untold(by: "RTP", turn: true, shownIn: .init(4, 3)) == [
                "pixels are to be shown 1:1, and the packets say 4:3, by which RTP goes: pictures are shown out of shape. "
                    + "A video-decoder and an encoder before it say the right one."
            ])
    }
}
