import Sluice
import Testing

@testable import CongestionControl

@Suite struct DelayTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }
    private func told(_ milliseconds: Double) -> Interval { Interval(nanoseconds: Int64(milliseconds * 1e6)) }

    /// Groups of 20 ms, each of which comes `more` ms later than the one before it.
    private func feed(_ trend: inout DelayTrend, _ count: Int, from first: Int = 0, more: Double) {
        for index in first..<first + count {
            let time = Double(index) * (20 + more)
            trend.take(PacketGroups.Step(sent: 20, arrived: 20 + more, at: told(time)))
        }
    }

    @Test func packetsWithinFiveMillisecondsAreOneGroup() throws {
        var groups = PacketGroups()
        #expect(groups.take(sent: at(0), arrived: told(100)) == nil)
        #expect(groups.take(sent: at(5), arrived: told(108)) == nil)
        #expect(groups.take(sent: at(20), arrived: told(125)) == nil)
        // The one that began at 20 ms is complete now.
        let found = groups.take(sent: at(40), arrived: told(150))
        let step = try #require(found)
        #expect(step.sent == 15 && step.arrived == 17 && step.at == told(125))
    }

    @Test func whatCameTogetherIsOneGroupThoughItLeftApart() throws {
        var groups = PacketGroups()
        _ = groups.take(sent: at(0), arrived: told(100))
        _ = groups.take(sent: at(20), arrived: told(150))
        // 12 ms later, and 1 ms behind.
        #expect(groups.take(sent: at(32), arrived: told(151)) == nil)
        let found = groups.take(sent: at(60), arrived: told(190))
        let step = try #require(found)
        #expect(step.sent == 32 && step.arrived == 51)
    }

    @Test func whatLeftBeforeItsGroupAndClocksThatAreSetBackTellNothing() {
        var groups = PacketGroups()
        _ = groups.take(sent: at(100), arrived: told(200))
        #expect(groups.take(sent: at(50), arrived: told(201)) == nil)
        _ = groups.take(sent: at(120), arrived: told(220))
        _ = groups.take(sent: at(140), arrived: told(10))
        #expect(groups.take(sent: at(160), arrived: told(30)) == nil)
        #expect(groups.take(sent: at(180), arrived: told(50)) == nil)
    }

    @Test func delayThatRisesIsOveruseAndToldInMillisecondsASecond() {
        var trend = DelayTrend()
        feed(&trend, 60, more: 0)
        #expect(trend.signal == .steady && trend.rise == 0)
        // 4 ms in 24.
        feed(&trend, 40, from: 60, more: 4)
        #expect(trend.signal == .overuse)
        #expect((100...200).contains(trend.rise))
        feed(&trend, 40, from: 100, more: -4)
        #expect(trend.signal == .draining)
    }

    @Test func theThresholdFollowsWithinSixAndSixHundred() {
        var trend = DelayTrend()
        #expect(trend.threshold == 12.5)
        feed(&trend, 1_000, more: 0)
        #expect(trend.threshold == 6)
        // 2 ms a second for long: the threshold rises above it, and a flow that fills queues starves none.
        feed(&trend, 2_000, from: 1_000, more: 0.6)
        #expect(trend.threshold > 6 && trend.threshold < 20)
        #expect(trend.signal == .steady)
    }

    @Test func onOveruseTheRateIsAPartOfWhatArrivesAndThenItWaits() {
        var rate = DelayRate(bits: 2_000_000)
        #expect(rate.update(.overuse, arrived: 1_000_000, roundTrip: .milliseconds(100), now: at(1_000)) == .falls)
        #expect(rate.bits == 850_000)
        // Within a round trip nothing more.
        #expect(rate.update(.overuse, arrived: 500_000, roundTrip: .milliseconds(100), now: at(1_050)) == .none)
        #expect(rate.update(.overuse, arrived: 1_200_000, roundTrip: .milliseconds(100), now: at(1_200)) == .none)
        #expect(rate.bits == 850_000)
        // Steady: it holds once, then rises by half a packet a response time: 4,800 bits in 100 ms.
        _ = rate.update(.steady, arrived: 850_000, roundTrip: .milliseconds(100), now: at(1_300))
        let change = rate.update(.steady, arrived: 850_000, roundTrip: .milliseconds(100), now: at(2_300))
        #expect(change == .rises(isNearLink: true))
        #expect(abs(rate.bits - 898_000) < 1)
        _ = rate.update(.draining, arrived: 850_000, roundTrip: .milliseconds(100), now: at(3_300))
        #expect(abs(rate.bits - 898_000) < 1)
    }

    @Test func farFromTheLinkItRisesByEightPercentASecondAndNeverFarAboveWhatArrives() {
        var rate = DelayRate(bits: 1_000_000)
        let change = rate.update(.steady, arrived: 1_000_000, roundTrip: .milliseconds(100), now: at(0))
        #expect(change == .rises(isNearLink: false) && rate.bits == 1_000_000)
        #expect(rate.update(.steady, arrived: 1_000_000, roundTrip: .milliseconds(100), now: at(1_000)) == .none)
        #expect(abs(rate.bits - 1_080_000) < 1)
        for second in 2..<60 {
            _ = rate.update(
                .steady, arrived: 1_000_000, roundTrip: .milliseconds(100), now: at(Double(second) * 1_000))
        }
        #expect(rate.bits == 1_510_000)
        // Much more arrives than the link was known to carry.
        _ = rate.update(.overuse, arrived: 1_000_000, roundTrip: .milliseconds(100), now: at(60_000))
        #expect(rate.link.bitsPerSecond == 1_000_000)
        _ = rate.update(.steady, arrived: 2_000_000, roundTrip: .milliseconds(100), now: at(61_000))
        _ = rate.update(.steady, arrived: 2_000_000, roundTrip: .milliseconds(100), now: at(62_000))
        #expect(rate.link.bitsPerSecond == nil)
    }

    @Test func whatArrivesIsCountedOverHalfASecond() {
        var arrived = ArrivedRate()
        #expect(arrived.bitsPerSecond == nil)
        for index in 0..<100 { arrived.note(1_250, at: told(1_000_000 + Double(index) * 10)) }
        #expect(abs((arrived.bitsPerSecond ?? 0) - 1_000_000) < 60_000)
        for index in 0..<100 { arrived.note(250, at: told(1_001_000 + Double(index) * 10)) }
        #expect(abs((arrived.bitsPerSecond ?? 0) - 200_000) < 12_000)
        // The clock is set back.
        arrived.note(1_000, at: told(0))
        #expect(arrived.bitsPerSecond == nil)
    }
}
