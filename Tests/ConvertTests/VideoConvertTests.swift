import Foundation
import Geometry
import Sluice
import TestSupport
import Testing

@testable import ConvertPlugin

@Suite struct VideoConvertTests {
    private func convert(_ frames: [VideoFrame], _ parameters: [String: ParameterValue]) throws -> [VideoFrame] {
        try NodeBench(VideoConvert.self, parameters).run(frames).video
    }

    /// A picture of one colour.
    private func plain(_ width: Int, _ height: Int, _ format: VideoLayout.PixelFormat, _ bytes: [UInt8]) -> VideoFrame {
        let frame = VideoFrame(
            format: MediaFormat(
                video: VideoLayout(width: width, height: height, pixelFormat: format, frameRate: .init(30))))
        for plane in 0..<format.planeCount {
            for y in 0..<format.rows(plane: plane, height: height) {
                for x in 0..<format.rowBytes(plane: plane, width: width) {
                    let sample =
                        format == .i420 ? plane : format == .nv12 ? plane == 0 ? 0 : 1 + x % 2 : x % bytes.count
                    frame.plane(plane)[y * frame.stride(plane) + x] = bytes[sample]
                }
            }
        }
        frame.header.pts = .zero
        return frame
    }

    /// Pixels of 64:45 of a picture of 720x576, which is shown as 1024x576.
    @Test(
        arguments: [
            ([:], 720, 576, "64:45"), (["width": 360], 360, 288, "64:45"), (["pixels": "square"], 1_024, 576, "1:1"),
            (["pixels": "square", "height": 288], 512, 288, "1:1"),
            (["pixels": "square", "width": 640], 640, 360, "1:1"),
            (["width": 640, "height": 360, "fit": "stretch"], 640, 360, "1:1"),
        ] as [([String: ParameterValue], Int, Int, String)])
    func pixelsThatAreNotSquareKeepTheirShapeOrBecomeSquare(
        _ parameters: [String: ParameterValue], width: Int, height: Int, aspect: String
    ) throws {
        let layout = VideoLayout(
            width: 720, height: 576, pixelFormat: .i420, pixelAspect: VideoLayout.PixelAspect(128, 90))
        let frame = VideoFrame(format: MediaFormat(video: layout))
        frame.header.pts = .zero
        let result = try #require(convert([frame], parameters).first).layout
        #expect(result.width == width && result.height == height && "\(result.pixelAspect)" == aspect, "\(result)")
    }

    /// As they are shown, 1024x576 into 576x576 needs bars above and below; cut to its shape, it loses its sides.
    @Test func barsAndCutsFollowTheShapeThatIsShown() {
        let from = VideoLayout(
            width: 720, height: 576, pixelFormat: .i420, pixelAspect: VideoLayout.PixelAspect(64, 45))
        let to = VideoLayout(width: 576, height: 576, pixelFormat: .i420)
        #expect(Geometry(from: from, to: to, fit: .pad).target == Rectangle(x: 0, y: 126, width: 576, height: 324))
        #expect(Geometry(from: from, to: to, fit: .crop).source == Rectangle(x: 156, y: 0, width: 406, height: 576))
    }

    @Test func aspectsAreInLowestTermsAndThoseThatMakeNoSenseAreSquare() {
        #expect(VideoLayout.PixelAspect(128, 90) == VideoLayout.PixelAspect(64, 45))
        for (width, height) in [(0, 0), (0, 1), (1, 0), (-4, 3), (4, -3), (70_001, 1), (Int.max, 1), (Int.min, 3)] {
            #expect(VideoLayout.PixelAspect(width, height) == .square, "\(width):\(height)")
        }
    }

