import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import OverlayPlugin

@Suite("video-overlay") struct VideoOverlayTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    /// A picture made by ffmpeg, of pixels that `geq` describes.
    private func file(_ name: String, _ size: String, _ pixels: String, _ arguments: String...) throws -> String {
        let path = scratch.url.appending(path: name).path
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=black:s=\(size),format=rgba,geq=\(pixels)",
                "-frames:v", "1",
            ] + arguments + [path], feeding: [])
        return path
    }

    private func lay(
        _ parameters: [String: ParameterValue], on frames: [VideoFrame], captions: [DataItem] = [],
        before: (NodeHarness<VideoOverlay>, Int) -> Void = { _, _ in }
    ) throws -> (frames: [VideoFrame], events: [String]) {
        let harness = try NodeHarness(
            VideoOverlay.self, parameters: parameters, announcing: ["in": frames[0].format],
            unconnected: captions.isEmpty ? ["captions"] : [])
        if !captions.isEmpty { harness.push(captions, into: "captions") }
        for (index, frame) in frames.enumerated() {
            before(harness, index)
            harness.push(frame, into: "in")
            harness.settle()
        }
        #expect(harness.finish() == .finished)
        return (harness.pullAll().compactMap { $0 as? VideoFrame }, harness.events.map(\.what))
    }

    private func grey(
        _ width: Int, _ height: Int, _ format: VideoLayout.PixelFormat = .i420, _ value: UInt8 = 100, count: Int = 1
    ) -> [VideoFrame] {
        (0..<count).map { index in
            let frame = Picture.moving(width, height, format: format, count: 1, start: index)[0]
            for plane in 0..<format.planeCount {
                for y in 0..<format.rows(plane: plane, height: height) {
                    for x in 0..<format.rowBytes(plane: plane, width: width) {
                        let isChroma = format.isYUV && plane > 0
                        frame.plane(plane)[y * frame.stride(plane) + x] = isChroma ? 128 : value
                    }
                }
            }
            return frame
        }
    }

    private func bytes(_ frame: VideoFrame, _ plane: Int, _ x: Int, _ y: Int, _ count: Int = 1) -> [Int] {
        (0..<count).map { Int(frame.plane(plane)[y * frame.stride(plane) + x + $0]) }
    }

    // MARK: Blending

    /// Red 200, green 100, blue 50 in limited range.
    private func yuv(_ matrix: VideoLayout.ColorMatrix) -> [Double] {
        let (red, blue) = matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
        let (r, g, b) = (200 / 255.0, 100 / 255.0, 50 / 255.0)
        let y = red * r + (1 - red - blue) * g + blue * b
        return [16 + 219 * y, 128 + 224 * (b - y) / (2 - 2 * blue), 128 + 224 * (r - y) / (2 - 2 * red)]
    }

    /// The share of the picture that is laid on, of what its file and `opacity` say; everywhere else nothing changes.
    @Test(arguments: VideoLayout.PixelFormat.allCases, [(255, 1.0), (128, 1.0), (255, 0.5), (128, 0.25), (0, 1.0)])
    func coloursAreMixedByOpacityInEveryFormat(format: VideoLayout.PixelFormat, _ alpha: (file: Int, opacity: Double))
        throws
    {
        let path = try file("plain.png", "20x10", "r=200:g=100:b=50:a=\(alpha.file)")
        let frame = grey(64, 48, format)[0]
        let result = try lay(
            ["picture": .string(path), "x": 8, "y": 4, "opacity": .number(alpha.opacity)], on: [frame]
        ).frames[0]
        let share = Double(alpha.file) / 255 * alpha.opacity
        func mixed(_ color: Double, _ under: Double) -> Double { color * share + under * (1 - share) }
        func isNear(_ got: Int, _ wanted: Double) -> Bool { abs(Double(got) - wanted) <= 1.6 }
        let matrix = yuv(.bt601)
        switch format {
        case .i420:
            #expect(isNear(bytes(result, 0, 8, 4)[0], mixed(matrix[0], 100)))
            #expect(isNear(bytes(result, 1, 4, 2)[0], mixed(matrix[1], 128)))
            #expect(isNear(bytes(result, 2, 4, 2)[0], mixed(matrix[2], 128)))
        case .nv12:
            #expect(isNear(bytes(result, 0, 27, 13)[0], mixed(matrix[0], 100)))
            let both = bytes(result, 1, 8, 2, 2)
            #expect(isNear(both[0], mixed(matrix[1], 128)) && isNear(both[1], mixed(matrix[2], 128)))
        case .bgra:
            let four = bytes(result, 0, 8 * 4, 4, 4)
            #expect(isNear(four[0], mixed(50, 100)) && isNear(four[2], mixed(200, 100)))
            #expect(isNear(four[3], mixed(255, 100)))
        case .rgb24:
            let three = bytes(result, 0, 8 * 3, 4, 3)
            #expect(isNear(three[0], mixed(200, 100)) && isNear(three[1], mixed(100, 100)))
        }
        // Just outside, and far away.
        let size = format == .bgra ? 4 : format == .rgb24 ? 3 : 1
        for (x, y) in [(7, 4), (28, 4), (8, 3), (8, 14), (0, 0), (63, 47)] {
            #expect(bytes(result, 0, x * size, y, size) == bytes(frame, 0, x * size, y, size), "\(x),\(y)")
        }
        #expect(result.header.pts == frame.header.pts && result.format === frame.format)
    }

    @Test func highPicturesAreMixedByBT709() throws {
        let path = try file("plain.png", "20x10", "r=200:g=100:b=50:a=255")
        let result = try lay(["picture": .string(path)], on: grey(64, 720)).frames[0]
        for plane in 0..<3 { #expect(abs(Double(bytes(result, plane, 0, 0)[0]) - yuv(.bt709)[plane]) <= 1) }
    }

    /// On odd places a chroma sample belongs to the picture by half.
    @Test func onOddPlacesChromaIsTheMeanOfItsPixels() throws {
        let path = try file("plain.png", "4x4", "r=200:g=100:b=50:a=255")
        let result = try lay(["picture": .string(path), "x": 3, "y": 2], on: grey(32, 32)).frames[0]
        let full = yuv(.bt601)[1]
        let row = bytes(result, 1, 0, 1, 5).map(Double.init)
        #expect(row[0] == 128 && abs(row[1] - (full + 128) / 2) <= 1)
        #expect(abs(row[2] - full) <= 1 && abs(row[3] - (full + 128) / 2) <= 1 && row[4] == 128)
        #expect(bytes(result, 0, 2, 2, 6).map { $0 != 100 } == [false, true, true, true, true, false])
    }

    // MARK: Places

    @Test(arguments: [
        ("top-left", 3, 5), ("top", 25, 5), ("top-right", 41, 5), ("left", 3, 24), ("middle", 25, 24),
        ("bottom-right", 41, 33), ("bottom", 25, 33),
    ]) func placesCountFromTheAnchor(anchor: String, x: Int, y: Int) throws {
        let path = try file("white.png", "20x10", "r=255:g=255:b=255:a=255")
        let result = try lay(
            ["picture": .string(path), "anchor": .string(anchor), "x": 3, "y": 5], on: grey(64, 48)
        ).frames[0]
        let lit = (0..<48).flatMap { y in (0..<64).filter { bytes(result, 0, $0, y)[0] == 235 }.map { ($0, y) } }
        #expect(lit.count == 200)
        #expect(lit.first.map { [$0.0, $0.1] } == [x, y])
    }

    @Test func overTheEdgeItIsCutOffAndOutsideThePicturePasses() throws {
        let path = try file("white.png", "20x10", "r=255:g=255:b=255:a=255")
        let frame = grey(64, 48)[0]
        let half = try lay(["picture": .string(path), "x": -15, "y": 43], on: [frame]).frames[0]
        let lit = half.packed[0..<64 * 48].filter { $0 == 235 }
        #expect(lit.count == 5 * 5)
        let gone = try lay(["picture": .string(path), "x": 64], on: [frame]).frames[0]
        #expect(gone === frame)
        let hidden = try lay(["picture": .string(path), "opacity": 0], on: [frame]).frames[0]
        #expect(hidden === frame)
    }

    @Test func placeAndOpacityMoveWhileItRuns() throws {
        let path = try file("white.png", "4x4", "r=255:g=255:b=255:a=255")
        let frames = grey(64, 48, count: 12)
        let result = try lay(["picture": .string(path)], on: frames) { harness, index in
            harness.set("x", to: Double(index * 3))
            harness.set("opacity", to: index < 6 ? 1 : 0.5)
        }
        for (index, frame) in result.frames.enumerated() {
            #expect(bytes(frame, 0, index * 3, 0)[0] == (index < 6 ? 235 : 168))
            #expect(index == 0 || bytes(frame, 0, index * 3 - 1, 0)[0] == 100)
        }
        // Pictures that came in are as they were.
        #expect(frames.allSatisfy { bytes($0, 0, 0, 0) == [100] })
    }

    @Test func picturesThatChangeTheirSizeAreFollowed() throws {
        let path = try file("white.png", "4x4", "r=255:g=255:b=255:a=255")
        let frames = grey(64, 48, count: 1) + grey(33, 21, .bgra, count: 1) + grey(64, 720, .nv12, count: 1)
        let result = try lay(["picture": .string(path), "anchor": "bottom-right"], on: frames).frames
        #expect(bytes(result[0], 0, 63, 47) == [235] && bytes(result[1], 0, 32 * 4, 20, 3) == [255, 255, 255])
        #expect(bytes(result[2], 0, 63, 719) == [235])
    }

    // MARK: Files

    @Test(arguments: ["png", "jpg", "webp", "bmp"]) func filesOfEveryKindAreRead(ending: String) throws {
        let path = try file("plain.\(ending)", "32x16", "r=200:g=100:b=50:a=255")
        let result = try lay(["picture": .string(path), "width": 16], on: grey(64, 48)).frames[0]
        for plane in 0..<3 {
            let (x, y) = plane == 0 ? (8, 4) : (4, 2)
            #expect(abs(Double(bytes(result, plane, x, y)[0]) - yuv(.bt601)[plane]) <= 4, "\(ending) \(plane)")
        }
        #expect(bytes(result, 0, 16, 4) == [100] && bytes(result, 0, 8, 8) == [100])
    }

    /// A camera's file of two halves, whose EXIF says that it is to be turned: the left half comes to the top.
    @Test(arguments: [(1, 32, 16), (6, 16, 32), (3, 32, 16), (8, 16, 32)])
    func camerasSayHowTheirPicturesAreTurned(orientation: UInt8, width: Int, height: Int) throws {
        let plain = try [UInt8](
            Data(contentsOf: URL(filePath: file("half.jpg", "32x16", "r=if(lt(X\\,16)\\,255\\,0):g=0:b=0:a=255"))))
        // APP1: a TIFF header, and a directory of one entry, 0x0112.
        let tiff: [UInt8] =
            [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
        let exif = Array("Exif".utf8) + [0, 0] + tiff
        let url = scratch.url.appending(path: "turned.jpg")
        try Data(Array(plain[..<2]) + [0xff, 0xe1, 0, UInt8(exif.count + 2)] + exif + plain[2...]).write(to: url)
        let stamp = try PictureFile.read(url.path, width: 0)
        #expect(stamp.width == width && stamp.height == height)
        let red = [1: (4, 8), 6: (8, 4), 3: (28, 8), 8: (8, 28)][Int(orientation)]!
        let black = [1: (28, 8), 6: (8, 28), 3: (4, 8), 8: (8, 4)][Int(orientation)]!
        #expect(stamp.pixels[(red.1 * width + red.0) * 4] > 200)
        #expect(stamp.pixels[(black.1 * width + black.0) * 4] < 50)
    }

    /// Scaled, transparent pixels lend nothing of their colour to the edge.
    @Test func transparentPixelsLendNoColour() throws {
        let path = try file("edge.png", "64x64", "r=255:g=if(lt(X\\,32)\\,0\\,255):b=0:a=if(lt(X\\,32)\\,0\\,255)")
        let result = try lay(["picture": .string(path), "width": 21], on: grey(64, 64, .rgb24, 0)).frames[0]
        // Green and red are equal wherever anything is opaque.
        for x in 0..<21 {
            let three = bytes(result, 0, x * 3, 10, 3)
            #expect(abs(three[0] - three[1]) <= 2, "\(x): \(three)")
        }
    }

    @Test func filesThatAreNoPicturesAreRefusedInASentence() throws {
        func write(_ name: String, _ bytes: [UInt8]) throws -> String {
            let url = scratch.url.appending(path: name)
            try Data(bytes).write(to: url)
            return url.path
        }
        let whole = try [UInt8](
            Data(contentsOf: URL(filePath: file("w.png", "64x64", "r=random(1)*255:g=0:b=0:a=255"))))
        // A header that claims 2^31 - 1 by 2^31 - 1.
        var vast = whole
        for index in 16..<24 { vast[index] = index % 4 == 0 ? 0x7f : 0xff }
        let cases: [(String, String)] = [
            (scratch.url.appending(path: "absent.png").path, "No such file"),
            (scratch.url.path, "it is no file"), (try write("empty.png", []), "it is empty"),
            (try write("text.png", Array("hello, world".utf8)), "it is no PNG, JPEG, WebP or BMP picture"),
            (try write("head.png", Array(whole[..<20])), "cannot be decoded"),
            (try write("vast.png", vast), ""), (try write("bm.bmp", Array("BM".utf8) + whole), ""),
            (try write("jpeg.jpg", [0xff, 0xd8, 0xff, 0xe0, 0, 16]), ""),
            (try write("webp.webp", Array("RIFF\u{1}\u{1}\u{1}\u{1}WEBPVP8 ".utf8)), ""),
        ]
        for (path, words) in cases {
            #expect(throws: (any Error).self, "\(path)") { try lay(["picture": .string(path)], on: grey(64, 48)) }
            do { _ = try PictureFile.read(path, width: 0) } catch {
                #expect("\(error)".contains("cannot lay \"\(path)\" on pictures"))
                #expect(words.isEmpty || "\(error)".contains(words), "\(error)")
            }
        }
        // Cut short it is refused; never a crash.
        for count in stride(from: 8, to: whole.count, by: 97) {
            _ = try? PictureFile.read(write("cut.png", Array(whole[..<count])), width: 0)
        }
    }

    /// libavcodec would make up what lacks of a JPEG.
    @Test(arguments: ["png", "jpg", "webp", "bmp"]) func filesThatAreCutShortAreRefused(ending: String) throws {
        let whole = try [UInt8](
            Data(contentsOf: URL(filePath: file("w.\(ending)", "64x64", "r=random(1)*255:g=X*4:b=Y*4:a=255"))))
        _ = try PictureFile.read(scratch.url.appending(path: "w.\(ending)").path, width: 0)
        for share in [0.5, 0.9] {
            let url = scratch.url.appending(path: "cut.\(ending)")
            try Data(whole.prefix(Int(Double(whole.count) * share))).write(to: url)
            #expect { try PictureFile.read(url.path, width: 0) } throws: {
                "\($0)".contains("cannot be decoded")
            }
        }
    }

    @Test func aPictureThatIsTooLargeIsCutAndSaid() throws {
        let path = try file("wide.png", "200x10", "r=255:g=255:b=255:a=255")
        let result = try lay(["picture": .string(path)], on: grey(64, 48, count: 3))
        #expect(result.frames[0].packed[0..<64 * 48].filter { $0 == 235 }.count == 640)
        #expect(result.events.filter { $0.contains("has 200x10, more than the pictures of 64x48") }.count == 1)
    }

    @Test func graphsThatLayNothingOrBothAreRefused() throws {
        #expect { try lay([:], on: grey(64, 48)) } throws: { "\($0)".contains("there is nothing to lay on") }
        #expect { try lay(["picture": "a.png", "text": "a"], on: grey(64, 48)) } throws: {
            "\($0)".contains("Put two video-overlay nodes in a row.")
        }
        #expect { try lay(["text": "a", "color": "red"], on: grey(64, 48)) } throws: {
            "\($0)".contains("color is \"red\", which is no color")
        }
    }
}
