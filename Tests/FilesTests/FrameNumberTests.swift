import Sluice
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("The frame number in a picture") struct FrameNumberTests {
    @Test func everyNumberComesBackAndOneBitOfItChangesFromFrameToFrame() {
        for number in [0, 1, 2, 255, 256, 65_535, 1 << 20, (1 << 24) - 1] {
            #expect(VideoFrame.NumberCode.number(of: VideoFrame.NumberCode.cells(of: number)) == number)
            let change = (VideoFrame.NumberCode.cells(of: number) ^ VideoFrame.NumberCode.cells(of: number + 1)) >> 8
            #expect(change.nonzeroBitCount == 1)
        }
    }

    @Test func oneWrongCellIsNoticed() {
        for bit in 0..<32 {
            #expect(VideoFrame.NumberCode.number(of: VideoFrame.NumberCode.cells(of: 4_711) ^ 1 << UInt32(bit)) == nil)
        }
    }

    @Test func blackAndWhitePicturesHoldNone() {
        #expect(VideoFrame.NumberCode.number(of: 0) == nil)
        #expect(VideoFrame.NumberCode.number(of: .max) == nil)
    }

    @Test(arguments: VideoLayout.PixelFormat.allCases, [(64, 36), (160, 90), (320, 241), (639, 357), (1280, 720)])
    func thePatternCarriesItInEverySizeAndFormat(_ pixels: VideoLayout.PixelFormat, _ size: (Int, Int)) {
        let layout = VideoLayout(width: size.0, height: size.1, pixelFormat: pixels, frameRate: .init(30))
        let painter = PatternPainter(layout)
        let frame = VideoFrame(format: MediaFormat(video: layout))
        for (old, number) in [(nil, 0), (0, 1), (1, 1_000_000), (1_000_000, 77)] as [(Int?, Int)] {
            painter.draw(number, over: old, in: frame)
            #expect(VideoFrame.NumberCode.read(frame) == number)
        }
    }

    @Test(arguments: VideoLayout.PixelFormat.allCases) func aPictureDrawnOverAnotherIsThatDrawnAfresh(
        _ pixels: VideoLayout.PixelFormat
    ) {
        for (width, height) in [(320, 180), (333, 181)] {
            let layout = VideoLayout(width: width, height: height, pixelFormat: pixels, frameRate: .init(30))
            let painter = PatternPainter(layout)
            let reused = VideoFrame(format: MediaFormat(video: layout))
            var old: Int?
            for number in [0, 3, 4, 59, 31, 12_345] {
                painter.draw(number, over: old, in: reused)
                let fresh = VideoFrame(format: reused.format)
                painter.draw(number, over: nil, in: fresh)
                #expect(reused.copy().packed == fresh.copy().packed, "frame \(number) over \(old ?? -1)")
                old = number
            }
        }
    }
}
