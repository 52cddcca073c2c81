import Sluice
import Testing

@testable import SyncPlugin

@Suite struct DelayTargetTests {
    private func feedback(
        turn: Int = 0, excess: Double = 0, delta: Double = 1, late: Bool = true
    ) -> AVSyncFeedback {
        AVSyncFeedback(
            turn: turn, excessVideoLagMilliseconds: excess, jitterBufferDeltaMilliseconds: delta, isVideoLate: late)
    }

    private func after(_ all: AVSyncFeedback..., epoch: UInt32 = 0) -> DelayTarget {
        var target = DelayTarget()
        for one in all { _ = target.note(one, epoch: epoch, now: Instant(nanoseconds: 0)) }
        return target
    }

    @Test(arguments: [
        (120.0, 80.0, 120), (80, 120, 120), (-50, 30, 30), (0, 0.4, 0), (0, 0.5, 1), (799.5, 1, 800), (5_000, 1, 800),
        (100.4, 1, 100), (1e300, 1e300, 800),
    ])
    func theTargetIsTheLargerLagRoundedFrom0To800(_ excess: Double, _ delta: Double, _ expected: Int) {
        #expect(after(feedback(excess: excess, delta: delta)).target == expected)
    }

    @Test(arguments: [
        (Double.nan, 10.0), (10, .nan), (.infinity, 10), (-.infinity, 10), (10, .infinity), (10, 0), (10, -1),
    ])
    func senselessNumbersChangeNothing(_ excess: Double, _ delta: Double) {
        var target = after(feedback(excess: 200))
        let verdict = target.note(feedback(excess: excess, delta: delta), epoch: 0, now: Instant(nanoseconds: 1))
        #expect(verdict == .senseless)
        #expect(target.target == 200)
    }

    @Test func onlyALatePictureCounts() {
        #expect(after(feedback(excess: 300, late: false)).target == 0)
    }

    @Test(arguments: [(3, UInt32(3), 100), (3, 4, 0), (4, 3, 0), (0, 7, 100), (-1, 7, 100), (7, 0, 100)])
    func feedbackOfAnotherTurnIsIgnoredWhereBothAreKnown(_ turn: Int, _ epoch: UInt32, _ expected: Int) {
        #expect(after(feedback(turn: turn, excess: 100), epoch: epoch).target == expected)
    }

    @Test func theDelayMovesAtMost160MillisecondsASegmentAndThenEqualsTheTarget() {
        var target = after(feedback(excess: 500))
        #expect((0..<5).map { _ in target.beginSegment() } == [160, 320, 480, 500, 500])
        _ = target.note(feedback(excess: 100), epoch: 0, now: Instant(nanoseconds: 1))
        #expect((0..<4).map { _ in target.beginSegment() } == [340, 180, 100, 100])
    }

    @Test func withoutFeedbackTheTargetFallsBy160EveryFourSeconds() {
        var target = after(feedback(excess: 400))
        func at(_ seconds: Double) -> Int {
            target.age(now: Instant(nanoseconds: Int64(seconds * 1e9)))
            return target.target
        }
        #expect(at(3.999) == 400)
        #expect(at(4) == 240)
        #expect(at(7.999) == 240)
        #expect(at(8) == 80)
        #expect(at(12) == 0)
        #expect(at(1e6) == 0)
        // Asked late, it has fallen as often.
        var other = after(feedback(excess: 800))
        other.age(now: Instant(nanoseconds: 9_000_000_000))
        #expect(other.target == 480)
    }

    @Test func ignoredFeedbackDoesNotKeepTheTargetUp() {
        var target = after(feedback(excess: 400))
        _ = target.note(feedback(excess: .nan), epoch: 0, now: Instant(nanoseconds: 3_000_000_000))
        target.age(now: Instant(nanoseconds: 4_000_000_000))
        #expect(target.target == 240)
    }

    @Test func aTargetFromElsewhereDoesNotFall() {
        var target = DelayTarget()
        target.set(250)
        target.age(now: Instant(nanoseconds: 100_000_000_000))
        #expect(target.target == 250)
        target.set(.nan)
        #expect(target.target == 250)
        target.set(-80)
        #expect(target.target == 0)
        target.set(.infinity)
        #expect(target.target == 800)
    }

    @Test func anotherViewerBeginsWithoutTheDelayOfTheLastOne() {
        var target = after(feedback(excess: 500, delta: 100))
        _ = (target.beginSegment(), target.beginSegment())
        #expect(target.current == 320)
        target.forget()
        #expect(target.target == 0 && target.current == 320)
        #expect(target.beginSegment() == 0 && target.beginSegment() == 0)
    }

    @Test func aNewEpochSetsBothTo0() {
        var target = after(feedback(excess: 400))
        _ = target.beginSegment()
        target.reset()
        #expect(target.target == 0)
        #expect(target.current == 0)
        #expect(target.beginSegment() == 0)
    }
}
