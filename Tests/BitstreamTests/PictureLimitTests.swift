import Bitstream
import Testing

@Suite("Picture limits") struct PictureLimitTests {
    @Test func eachSideAndAllPixelsHaveABound() {
        let usual = PictureLimit()
        #expect(usual.holds(width: 8_192, height: 4_352) && usual.holds(width: 4_352, height: 8_192))
        #expect(!usual.holds(width: 8_192, height: 4_353) && !usual.holds(width: 8_193, height: 16))
        #expect(!usual.holds(width: 16, height: 8_193) && !usual.holds(width: 8_192, height: 8_192))
        // No arithmetic that a claim can trap.
        #expect(!PictureLimit(width: .max, height: .max).holds(width: .max, height: .max))
        #expect(usual.words == "max_width is 8192, max_height 8192, max_pixels 35651584")
    }

    @Test func aKeyframeSaysItsSize() {
        let vp8: [UInt8] = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]
        let size = vp8.withUnsafeBytes { PictureLimit.claim(of: $0, isVP8: true) }
        #expect(size?.width == 320 && size?.height == 180)
        #expect(vp8.withUnsafeBytes { PictureLimit.claim(of: $0, isVP8: false) } == nil)
        // Constrained baseline, 20 by 12 macroblocks, 12 rows cropped off.
        let h264: [UInt8] = [0, 0, 0, 1, 9, 0x10, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0c, 0xd9, 0x41, 0x41, 0x9f, 0x9e, 0x10]
        let told = h264.withUnsafeBytes { PictureLimit.claim(of: $0, isVP8: false) }
        #expect(told.map { $0.width == 320 && $0.height == 180 } ?? false, "\(String(describing: told))")
        for count in 0..<h264.count { _ = h264[..<count].withUnsafeBytes { PictureLimit.claim(of: $0, isVP8: false) } }
    }
}
