import Testing

@testable import H264Plugin

@Suite struct LevelTests {
    private func lowest(_ width: Int, _ height: Int, _ rate: Double, _ bitrate: Int = 1_000) -> String? {
        Level.lowest(for: Level.Load(width: width, height: height, framesPerSecond: rate, bitrate: bitrate))?
            .description
    }

    @Test func sizeAndRateDecide() {
        #expect(lowest(1_280, 720, 30) == "3.1")
        #expect(lowest(1_280, 720, 60) == "3.2")
        #expect(lowest(1_920, 1_080, 30) == "4.0")
        #expect(lowest(1_920, 1_080, 60) == "4.2")
        #expect(lowest(3_840, 2_160, 30) == "5.1")
        #expect(lowest(640, 480, 30) == "3.0")
        #expect(lowest(176, 144, 15, 64) == "1.0")
    }

    @Test func theBitrateDecidesToo() {
        #expect(lowest(1_280, 720, 30, 14_000) == "3.1")
        #expect(lowest(1_280, 720, 30, 14_001) == "3.2")
        #expect(lowest(1_280, 720, 30, 20_001) == "4.1")
    }

    @Test func aLongThinPictureNeedsMore() {
        // 3,600 macroblocks fit level 3.1 but for its longest side of 169.
        #expect(lowest(16 * 200, 16 * 18, 30) == "3.2")
    }

    @Test func whatNothingHoldsHasNoLevel() {
        #expect(lowest(20_000, 20_000, 30) == nil)
        #expect(lowest(1_280, 720, 30, 900_000) == nil)
    }

    @Test func namesAreRead() {
        #expect(Level(named: "3.1")?.code == 31)
        #expect(Level(named: "4")?.code == 40)
        #expect(Level(named: "4.0")?.code == 40)
        #expect(Level(named: "3.9") == nil)
        #expect(Level(named: "") == nil)
    }
}
