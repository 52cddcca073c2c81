import Testing

@testable import WebRTCPlugin

@Suite("Refusals in the log") struct RefusalLogTests {
    /// Which of these are said.
    private func said(_ log: inout RefusalLog, _ refusals: [(String, String)]) -> [Bool] {
        refusals.map { log.isNew($0, for: $1) }
    }

    @Test func whoAsksAgainAndAgainIsToldOfOnce() {
        var log = RefusalLog()
        let (early, full) = ("The video has not begun.", "There are 100 viewers.")
        let first = said(
            &log,
            [
                (early, "192.0.2.1:50000"), (early, "192.0.2.1:50001"), (early, "[2001:db8::1]:50000"),
                (early, "[2001:db8::1]:7"),
            ])
        #expect(first == [true, false, true, false])
        // For another reason, and after it was let in.
        let second = said(&log, [(full, "192.0.2.1:50002"), (full, "192.0.2.1:50003")])
        #expect(second == [true, false])
        log.forget("192.0.2.1:50004")
        let third = said(&log, [(full, "192.0.2.1:50005")])
        #expect(third == [true])
    }

    @Test func strangersWithoutEndAreNotRememberedWithoutEnd() {
        var log = RefusalLog()
        let all = said(&log, (0..<(2 * RefusalLog.most)).map { ("No.", "host\($0):1") })
        #expect(!all.contains(false))
        let again = said(&log, [("No.", "host0:1"), ("No.", "host\(2 * RefusalLog.most - 1):1")])
        #expect(again == [true, false])
    }
}
