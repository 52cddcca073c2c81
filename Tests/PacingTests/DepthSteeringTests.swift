import Pacing
import Sluice
import Testing

@Suite struct DepthSteeringTests {
    /// Of a source that runs 100 ppm fast, after ten seconds.
    private var clock: ClockEstimate {
        var clock = ClockEstimate()
        for number in 0..<500 {
            let time = MediaTime.milliseconds(Int64(number) * 20)
            clock.note(time, at: Instant(nanoseconds: Int64(Double(number) * 20e6 * (1 - 100e-6))))
        }
        return clock
    }

    @Test func nothingHappensBeforeTheDepthIsOff() {
        var steering = DepthSteering()
        #expect(clock.isSettled)
        #expect(steering.steer(behind: 0.004, clock: clock, step: 0.02) == 0)
        #expect(!steering.acts)
    }

    @Test func whoIsNotAbleYetIsAskedAgainAndBeginsWithoutAStep() {
        var steering = DepthSteering()
        var asked = 0
        for _ in 0..<50 {
            let ppm = steering.steer(behind: 0.02, clock: clock, step: 0.02) {
                asked += 1
                return false
            }
            #expect(ppm == 0)
        }
        #expect(asked == 50)
        #expect(!steering.acts)
        // At most 100 ppm a second.
        #expect(abs(steering.steer(behind: 0.02, clock: clock, step: 0.02)) <= 2.001)
        #expect(steering.acts)
        #expect(abs(steering.steer(behind: 0.02, clock: clock, step: 0.02)) > 2.001)
    }
}
