import PacingSimulation
import Testing

/// The short form of `tools/prove pacing`, which runs 24 hours for 100 seeds.
@Suite struct PacingDayTests {
    @Test(arguments: 1...6) func anHourOfAClockThatIsOffIsHeardWithoutASlip(seed: Int) {
        var day = PacingDay(seed: UInt64(seed))
        day.hours = 0.5
        day.ppm = seed % 2 == 0 ? 200 : -200
        let found = day.run()
        #expect(found.isGood(target: 60), "\(found)")
    }

    @Test func itsJudgeSeesWhatIsWrong() {
        // The depth of a frame does not cover 40 ms of jitter.
        var day = PacingDay(seed: 1)
        day.hours = 0.05
        day.target = .milliseconds(20)
        #expect(!day.run().isGood(target: 20))
    }
}
