import CongestionControl
import Sluice
import Testing

@Suite struct ControllerTests {
    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    @Test func whereNothingIsHeardTheRateHalvesEachSecond() {
        var controller = CongestionController(now: at(0))
        controller.wish(2_000_000)
        #expect(controller.due == nil)
        var sequence: UInt16 = 0
        var rates: [Int] = []
        for time in stride(from: 0, through: 5_000, by: 10) {
            _ = controller.run(now: at(time))
            controller.noteSent(sequence, bytes: 400, at: at(time))
            sequence &+= 1
            if rates.last != controller.bitsPerSecond { rates.append(controller.bitsPerSecond) }
        }
        #expect(rates == [300_000, 150_000, 75_000, 50_000])
        let sentences = controller.takeDecisions().map(\.sentence)
        #expect(sentences.contains("0.3 → 0.2 Mb/s, no feedback for 1200 ms"))
        #expect(controller.takeDecisions().isEmpty)
    }

    @Test func aSenderThatPausesKeepsItsEstimate() {
        var controller = CongestionController(now: at(0))
        #expect(controller.run(now: at(60_000)) == nil)
        #expect(controller.bitsPerSecond == 300_000 && controller.due == nil)
    }
}
