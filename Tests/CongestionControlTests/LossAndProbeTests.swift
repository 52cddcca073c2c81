import Sluice
import Testing

@testable import CongestionControl

@Suite struct LossAndProbeTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    /// Windows of 500 ms with 100 packets each, of which so many are lost; `rate` in bits a second.
    private func window(_ loss: inout LossRate, _ index: Int, rate: Double, lost: Int) -> LossRate.Finding? {
        let begin = Double(index) * 510
        let bytes = Int(rate * 0.5 / 8 / 100)
        for packet in 0..<100 {
            loss.note(
                bytes: bytes, sent: at(begin + Double(packet) * 5),
                hasArrived: packet * lost / 100 == (packet + 1) * lost / 100,
                wasMissing: false)
        }
        return loss.update(sent: at(begin + 500), rate: rate)
    }

    @Test func lossThatIsThereAtLowerRatesTooIsTheLinksOwn() {
        var loss = LossRate()
        // 15 % of it at 1 Mb/s, never seen lower: the rate falls, and so finds out.
        #expect(window(&loss, 0, rate: 1_000_000, lost: 15) != nil)
        var (rate, index) = (loss.bound ?? 0, 1)
        while index < 20, window(&loss, index, rate: rate, lost: 15) != nil || loss.bound != nil {
            rate = loss.bound ?? rate
            index += 1
        }
        #expect(rate > 700_000)
        for index in 20..<40 { #expect(window(&loss, index, rate: 2_000_000, lost: 15) == nil) }
        #expect(loss.bound == nil)
    }

    @Test func lossThatRisesWithTheRateBoundsIt() throws {
        var loss = LossRate()
        for index in 0..<5 { #expect(window(&loss, index, rate: 1_000_000, lost: 1) == nil) }
        // A link that drops all above 1 Mb/s, without a queue.
        let found = window(&loss, 5, rate: 2_000_000, lost: 50)
        let finding = try #require(found)
        #expect(finding.lost == 0.5 && abs(finding.own - 0.01) < 0.001)
        var rate = loss.bound ?? 0
        for index in 6..<26 {
            _ = window(&loss, index, rate: rate, lost: max(1, Int((1 - 1_000_000 / rate) * 100)))
            rate = loss.bound ?? rate
        }
        #expect((850_000...1_150_000).contains(rate))
    }

    @Test func aPacketThatCameAfterAllWasNotLost() {
        var loss = LossRate()
        for packet in 0..<100 {
            loss.note(bytes: 1_000, sent: at(Double(packet) * 5), hasArrived: packet % 2 == 0, wasMissing: false)
        }
        for packet in 0..<50 {
            loss.note(bytes: 1_000, sent: at(Double(packet) * 10), hasArrived: true, wasMissing: true)
        }
        #expect(loss.update(sent: at(500), rate: 1_000_000) == nil && loss.share == 0)
    }

    private func flight(coming: Double, lost: Int = 0) -> ProbeFlight.Result? {
        var flight = ProbeFlight(Probe(number: 1, bitsPerSecond: 4_000_000, bytes: 7_500, packets: 5), now: at(0))
        for index in 0..<7 { flight.noteSent(Int64(index), bytes: 1_250, at: at(Double(index) * 2.5)) }
        for index in lost..<7 {
            flight.noteArrived(bytes: 1_250, at: Interval(nanoseconds: Int64(Double(index) * coming * 1e6)))
        }
        return flight.result
    }

    @Test func aProbeProvesTheLesserOfTheRatesAtWhichItLeftAndCame() throws {
        let whole = try #require(flight(coming: 2))
        #expect(abs(whole.proved - 4_000_000) < 1 && !whole.isFull)
        let full = try #require(flight(coming: 5))
        #expect(abs(full.proved - 2_000_000) < 1 && full.isFull && abs(full.share - 0.5) < 0.01)
        #expect(flight(coming: 2.5, lost: 1) != nil)
        #expect(flight(coming: 2.5, lost: 2) == nil)
        #expect(flight(coming: 0)?.proved ?? 0 <= 4_000_001)
    }

    private func take(_ schedule: inout ProbeSchedule, _ estimate: Double, at time: Double, isRising: Bool = false)
        -> String?
    {
        schedule.take(estimate: estimate, most: 1e8, isRising: isRising, jitter: 0, now: at(time)).map {
            "\($0.reason) \($0.probe.bitsPerSecond)"
        }
    }

    @Test func probesComeAtTheStartAndWhileMoreIsWished() {
        var schedule = ProbeSchedule(first: 300_000, now: at(0))
        schedule.noteWish(5_000_000, estimate: 300_000)
        #expect(take(&schedule, 300_000, at: 0) == "start 900000")
        #expect(take(&schedule, 900_000, at: 300) == "start 1800000")
        schedule.noteProof(.init(proved: 1_800_000, share: 1, isFull: false))
        #expect(take(&schedule, 1_800_000, at: 600) == "further 3600000")
        schedule.noteProof(.init(proved: 2_000_000, share: 0.55, isFull: true))
        #expect(take(&schedule, 2_000_000, at: 900) == nil)
        #expect(schedule.due(estimate: 2_000_000) == at(5_600))
        #expect(take(&schedule, 2_000_000, at: 5_600) == "regular 4000000")
        #expect(take(&schedule, 2_000_000, at: 10_599) == nil)
        // All that is wished is there: no more.
        #expect(take(&schedule, 5_000_000, at: 20_000) == nil)
        #expect(schedule.due(estimate: 5_000_000) == nil)
        schedule.noteWish(8_000_000, estimate: 5_000_000)
        #expect(take(&schedule, 5_000_000, at: 20_100) == "wish 8000000")
    }

    @Test func noneComeWhileDelayRisesAndBehindAFallItTriesForWhatWas() {
        var schedule = ProbeSchedule(first: 300_000, now: at(0))
        schedule.noteWish(5_000_000, estimate: 300_000)
        #expect(take(&schedule, 300_000, at: 0, isRising: true) == nil)
        #expect(take(&schedule, 300_000, at: 999) == nil)
        #expect(take(&schedule, 300_000, at: 1_000) == "start 900000")
        schedule.noteFall(from: 2_000_000, now: at(1_100))
        schedule.noteFall(from: 1_500_000, now: at(1_300))
        #expect(take(&schedule, 600_000, at: 4_000) == nil)
        #expect(take(&schedule, 600_000, at: 4_300) == "afterFall 1700000")
        #expect(take(&schedule, 600_000, at: 4_301) == nil)
    }

    @Test func everyDecisionIsASentence() {
        func sentence(_ before: Int, _ after: Int, _ cause: RateDecision.Cause) -> String {
            RateDecision(at: at(0), before: before, after: after, cause: cause).sentence
        }
        #expect(sentence(1_900_000, 700_000, .delay(rise: 14.2)) == "1.9 → 0.7 Mb/s, delay rises 14 ms a second")
        #expect(
            sentence(2_000_000, 1_500_000, .loss(lost: 0.5, own: 0.08))
                == "2.0 → 1.5 Mb/s, 50 % is lost, 8 % at lower rates")
        #expect(sentence(2_000_000, 1_500_000, .loss(lost: 0.5, own: 0)) == "2.0 → 1.5 Mb/s, 50 % is lost")
        #expect(
            sentence(60_000, 60_000, .probe(12_400_000, .regular))
                == "0.06 Mb/s, probes at 12 Mb/s: more is wished than the estimate")
        #expect(
            sentence(900_000, 1_800_000, .proved(1_800_000, isFull: false))
                == "0.9 → 1.8 Mb/s, a probe came at 1.8 Mb/s")
        #expect(
            sentence(900_000, 900_000, .proved(1_000_000, isFull: true))
                == "0.9 Mb/s, the link was full at 1.0 Mb/s of a probe")
        #expect(
            sentence(900_000, 450_000, .silence(.milliseconds(1_200)))
                == "0.9 → 0.5 Mb/s, no feedback for 1200 ms")
    }
}
