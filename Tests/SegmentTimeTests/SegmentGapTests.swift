import SegmentTime
import Sluice
import TestSupport
import Testing

@Suite struct SegmentGapTests {
    private func instant(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }
    private let frame = Interval.milliseconds(20)

    private func afterOneSecond() -> SegmentGap {
        var gap = SegmentGap()
        gap.begin(at: instant(5_000), frame: frame)
        gap.advance(by: .milliseconds(1_000))
        return gap
    }

    @Test func theFirstSegmentBeginsAtZeroWheneverItComes() {
        var gap = SegmentGap()
        #expect(gap.begin(at: instant(12_345), frame: frame) == .zero)
        #expect(gap.end == .zero)
        #expect(gap.instant(of: .milliseconds(40)) == instant(12_385))
    }

    @Test func aSegmentThatIsInTimeFollowsTheLastOne() {
        var gap = afterOneSecond()
        #expect(gap.begin(at: instant(5_200), frame: frame) == .zero)
        #expect(gap.end == .milliseconds(1_000))
        #expect(gap.plannedEnd == instant(6_000))
    }

    @Test(arguments: [(20.0, 40.0), (10, 40), (40, 80), (60, 120)])
    func aGapUpToTwoFramesOrFortyMillisecondsIsNotSteppedOver(_ frame: Double, _ most: Double) {
        var gap = afterOneSecond()
        let length = Interval.seconds(frame / 1_000)
        #expect(gap.begin(at: instant(6_000 + most), frame: length) == .zero)
        #expect(gap.plannedEnd == instant(6_000))
        #expect(gap.begin(at: instant(6_000 + most + 1), frame: length) == .milliseconds(Int64(most) + 1))
    }

    @Test func aLongerGapIsSteppedOverFromThePlannedEnd() {
        var gap = afterOneSecond()
        #expect(gap.begin(at: instant(6_250), frame: frame) == .milliseconds(250))
        #expect(gap.end == .milliseconds(1_250))
        #expect(gap.plannedEnd == instant(6_250))
    }

    @Test func whatIsLeftOfAGapIsPartOfTheNext() {
        var gap = afterOneSecond()
        // 100.1 ms are 600.6 steps.
        #expect(gap.begin(at: instant(6_100.1), frame: frame) == SegmentGap.step * 600)
        gap.advance(by: .milliseconds(100))
        #expect(gap.begin(at: instant(6_300.2), frame: frame) == SegmentGap.step * 601)
    }

    @Test func aDayOfGapsStepsInWholeSamplesAndStaysWithTheClock() {
        var dice = Dice(seed: 7)
        var gap = SegmentGap()
        var now = instant(1)
        gap.begin(at: now, frame: frame)
        while now < instant(86_400_000) {
            gap.advance(by: .milliseconds(Int64.random(in: 1...5_000, using: &dice)))
            now = gap.plannedEnd! + Interval(nanoseconds: .random(in: -500_000_000...2_000_000_000, using: &dice))
            let before = gap
            let step = gap.begin(at: now, frame: frame)
            #expect(step.ticks % (MediaTime.ticksPerSecond / 48_000) == 0)
            #expect(step.ticks % (MediaTime.ticksPerSecond / 90_000) == 0)
            let late = now - gap.plannedEnd!
            #expect(step > .zero ? late >= .zero && late < .microseconds(167) : late <= .milliseconds(40))
            #expect(gap.origin == before.origin)
            now = max(now, gap.plannedEnd!)
        }
    }

    @Test func anInterruptionBringsThePlannedEndForward() {
        var gap = afterOneSecond()
        gap.cut(at: .milliseconds(300))
        #expect(gap.plannedEnd == instant(5_300))
        gap.cut(at: .milliseconds(900))
        #expect(gap.end == .milliseconds(300))
        #expect(gap.begin(at: instant(5_600), frame: frame) == .milliseconds(300))
    }

    @Test func timesFromOutsideDoNotTrap() {
        var gap = SegmentGap()
        gap.begin(at: Instant(nanoseconds: .min), frame: frame)
        gap.advance(by: MediaTime(ticks: .max))
        gap.begin(at: Instant(nanoseconds: .max), frame: Interval(nanoseconds: .max))
        gap.begin(at: Instant(nanoseconds: .max), frame: .zero)
        gap.cut(at: .none)
    }
}
