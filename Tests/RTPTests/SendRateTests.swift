import RTP
import Sluice
import Testing

@Suite struct SendRateTests {
    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    private func remb(_ kbps: Int) -> ReceiverEstimate {
        ReceiverEstimate(sender: 1, bitsPerSecond: kbps * 1_000, sources: [5])
    }

    /// Reports of 100 packets each, of which so many are lost.
    private struct Reports {
        var block = RTCPPacket.ReportBlock(
            ssrc: 5, fractionLost: 0, lost: 0, highest: 0, jitter: 0, lastReport: 0, delay: 0)

        mutating func next(lost: Int) -> RTCPPacket.ReportBlock {
            block.highest &+= 100
            block.lost += Int32(lost)
            block.fractionLost = UInt8(min(255, lost * 256 / 100))
            return block
        }
    }

    @Test func theFirstWordIsEighteenHundredAndThenTheEstimateRules() {
        var rate = SendRate(now: at(0))
        #expect(rate.bitsPerSecond == 1_800_000 && !rate.isEstimated && rate.encoderBitsPerSecond == 1_170_000)
        rate.note(remb(4_000), at: at(5_000))
        #expect(rate.bitsPerSecond == 4_000_000 && rate.isEstimated && rate.encoderBitsPerSecond == 1_800_000)
        rate.note(remb(1_000), at: at(6_000))
        #expect(rate.bitsPerSecond == 1_000_000 && rate.encoderBitsPerSecond == 650_000)
        rate.note(remb(300), at: at(7_000))
        #expect(rate.encoderBitsPerSecond == 500_000)
        rate.note(ReceiverEstimate(sender: 1, bitsPerSecond: .max, sources: []), at: at(8_000))
        #expect(rate.bitsPerSecond == 1_000_000_000_000 && rate.encoderBitsPerSecond == 1_800_000)
        rate.note(ReceiverEstimate(sender: 1, bitsPerSecond: 0, sources: []), at: at(9_000))
        #expect(rate.bitsPerSecond == 50_000)
    }

    @Test func muchLossBoundsTheEstimateAndLittleLossLiftsTheBound() {
        var rate = SendRate(now: at(0))
        var reports = Reports()
        rate.note(reports.next(lost: 0), at: at(0))
        rate.note(remb(2_000), at: at(500))
        rate.note(reports.next(lost: 20), at: at(1_000))
        // × (1 − 0.2 / 2)
        #expect(rate.bitsPerSecond == 1_800_000)
        rate.note(reports.next(lost: 50), at: at(2_000))
        #expect(rate.bitsPerSecond == 1_350_000)
        // From 2 to 10 % nothing changes.
        for (index, lost) in [2, 5, 10].enumerated() {
            rate.note(reports.next(lost: lost), at: at(3_000 + index * 1_000))
            #expect(rate.bitsPerSecond == 1_350_000)
        }
        rate.note(reports.next(lost: 1), at: at(6_000))
        #expect(rate.bitsPerSecond == 1_417_500)
        var steps = 0
        while rate.bitsPerSecond < 2_000_000, steps < 20 {
            rate.note(reports.next(lost: 0), at: at(7_000 + steps * 1_000))
            steps += 1
        }
        #expect(steps == 8)
        // The bound is gone: the estimate alone counts.
        rate.note(remb(5_000), at: at(20_000))
        #expect(rate.bitsPerSecond == 5_000_000)
    }

    @Test func reportsBoundTheRateBeforeTheFirstEstimateToo() {
        var rate = SendRate(now: at(0))
        var reports = Reports()
        for second in 0..<4 { rate.note(reports.next(lost: 30), at: at(second * 1_000)) }
        #expect((900_000..<1_200_000).contains(rate.bitsPerSecond))
        for second in 4..<60 { rate.note(reports.next(lost: 0), at: at(second * 1_000)) }
        #expect(rate.bitsPerSecond == 1_800_000)
    }

    @Test func aFloodOfReportsIsNoFloodOfSteps() {
        var rate = SendRate(now: at(0))
        var reports = Reports()
        for now in 0..<900 { rate.note(reports.next(lost: 100), at: at(now)) }
        // Three steps in 0.9 s, halves each.
        #expect(rate.bitsPerSecond == 225_000)
        for now in 900..<100_000 { rate.note(reports.next(lost: 100), at: at(now)) }
        #expect(rate.bitsPerSecond == 50_000)
        // The same report again tells nothing new.
        let again = reports.block
        for now in 0..<100 { rate.note(again, at: at(200_000 + now * 1_000)) }
        #expect(rate.bitsPerSecond == 50_000)
    }

    @Test func noEstimateForTenSecondsIsSaidOnce() {
        var rate = SendRate(now: at(0))
        #expect(rate.due == at(10_000))
        var said = (0..<20_000).filter { rate.takeSilence(now: at($0)) }
        #expect(said == [10_000] && rate.due == nil)
        rate = SendRate(now: at(0))
        for now in 0..<40_000 {
            if now < 15_000, now % 1_000 == 0 { rate.note(remb(1_000), at: at(now)) }
            if rate.takeSilence(now: at(now)) { said.append(now) }
        }
        #expect(said == [10_000, 24_000])
    }
}
