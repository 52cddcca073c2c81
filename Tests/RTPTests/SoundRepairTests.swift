import RTP
import Sluice
import Testing

@Suite struct SoundRepairTests {
    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    /// Reports each second of 50 packets, of which so many are lost.
    private func report(_ second: Int, _ lost: [Int]) -> RTCPPacket.ReportBlock {
        RTCPPacket.ReportBlock(
            ssrc: 5, fractionLost: UInt8(min(255, lost[second] * 256 / 50)), lost: Int32(lost[...second].reduce(0, +)),
            highest: UInt32(70_000 + 50 * second), jitter: 0, lastReport: 0, delay: 0)
    }

    private func states(_ lost: [Int], takes: Bool = true) -> [Bool] {
        var repair = SoundRepair(takesRedundancy: takes)
        return lost.indices.map { second in
            repair.note(report(second, lost), at: at(second))
            return repair.isRedundant
        }
    }

    @Test func framesGoOutTwiceFromOnePercentOfLossOnAndLongEnough() {
        // One packet lost now and then is less than 1 %.
        #expect(states((0..<60).map { $0 % 4 == 0 ? 1 : 0 }).allSatisfy { !$0 })
        // 4 % at once in the first report; then nothing is lost any more.
        let burst = states([2] + [Int](repeating: 0, count: 59))
        #expect(burst[0] && burst[9] && !burst[40])
        #expect(burst.firstIndex(of: false).map { (10...30).contains($0) } == true)
        // It does not flutter where the loss is about 1 %.
        let steady = states((0..<300).map { $0 % 2 })
        #expect(zip(steady, steady.dropFirst()).count { $0 != $1 } <= 1)
        #expect(states([Int](repeating: 5, count: 60), takes: false).allSatisfy { !$0 })
    }

    @Test func anEncoderIsToldTheLossWhereFramesGoOutOnce() {
        var repair = SoundRepair(takesRedundancy: false)
        let lost = [Int](repeating: 5, count: 30)
        for second in lost.indices { repair.note(report(second, lost), at: at(second)) }
        #expect(repair.expectedLossPercent == 10)
        #expect(!repair.answersLoss)
        repair.roundTrip = .milliseconds(39)
        #expect(repair.answersLoss)
        repair.roundTrip = .milliseconds(40)
        #expect(!repair.answersLoss)
    }

    @Test func reportsThatMakeNoSenseMeanLittle() {
        var meter = LossMeter(span: .seconds(5))
        for (second, (highest, lost)) in [
            (5, 0), (0xffff_ffff, Int32.max), (0, .min), (7, .max), (3, 5), (60_000, .max), (60_000, 9),
        ].enumerated() as EnumeratedSequence<[(UInt32, Int32)]> {
            let block = RTCPPacket.ReportBlock(
                ssrc: 5, fractionLost: 255, lost: lost, highest: highest, jitter: 0, lastReport: 0, delay: 0)
            meter.note(block, at: at(second % 3))
            #expect((0...1).contains(meter.share))
        }
        for ssrc in 0..<100 {
            let block = RTCPPacket.ReportBlock(
                ssrc: UInt32(ssrc), fractionLost: 0, lost: 0, highest: 0, jitter: 0, lastReport: 0, delay: 0)
            #expect(meter.note(block, at: at(9)) == (0, 0))
        }
    }
}
