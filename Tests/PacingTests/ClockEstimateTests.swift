import Pacing
import PacingSimulation
import Sluice
import Testing

@Suite struct ClockEstimateTests {
    private func estimate(
        ppm: Double, jitter: Int64, seconds: Int, seed: UInt64 = 1, into clock: inout ClockEstimate
    ) -> Arrivals {
        var arrivals = Arrivals(
            length: .milliseconds(20), ppm: ppm, jitter: .milliseconds(jitter), loss: 0.01, seed: seed)
        for _ in 0..<seconds * 50 {
            let packet = arrivals.next()
            clock.note(.milliseconds((packet.number + 1) * 20), at: packet.arrival)
        }
        return arrivals
    }

    @Test func aSourceWithoutJitterIsKnownAfterSeconds() {
        for ppm in [-200.0, 0, 35, 200] {
            var clock = ClockEstimate()
            _ = estimate(ppm: ppm, jitter: 0, seconds: 10, into: &clock)
            #expect(clock.isSettled)
            #expect(abs(clock.ppm - ppm) < 4)
        }
    }

    @Test func underFortyMillisecondsOfJitterTheRateIsKnownAfterTwoMinutes() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var clock = ClockEstimate()
            _ = estimate(ppm: seed % 2 == 0 ? 200 : -200, jitter: 40, seconds: 120, seed: seed, into: &clock)
            #expect(clock.isSettled)
            #expect(abs(clock.ppm - (seed % 2 == 0 ? 200 : -200)) < 60)
            #expect(abs(clock.jitterMilliseconds - 11.5) < 2.5)
            // In the middle of what jitter there is.
            let end = MediaTime.milliseconds(120_000)
            let plain = Instant(nanoseconds: 120_000_000_000 + (seed % 2 == 0 ? 24_000_000 : -24_000_000))
            #expect(abs((clock.arrival(of: end) - plain).milliseconds - 20) < 3)
        }
    }

    @Test func aPauseMovesThePhaseAndKeepsTheRate() {
        var clock = ClockEstimate()
        _ = estimate(ppm: 150, jitter: 0, seconds: 60, into: &clock)
        // The source pauses for 3 s of its time and goes on with its timestamps.
        for packet in 0..<100 as Range<Int64> {
            let media = 60_000 + (packet + 1) * 20
            let wall = Double(media + 3_000) * 1e6 * 1.000150
            clock.note(.milliseconds(media), at: Instant(nanoseconds: Int64(wall)))
        }
        #expect(abs(clock.ppm - 150) < 5)
        let media = MediaTime.milliseconds(62_000)
        #expect(abs(clock.arrival(of: media).nanoseconds - Int64(65_000e6 * 1.00015)) < 1_000_000)
    }

    @Test func aBurstAfterAHoldUpDoesNotMoveTheClock() {
        var clock = ClockEstimate()
        _ = estimate(ppm: 0, jitter: 0, seconds: 60, into: &clock)
        // Held for 600 ms on the way, then everything at once.
        for packet in 0..<30 as Range<Int64> {
            clock.note(.milliseconds(60_000 + (packet + 1) * 20), at: Instant(nanoseconds: 60_600_000_000))
        }
        #expect(abs(clock.ppm) < 20)
        #expect(abs(clock.arrival(of: .milliseconds(60_600)).nanoseconds - 60_600_000_000) < 20_000_000)
    }

    @Test func nonsenseDoesNotTrap() {
        var clock = ClockEstimate()
        let times: [Int64] = [.min + 1, .max, 0, -1, 1, .max - 5, 100]
        for ticks in times {
            for instant in times {
                clock.note(MediaTime(ticks: ticks), at: Instant(nanoseconds: instant))
                _ = clock.arrival(of: MediaTime(ticks: ticks))
            }
        }
        #expect(abs(clock.ppm) <= 10_000)
    }
}
