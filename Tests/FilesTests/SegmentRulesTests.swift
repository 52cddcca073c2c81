import Foundation
import Sluice
import Testing

@testable import FilesPlugin

private func ms(_ value: Int64) -> MediaTime { .milliseconds(value) }

@Suite("Where segments are cut") struct SegmentGridTests {
    /// Keyframes each 4 s and files of 10 s: what is late at one cut is not late at the next.
    @Test func nothingAddsUp() {
        var grid = SegmentGrid(ms(10_000))
        var cuts: [Int64] = []
        grid.begin(at: ms(500))
        for time in stride(from: Int64(500), through: 60_500, by: 4_000) where grid.isDue(ms(time), isKeyframe: true) {
            cuts.append(time)
            grid.begin(at: ms(time))
        }
        #expect(cuts == [12_500, 20_500, 32_500, 40_500, 52_500, 60_500])
    }

    @Test func aKeyframeThatAContainerRoundedIsTheOneThatIsMeant() {
        var grid = SegmentGrid(ms(2_000))
        grid.begin(at: .zero)
        #expect(
            grid.isDue(ms(1_990), isKeyframe: true) && !grid.isDue(ms(1_990))
                && !grid.isDue(ms(1_970), isKeyframe: true))
        grid.begin(at: ms(1_990))
        #expect(!grid.isDue(ms(3_970), isKeyframe: true) && grid.isDue(ms(4_000)))
    }

    @Test func aFileThatBeginsInBetweenKeepsTheGrid() {
        var grid = SegmentGrid(ms(10_000))
        grid.begin(at: .zero)
        // Another format: the next file begins early.
        grid.begin(at: ms(7_000))
        #expect(grid.isDue(ms(10_000)) && !grid.isDue(ms(9_900)))
    }

    @Test func timesThatLeapBackAreOfAnotherFile() {
        var grid = SegmentGrid(ms(1_000))
        grid.begin(at: ms(60_000))
        #expect(!grid.isDue(ms(59_500)) && grid.isDue(ms(5_000)))
        grid.begin(at: ms(5_000))
        #expect(!grid.isDue(ms(5_900)) && grid.isDue(ms(6_000)))
        #expect(!grid.isDue(.none))
    }
}

@Suite("Names of segments") struct FileNameTests {
    @Test func conversionsBecomeTheTime() throws {
        let name = try FileName(timed: "a/%Y/%m-%d/100%% cam-%H%M%S.mkv")
        #expect(name.isTimed)
        // 2026-11-29 10:24:14 UTC.
        #expect(name.text(at: 1_795_947_854, isUTC: true) == "a/2026/11-29/100% cam-102414.mkv")
        #expect(name.folders(at: 1_795_947_854, isUTC: true) == ["a/2026", "a/2026/11-29"])
    }

    @Test func aNameWithoutOneStaysAsItIs() throws {
        #expect(try !FileName(timed: "tape.mkv").isTimed)
        #expect(FileName("50%off%03d.mkv").text(at: 0) == "50%off%03d.mkv")
        #expect(FileName("%Y/a").folders(at: 0).isEmpty)
    }

    @Test(arguments: ["a%", "a%q.mkv", "a%03d.mkv", "%D.mkv", "%n.mkv"])
    func anUnknownOneIsRefused(_ path: String) {
        #expect(throws: NodeError.self) { try FileName(timed: path) }
    }
}

@Suite("A look at the disk") struct SpaceWatchTests {
    @Test func comesWithTimeAndWithBytes() {
        func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
        var watch = SpaceWatch(least: 16 << 20)
        var looks: [Bool] = []
        for (time, written) in [(0, 0), (100, 1), (200, 2), (300, 3), (700, 3)] as [(Int64, Int64)] {
            looks.append(watch.isDue(at(time), written: written << 20))
        }
        #expect(looks == [true, false, true, false, true])
        watch = SpaceWatch(least: 0)
        let look = watch.isDue(at(0), written: 1 << 30)
        #expect(!look)
    }
}
