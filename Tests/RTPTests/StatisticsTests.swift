import RTP
import Sluice
import TestSupport
import Testing

@Suite struct StatisticsTests {
    private func header(_ sequence: Int, timestamp: Int = 0) -> RTPHeader {
        RTPHeader(
            payloadType: 0, sequence: UInt16(truncatingIfNeeded: sequence),
            timestamp: UInt32(truncatingIfNeeded: timestamp),
            ssrc: 1)
    }

    @Test func lossIsCountedAsTheRFCDoes() {
        var statistics = ReceiverStatistics(clockRate: 8_000)
        let now = Instant(nanoseconds: 0)
        for sequence in 65_500..<65_700 where sequence % 10 != 0 { _ = statistics.note(header(sequence), at: now) }
        // Of 65,501 to 65,699, 19 are missing.
        #expect(statistics.lost == 19 && statistics.highest == 65_699)
        var report = statistics.report(on: 7, now: now)
        #expect(report.lost == 19 && report.fractionLost == UInt8(19 * 256 / 199) && report.ssrc == 7)
        for sequence in 65_700..<65_800 { _ = statistics.note(header(sequence), at: now) }
        report = statistics.report(on: 7, now: now)
        #expect(report.fractionLost == 0 && report.lost == 19)
        // A duplicate counts as received (section 6.4.1), so the loss may fall.
        #expect(statistics.note(header(65_799), at: now) == .reordered)
        #expect(statistics.lost == 18)
    }

    @Test func theVerdictsAreThoseOfAppendixA1() {
        var statistics = ReceiverStatistics(clockRate: 8_000)
        let now = Instant(nanoseconds: 0)
        #expect(statistics.note(header(1_000), at: now) == .inOrder)
        #expect(statistics.note(header(3_999), at: now) == .inOrder)
        #expect(statistics.note(header(3_900), at: now) == .reordered)
        #expect(statistics.note(header(3_999 + 3_000), at: now) == .stray)
        #expect(statistics.note(header(4_000), at: now) == .inOrder)
        #expect(statistics.note(header(20_000), at: now) == .stray)
        #expect(statistics.note(header(20_001), at: now) == .restarted)
        #expect(statistics.note(header(20_002), at: now) == .inOrder && statistics.lost == 0)
        #expect(statistics.note(header(20_002 - 101), at: now) == .stray)
    }

    @Test func jitterIsTheSmoothedDifferenceOfTransitTimes() {
        var statistics = ReceiverStatistics(clockRate: 8_000)
        // Every second packet 10 ms late: all differences are 10 ms.
        for index in 0..<2_000 {
            let at = Instant(nanoseconds: Int64(index) * 20_000_000 + (index % 2 == 1 ? 10_000_000 : 0))
            _ = statistics.note(header(index, timestamp: index * 160), at: at)
        }
        #expect(abs(statistics.jitter.milliseconds - 10) < 0.3)
        #expect(abs(Int(statistics.report(on: 1, now: Instant(nanoseconds: 0)).jitter) - 80) <= 2)
        var even = ReceiverStatistics(clockRate: 8_000)
        for index in 0..<100 {
            _ = even.note(header(index, timestamp: index * 160), at: Instant(nanoseconds: Int64(index) * 20_000_000))
        }
        #expect(even.jitter == .zero)
    }

    @Test func roundTripsCanBeComputedFromTheReport() {
        var statistics = ReceiverStatistics(clockRate: 8_000)
        _ = statistics.note(header(0), at: Instant(nanoseconds: 0))
        let sent = NTPTime(unixNanoseconds: 1_700_000_000_000_000_000)
        statistics.note(
            .init(ssrc: 1, ntp: sent, timestamp: 0, packets: 0, octets: 0), at: Instant(nanoseconds: 30_000_000))
        let report = statistics.report(on: 1, now: Instant(nanoseconds: 530_000_000))
        #expect(report.lastReport == sent.compact && report.delay == 32_768)
    }
}
