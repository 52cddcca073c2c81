import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import OverlayPlugin

@Suite("Text on pictures") struct OverlayTextTests {
    private func draw(_ text: String, _ style: TextPicture.Style = .init(), width: Int = 1_000) throws -> Stamp? {
        try TextPicture(style).draw(text, width: width, height: 500)
    }

    /// Pixels that are mostly of the text itself.
    private func ink(_ stamp: Stamp?) -> Int {
        guard let stamp else { return 0 }
        return stride(from: 0, to: stamp.pixels.count, by: 4).filter { stamp.pixels[$0 + 1] > 128 }.count
    }

    @Test(arguments: ["Hello", "Grüße, ñandú", "Привет", "Ελλάδα", "مرحبا", "x² ≤ ½ €"])
    func scriptsAreDrawn(text: String) throws {
        let stamp = try #require(try draw(text))
        #expect(ink(stamp) > 100 && stamp.width > stamp.height)
        // Its own colour lies inside of its opacity.
        for index in stride(from: 0, to: stamp.pixels.count, by: 4) {
            #expect((0..<3).allSatisfy { stamp.pixels[index + $0] <= stamp.pixels[index + 3] })
        }
    }

    /// Commands of the format that libass reads are letters here.
    @Test(arguments: ["{\\b1}a", "a\\Nb", "{a", "}", "\\", "\\{", "a\\hb", "{\\p1}m 0 0 l 9 9"])
    func nothingInATextIsACommand(text: String) throws {
        let (one, many) = (try draw(text), try draw(String(repeating: text, count: 3)))
        #expect(ink(one) > 0)
        let (narrow, wide) = (try #require(one), try #require(many))
        #expect(
            wide.width > narrow.width * 2 && wide.height < narrow.height * 2,
            "\(narrow.width)x\(narrow.height), thrice \(wide.width)x\(wide.height)")
    }

    @Test func linesBreakWhereAskedAndWhereTheWidthEnds() throws {
        let one = try #require(try draw("word"))
        let two = try #require(try draw("word\nword"))
        #expect(two.height > one.height * 3 / 2 && abs(two.width - one.width) <= 2)
        let wrapped = try #require(try draw(String(repeating: "word ", count: 20), width: 400))
        #expect(wrapped.width <= 402 && wrapped.height > one.height * 3)
    }

    @Test func aBackgroundLiesUnderAllOfIt() throws {
        var style = TextPicture.Style()
        style.background = Stamp.Color("#ff000080")
        let stamp = try #require(try draw("word", style))
        #expect(Array(stamp.pixels[0..<4]) == [128, 0, 0, 128])
        #expect(ink(stamp) > 100)
        style.color = try #require(Stamp.Color("#0000ff"))
        let blue = try #require(try draw("word", style)).pixels
        #expect(stride(from: 0, to: blue.count, by: 4).contains { blue[$0 + 2] == 255 && blue[$0] == 0 })
    }

    @Test func blanksAndStrangeTextsDoNoHarm() throws {
        #expect(try draw("   ") == nil)
        for text in ["\u{0}", "\u{202e}abc", "\u{fffd}", String(repeating: "W", count: 5_000), "a\r\nb", "👩‍👩‍👧"] {
            _ = try draw(text)
        }
    }

    /// Linear A, which hardly a machine has, and a family that is nowhere.
    @Test func lettersAndFontsThatAreMissingAreNamed() throws {
        let letters = try TextPicture(.init())
        _ = try letters.draw("a\u{10600}", width: 500, height: 200)
        #expect(letters.warning?.hasPrefix("no font of this machine has the letter \"\u{10600}\" (U+10600)") == true)
        var style = TextPicture.Style()
        style.font = "No Such Font"
        let font = try TextPicture(style)
        _ = try font.draw("a", width: 500, height: 200)
        #expect(font.warning?.hasPrefix("there is no font \"No Such Font\": the text is drawn in ") == true)
        let known = try TextPicture(.init())
        _ = try known.draw("a", width: 500, height: 200)
        #expect(known.warning == nil)
    }

    @Test func coloursAreReadOrRefused() {
        #expect(Stamp.Color("#102030").map { [$0.red, $0.green, $0.blue, $0.alpha] } == [16, 32, 48, 255])
        #expect(Stamp.Color("#10203040")?.alpha == 64)
        for text in ["", "#", "red", "#12345", "#1234567", "102030", "#gg0000", "#+10203"] {
            #expect(Stamp.Color(text) == nil, "\(text)")
        }
    }

    // MARK: The node

    private func isLit(_ frame: VideoFrame) -> Bool {
        (0..<frame.layout.height).contains { y in
            (0..<frame.layout.width).contains { frame.plane(0)[y * frame.stride(0) + $0] > 200 }
        }
    }

    private func black(_ count: Int) -> [VideoFrame] {
        (0..<count).map { index in
            let frame = Picture.moving(320, 180, count: 1, start: index)[0]
            for y in 0..<180 { (frame.plane(0) + y * frame.stride(0)).update(repeating: 16, count: 320) }
            for plane in 1...2 {
                for y in 0..<90 { (frame.plane(plane) + y * frame.stride(plane)).update(repeating: 128, count: 160) }
            }
            return frame
        }
    }

    @Test func captionsAreShownFromTheirTimeOnForTheirTime() throws {
        let format = MediaFormat(data: DataSchema("transcript"))
        func caption(_ text: String, at frame: Int, frames: Int) -> DataItem {
            DataItem(
                format: format, at: MediaTime(Int64(frame), timescale: 30),
                lasting: frames > 0 ? MediaTime(Int64(frames), timescale: 30) : .zero, ["text": .init(.string(text))])
        }
        let harness = try NodeHarness(VideoOverlay.self, parameters: ["anchor": "bottom"])
        harness.push(
            [caption("one", at: 3, frames: 4), caption("two", at: 10, frames: 0), caption("", at: 15, frames: 0)],
            into: "captions")
        harness.push(black(20), into: "in")
        #expect(harness.finish() == .finished)
        let lit = harness.pullAll().compactMap { $0 as? VideoFrame }.map(isLit)
        #expect(lit == (0..<20).map { 3..<7 ~= $0 || 10..<15 ~= $0 })
    }

    @Test func lettersThatArePartOfNoPictureAreSaidToBeTooHigh() throws {
        let overlay = try NodeHarness(
            VideoOverlay.self, parameters: ["text": "Big", "font_size": 1_000], unconnected: ["captions"])
        let small = VideoLayout(width: 64, height: 36, pixelFormat: .i420)
        overlay.push(VideoFrame(format: MediaFormat(video: small)))
        #expect(overlay.finish() == .finished)
        #expect(
            overlay.events.contains { $0.what.contains("letters 1000 pixels high do not fit on pictures of") },
            "\(overlay.events)")
    }

    @Test func aTextStaysUntilACaptionComes() throws {
        let harness = try NodeHarness(
            VideoOverlay.self, parameters: ["text": "live", "anchor": "middle"], unconnected: ["captions"])
        harness.push(black(3), into: "in")
        #expect(harness.finish() == .finished)
        #expect(harness.pullAll().compactMap { $0 as? VideoFrame }.allSatisfy(isLit))
    }
}
