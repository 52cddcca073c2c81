import Sluice
import Testing

@testable import Command

/// Signals that ask the process to end, at times that are given.
@Suite struct TerminationTests {
    private func steps(at milliseconds: Double...) -> [Termination.Step] {
        var termination = Termination()
        // The clock began long before.
        return milliseconds.map { termination.heard(at: Instant(nanoseconds: 5_000_000_000 + Int64($0 * 1e6))) }
    }

    @Test func theFirstDrains() { #expect(steps(at: 0) == [.drain]) }

    @Test func aSecondOneWithinHalfASecondIsTheSameWish() {
        #expect(steps(at: 0, 0, 0.3, 499, 500) == [.drain, .nothing, .nothing, .nothing, .nothing])
    }

    @Test func aLaterOneEndsAtOnce() {
        #expect(steps(at: 0, 501) == [.drain, .endAtOnce])
        #expect(steps(at: 0, 1, 3_000) == [.drain, .nothing, .endAtOnce])
    }
}
