import Sluice
import Testing

@testable import FlowPlugin

@Suite struct PacerScheduleTests {
    let frame = Interval.milliseconds(20)

    private func schedule(firstArrival: Int64 = 0, depth: Int64 = 20, phase: Interval = .zero, now: Int64 = 0)
        -> PacerSchedule
    {
        PacerSchedule(
            frame: frame, firstArrival: Instant(nanoseconds: firstArrival), depth: .milliseconds(depth), phase: phase,
            now: Instant(nanoseconds: now))
    }

    @Test func aLateWakeUpMovesNoLaterFrame() {
        var grid = schedule()
        let late = Instant(nanoseconds: 95_000_000)
        var sent = 0
        while grid.isDue(late) {
            grid.advance()
            sent += 1
        }
        #expect(sent == 4)
        #expect(grid.next == Instant(nanoseconds: 100_000_000))
    }

    @Test func aHoldUpOfMoreThanASecondBeginsANewGrid() {
        var grid = schedule()
        #expect(grid.beginAnewIfLost(Instant(nanoseconds: 1_020_000_000)) == nil)
        let now = Instant(nanoseconds: 5_020_000_000)
        #expect(grid.beginAnewIfLost(now) == .seconds(5))
        #expect(grid.next == now)
        grid.advance()
        #expect(grid.next == now + frame)
    }

    @Test func pacersThatStartWithinAMillisecondShareTheirTicks() {
        let a = schedule(firstArrival: 1_234_100_001)
        let b = schedule(firstArrival: 1_234_999_999)
        #expect(a.next == b.next)
        #expect(a.next == Instant(nanoseconds: 1_255_000_000))
    }

    @Test func itNeverBeginsInThePast() {
        #expect(schedule(firstArrival: 0, depth: 20, now: 77_000_000).next == Instant(nanoseconds: 77_000_000))
    }

    @Test func aDryStreamIsSaidOnceUntilItWasBackForASecond() {
        var watch = DryWatch(recovery: 50)
        #expect(watch.note(isSilence: false) == nil)
        #expect(watch.note(isSilence: true) == .dry)
        for _ in 0..<10 { #expect(watch.note(isSilence: true) == nil) }
        for _ in 0..<49 { #expect(watch.note(isSilence: false) == nil) }
        #expect(watch.note(isSilence: true) == nil)
        for _ in 0..<49 { #expect(watch.note(isSilence: false) == nil) }
        #expect(watch.note(isSilence: false) == .back(12))
        #expect(watch.note(isSilence: true) == .dry)
    }
}