    @Test(arguments: VideoLayout.PixelFormat.allCases, VideoLayout.PixelFormat.allCases) func coloursSurviveEveryPair(
        from: VideoLayout.PixelFormat, to: VideoLayout.PixelFormat
    ) throws {
        // BT.601 limited range of red 200, green 100, blue 50.
        let yuv: [UInt8] = [123, 91, 175]
        func colour(_ format: VideoLayout.PixelFormat) -> [UInt8] {
            switch format {
            case .i420, .nv12: yuv
            case .bgra: [50, 100, 200, 255]
            case .rgb24: [200, 100, 50]
            }
        }
        let result = try #require(
            convert([plain(66, 34, from, colour(from))], ["pixel_format": .string(to.rawValue)]).first)
        #expect(result.layout.pixelFormat == to)
        let wanted = plain(66, 34, to, colour(to))
        let off = zip(result.packed, wanted.packed).map { abs(Int($0) - Int($1)) }.max() ?? 255
        #expect(off <= 3)
    }

    @Test(arguments: [(640, 360), (321, 181), (2, 2)]) func sizesAreReached(width: Int, height: Int) throws {
        let frames = Picture.moving(1_280, 720, count: 3)
        let results = try convert(
            frames, ["width": .integer(width), "height": .integer(height), "fit": .string("stretch")])
        #expect(results.count == 3)
        for (frame, result) in zip(frames, results) {
            #expect(result.layout.width == width && result.layout.height == height)
            #expect(result.layout.frameRate == .init(30))
            #expect(result.header.pts == frame.header.pts && result.header.duration == frame.header.duration)
            #expect(result.header.captured == frame.header.captured)
        }
    }

    @Test func oneSideFollowsTheShape() throws {
        let frames = Picture.moving(1_280, 720, count: 1)
        #expect(try convert(frames, ["width": .integer(640)]).first?.layout.height == 360)
        #expect(try convert(frames, ["height": .integer(90)]).first?.layout.width == 160)
    }

    @Test func barsAreBlackAndThePictureLiesBetweenThem() throws {
        let frame = plain(160, 90, .i420, [200, 90, 160])
        let result = try #require(convert([frame], ["width": .integer(160), "height": .integer(160)]).first)
        for y in 0..<160 {
            let isInside = (34..<124).contains(y)
            #expect(result.plane(0)[y * result.stride(0) + 80] == (isInside ? 200 : 16))
            #expect(result.plane(1)[y / 2 * result.stride(1) + 40] == (isInside ? 90 : 128))
        }
        let wide = try #require(
            convert([frame], ["width": .integer(320), "height": .integer(90), "pixel_format": .string("bgra")]).first)
        #expect(Array(UnsafeBufferPointer(start: wide.plane(0), count: 4)) == [0, 0, 0, 255])
        #expect(wide.plane(0)[160 * 4 + 1] != 0)
    }

    @Test func cropKeepsTheMiddle() throws {
        let frame = plain(160, 90, .i420, [16, 128, 128])
        for y in 0..<90 { for x in 60..<100 { frame.plane(0)[y * frame.stride(0) + x] = 200 } }
        let result = try #require(
            convert([frame], ["width": .integer(30), "height": .integer(90), "fit": .string("crop")]).first)
        #expect(result.packed[0..<30 * 90].allSatisfy { $0 == 200 })
    }

    @Test func whatFitsPassesUntouched() throws {
        let frames = Picture.moving(64, 48, count: 4)
        for settings in [[:], ["width": .integer(64), "height": .integer(48), "pixel_format": .string("i420")]]
            as [[String: ParameterValue]]
        {
            let results = try convert(frames, settings)
            #expect(results.count == 4)
            #expect(zip(frames, results).allSatisfy { $0 === $1 })
        }
    }

    @Test func formatsThatChangeInMidStreamAreFollowed() throws {
        let frames =
            Picture.moving(64, 48, count: 2) + Picture.moving(320, 200, format: .bgra, count: 2, start: 2)
            + Picture.moving(160, 90, count: 2, start: 4)
        for (index, frame) in frames.enumerated() { frame.header.epoch = UInt32(index) }
        let results = try convert(
            frames, ["width": .integer(160), "height": .integer(90), "pixel_format": .string("i420")])
        #expect(results.count == 6)
        #expect(results.allSatisfy { $0.layout.width == 160 && $0.layout.pixelFormat == .i420 })
        #expect(results.map(\.header.epoch) == [0, 1, 2, 3, 4, 5])
        #expect(results[4] === frames[4])
    }

    @Test func shapesWithoutBoundAreRefused() throws {
        #expect { try convert(Picture.moving(2, 4_000, count: 1), ["width": .integer(8_000)]) } throws: {
            "\($0)".contains("too large") && "\($0)".contains("Give both")
        }
    }

    // MARK: Turned

    /// In any order of the two steps a picture that is turned and scaled shows the same.
    @Test(arguments: [("90", 1), ("180", 2), ("270", 3)], [(24, 32), (96, 128), (48, 64)])
    func picturesAreTurnedAndScaled(_ turn: (word: String, quarters: Int), size: (width: Int, height: Int)) throws {
        let frame = Picture.moving(64, 48, count: 1)[0]
        let (width, height) = turn.quarters == 2 ? (size.height, size.width) : size
        let asked: [String: ParameterValue] = [
            "rotate": .string(turn.word), "width": .integer(width), "height": .integer(height),
        ]
        let result = try #require(convert([frame], asked).first)
        #expect(result.layout.width == width && result.layout.height == height)
        let turned = VideoFrame(format: MediaFormat(video: frame.layout.turned(by: .init(quarters: turn.quarters))))
        PictureTurn.turn(frame, by: .init(quarters: turn.quarters), into: turned)
        turned.header = frame.header
        let wanted = try #require(
            convert([turned], ["width": .integer(width), "height": .integer(height)]).first)
        #expect(psnr(result.packed, wanted.packed) > (width == turned.layout.width ? 1_000 : 35))
        #expect(result.header.pts == frame.header.pts)
    }

    @Test func picturesAreMirroredAndTheirSidesAndPixelsExchanged() throws {
        let layout = VideoLayout(width: 64, height: 48, pixelFormat: .nv12, pixelAspect: .init(4, 3))
        let frame = VideoFrame(format: MediaFormat(video: layout))
        for y in 0..<48 { for x in 0..<64 { frame.plane(0)[y * frame.stride(0) + x] = UInt8(x + y) } }
        frame.header.pts = .zero
        let mirrored = try #require(convert([frame], ["mirror": true]).first)
        #expect(mirrored.layout == layout && mirrored.plane(0)[0] == 63 && mirrored.plane(0)[63] == 0)
        let both = try #require(convert([frame], ["mirror": true, "rotate": "90"]).first)
        #expect(both.layout.description == "48x64 nv12 (pixels 3:4)")
        // The last row, mirrored, is the first column.
        #expect(both.plane(0)[0] == 63 + 47 && both.plane(0)[63 * both.stride(0)] == 47)
        let square = try #require(convert([frame], ["rotate": "90", "pixels": "square"]).first)
        #expect(square.layout.description == "36x64 nv12")
    }

    @Test func fieldsThatAreMixedAreSaidAndThoseThatAreNotGoOn() throws {
        let frames = Picture.moving(64, 48, count: 2)
        for frame in frames { frame.header.flags.insert(.interlaced) }
        let scaled = try NodeBench(VideoConvert.self, ["height": 24]).run(frames)
        #expect(scaled.events.filter { $0.contains("interlaced and are scaled") }.count == 1)
        #expect(scaled.video.allSatisfy { !$0.header.flags.contains(.interlaced) })
        let kept = try NodeBench(VideoConvert.self, ["pixel_format": "nv12"]).run(frames)
        #expect(kept.video.allSatisfy { $0.header.flags.contains(.interlaced) } && kept.events.isEmpty)
    }

    @Test func equalInputGivesEqualPictures() throws {
        let frames = Picture.moving(178, 98, count: 5)
        let settings: [String: ParameterValue] = ["width": .integer(97), "height": .integer(61)]
        #expect(try convert(frames, settings).map(\.packed) == convert(frames, settings).map(\.packed))
    }

    // MARK: BT.601 and BT.709

    /// One colour in both, limited range: red 200, green 100, blue 50 by the equations of ITU-R BT.601 and BT.709.
    private static let rgb: [UInt8] = [200, 100, 50]
    private static func yuv(_ matrix: VideoLayout.ColorMatrix) -> [UInt8] {
        let (red, blue) = matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
        let (r, g, b) = (200 / 255.0, 100 / 255.0, 50 / 255.0)
        let y = red * r + (1 - red - blue) * g + blue * b
        let values = [16 + 219 * y, 128 + 224 * (b - y) / (2 - 2 * blue), 128 + 224 * (r - y) / (2 - 2 * red)]
        return values.map { UInt8($0.rounded()) }
    }

    private func off(_ frame: VideoFrame, from bytes: [UInt8]) -> Int {
        let wanted = plain(frame.layout.width, frame.layout.height, frame.layout.pixelFormat!, bytes)
        return zip(frame.packed, wanted.packed).map { abs(Int($0) - Int($1)) }.max() ?? 255
    }

    private func saying(_ matrix: VideoLayout.ColorMatrix?, _ frame: VideoFrame) -> VideoFrame {
        let layout = VideoLayout(
            width: frame.layout.width, height: frame.layout.height, pixelFormat: frame.layout.pixelFormat,
            frameRate: .init(30), colorMatrix: matrix)
        let same = VideoFrame(format: MediaFormat(video: layout), buffer: frame.buffer, planes: frame.planes)
        same.header = frame.header
        return same
    }

    @Test(arguments: [
        (64, 64, VideoLayout.ColorMatrix.bt601), (64, 576, .bt601), (64, 578, .bt709), (1_280, 720, .bt709),
    ])
    func theHeightDecidesWhereNothingIsSaid(width: Int, height: Int, matrix: VideoLayout.ColorMatrix) throws {
        let toRGB = try convert([plain(width, height, .i420, Self.yuv(matrix))], ["pixel_format": "rgb24"])[0]
        #expect(off(toRGB, from: Self.rgb) <= 3)
        let toYUV = try convert([plain(width, height, .rgb24, Self.rgb)], ["pixel_format": "i420"])[0]
        #expect(off(toYUV, from: Self.yuv(matrix)) <= 2)
        #expect(toYUV.layout.colorMatrix == matrix)
    }

    @Test(arguments: VideoLayout.ColorMatrix.allCases) func whatPicturesSayGoesBeforeTheirHeight(
        matrix: VideoLayout.ColorMatrix
    ) throws {
        for height in [64, 720] {
            let frame = saying(matrix, plain(64, height, .nv12, Self.yuv(matrix)))
            #expect(try off(convert([frame], ["pixel_format": "rgb24"])[0], from: Self.rgb) <= 3)
        }
    }

    @Test func anotherSizeKeepsTheMatrixAndSaysItWhereTheHeightImpliesAnother() throws {
        let large = plain(1_280, 720, .i420, Self.yuv(.bt709))
        let small = try convert([large], ["height": 360])[0]
        #expect(off(small, from: Self.yuv(.bt709)) <= 1)
        #expect(small.layout.colorMatrix == .bt709)
        #expect(try convert([large], ["height": 1_080])[0].layout.colorMatrix == nil)
        #expect(try convert([saying(.bt601, large)], ["height": 360])[0].layout.colorMatrix == .bt601)
    }

    @Test func aMatrixThatIsAskedForIsMade() throws {
        let large = plain(1_280, 720, .i420, Self.yuv(.bt709))
        let changed = try convert([large], ["color_matrix": "bt601"])[0]
        #expect(off(changed, from: Self.yuv(.bt601)) <= 3)
        #expect(changed.layout.colorMatrix == .bt601)
        let made = try convert(
            [plain(1_280, 720, .bgra, [50, 100, 200, 255])], ["pixel_format": "i420", "color_matrix": "bt601"])
        #expect(off(made[0], from: Self.yuv(.bt601)) <= 2)
        // A frame that is so already passes untouched.
        #expect(try convert([large], ["color_matrix": "bt709"])[0] === large)
        #expect(try convert([saying(.bt601, large)], ["color_matrix": "bt601"]).first?.layout.colorMatrix == .bt601)
    }
}
