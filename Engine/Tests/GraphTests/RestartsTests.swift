import Testing

@testable import Sluice

@Suite struct RestartsTests {
    static let second: Int64 = 1_000_000_000

    @Test func theSixthInAMinuteIsRefusedAndTheWaitGrows() {
        var restarts = Restarts()
        var waits: [Double] = []
        for number in 1...5 {
            #expect(restarts.isAllowed(at: Int64(number) * Self.second))
            let (count, wait) = restarts.note(at: Int64(number) * Self.second)
            #expect(count == number)
            waits.append(wait.seconds)
        }
        #expect(waits == [0.1, 0.3, 0.9, 2.7, 5])
        #expect(!restarts.isAllowed(at: 60 * Self.second))
    }

    @Test func aMinuteLaterTheFirstIsForgotten() {
        var restarts = Restarts()
        for number in 1...5 { _ = restarts.note(at: Int64(number) * Self.second) }
        #expect(!restarts.isAllowed(at: 61 * Self.second - 1))
        #expect(restarts.isAllowed(at: 61 * Self.second))
        let (count, wait) = restarts.note(at: 61 * Self.second)
        #expect(count == 5 && wait.seconds == 5)
        #expect(!restarts.isAllowed(at: 61 * Self.second))
    }
}
