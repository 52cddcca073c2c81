import Sluice
import Testing

@testable import Command

@Suite("Pauses before a graph starts again") struct RestartPausesTests {
    @Test func theyDoubleUpTo30SecondsAndBeginAnewBehindAMinute() {
        var pauses = RestartPauses()
        #expect(!pauses.hasBegun)
        let short = (0..<7).map { _ in pauses.next(afterRunning: .seconds(0.1)).seconds }
        #expect(short == [1, 2, 4, 8, 16, 30, 30] && pauses.hasBegun)
        #expect(pauses.next(afterRunning: .seconds(60)).seconds == 1)
        #expect(pauses.next(afterRunning: .seconds(59)).seconds == 2)
    }
}
