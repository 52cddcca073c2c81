import Sluice
import Testing

@testable import SRTPlugin

/// From when SRT's latency counts.
@Suite struct OriginTests {
    @Test func mostOfTheLatencyIsLeftForRetransmission() {
        #expect(SRTSink.mostAge(latencyMilliseconds: 1) == .microseconds(250))
        #expect(SRTSink.mostAge(latencyMilliseconds: 12) == .milliseconds(3))
        #expect(SRTSink.mostAge(latencyMilliseconds: 20) == .milliseconds(5))
        #expect(SRTSink.mostAge(latencyMilliseconds: 8_000) == .milliseconds(5))
    }
}
