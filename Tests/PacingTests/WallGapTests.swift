import Pacing
import Sluice
import Testing

@Suite struct WallGapTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func aGapOfUpToTwoFramesOrFortyMillisecondsIsNotSkipped() {
        for (frame, limit) in [(20, 40), (10, 40), (40, 80), (33, 66)] as [(Int64, Int64)] {
            var gap = WallGap(frame: .milliseconds(frame))
            #expect(gap.limit == .milliseconds(limit))
            #expect(gap.begin(at: at(0), duration: .milliseconds(1_000)) == .none)
            #expect(gap.begin(at: at(1_000 + limit), duration: .milliseconds(500)) == .none)
            // The plan goes on from the end of the first.
            #expect(gap.plannedEnd == at(1_500))
        }
    }

    @Test func aLongerOneAdvancesSoundAndPictureByTheSameWallGap() {
        var gap = WallGap(frame: .milliseconds(40))
        _ = gap.begin(at: at(0), duration: .milliseconds(1_000))
        let advance = gap.begin(at: at(1_250), duration: .milliseconds(1_000))
        #expect(advance.wall == .milliseconds(250))
        #expect(advance.audio == 12_000)
        #expect(advance.video == 22_500)
        #expect(gap.plannedEnd == at(2_250))
    }

    @Test func itIsCountedFromThePlannedEndOfTheLastSegment() {
        // Each segment comes 30 ms after the planned end of the one before: none is skipped until they add up.
        var gap = WallGap(frame: .milliseconds(20))
        _ = gap.begin(at: at(0), duration: .milliseconds(100))
        #expect(gap.begin(at: at(130), duration: .milliseconds(100)) == .none)
        let second = gap.begin(at: at(260), duration: .milliseconds(100))
        #expect(second.wall == .milliseconds(60))
        #expect(second.audio == 2_880)
        // A segment that comes early follows where the last one ends.
        #expect(gap.begin(at: at(300), duration: .milliseconds(100)) == .none)
        #expect(gap.plannedEnd == at(460))
    }

    @Test func theRestOfAUnitIsCarried() {
        var gap = WallGap(frame: .milliseconds(20))
        var (audio, video): (Int64, Int64) = (0, 0)
        var begin = Instant(nanoseconds: 0)
        let pause = Interval(nanoseconds: 100_000_007)
        _ = gap.begin(at: begin, duration: .milliseconds(100))
        for _ in 0..<1_000_000 {
            begin = gap.plannedEnd! + pause
            let advance = gap.begin(at: begin, duration: .milliseconds(100))
            audio += advance.audio
            video += advance.video
        }
        let total = Int128(pause.nanoseconds) * 1_000_000
        #expect(Int128(audio) == total * 48_000 / 1_000_000_000)
        #expect(Int128(video) == total * 90_000 / 1_000_000_000)
    }

    @Test func whatIsCutOffASegmentCountsAsGap() {
        var gap = WallGap(frame: .milliseconds(20))
        _ = gap.begin(at: at(0), duration: .milliseconds(1_000))
        gap.extend(by: .milliseconds(-900))
        #expect(gap.begin(at: at(600), duration: .milliseconds(10)).wall == .milliseconds(500))
        gap.reset()
        #expect(gap.begin(at: at(9_000), duration: .milliseconds(10)) == .none)
    }

    @Test func numbersFromOutsideDoNotTrap() {
        var gap = WallGap(frame: .milliseconds(20), audioRate: -1, videoRate: .max)
        _ = gap.begin(at: Instant(nanoseconds: 0), duration: Interval(nanoseconds: .min))
        _ = gap.begin(at: Instant(nanoseconds: .max), duration: Interval(nanoseconds: .max))
        _ = gap.begin(at: Instant(nanoseconds: .min), duration: .seconds(1))
    }
}
