import Sluice
import TestSupport
import Testing

@testable import MPEGTS

@Suite("Shapes of pixels in streams") struct StatedPixelAspectTests {
    /// A keyframe as ffmpeg writes it, of 720x576 or another size.
    private func keyframe(_ codec: String, _ aspect: String, size: String = "720x576") throws -> [UInt8] {
        try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:s=\(size):r=25,setsar=\(aspect)", "-frames:v",
                "1", "-c:v", codec, "-pix_fmt", "yuv420p", "-f", codec == "libx264" ? "h264" : "mpeg2video", "pipe:1",
            ], feeding: [])
    }

    @Test(arguments: [
        ("64/45", "64:45"), ("16/15", "16:15"), ("1/1", "1:1"), ("12/11", "12:11"), ("7/5", "7:5"), ("2/1", "2:1"),
    ]) func h264SaysIt(aspect: String, words: String) throws {
        let found = try keyframe("libx264", aspect).withUnsafeBytes { StatedPixelAspect.h264($0) }
        #expect(found?.description == words)
    }

    /// MPEG-2 says the shape of the whole: 4:3, 16:9, or that pixels are square.
    @Test(arguments: [("64/45", "64:45"), ("16/15", "16:15"), ("1/1", "1:1")])
    func mpeg2SaysItOfTheWhole(aspect: String, words: String) throws {
        let found = try keyframe("mpeg2video", aspect).withUnsafeBytes { StatedPixelAspect.mpeg2($0) }
        #expect(found?.description == words)
    }

    @Test func bytesThatSayNothingAndLies() {
        var dice = Dice(seed: 11)
        for count in 0..<200 {
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) }
            bytes.withUnsafeBytes { _ = (StatedPixelAspect.h264($0), StatedPixelAspect.mpeg2($0)) }
            bytes = [0, 0, 1, 0xb3] + bytes
            bytes.withUnsafeBytes { _ = StatedPixelAspect.mpeg2($0) }
        }
        // A width or a height of 0.
        let empty: [UInt8] = [0, 0, 1, 0xb3, 0, 0, 0, 0x30]
        #expect(empty.withUnsafeBytes { StatedPixelAspect.mpeg2($0) } == .square)
        #expect([UInt8]().withUnsafeBytes { StatedPixelAspect.h264($0) } == nil)
    }
}
