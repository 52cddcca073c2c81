import Pacing
import Sluice
import Testing

@Suite struct VideoPacingTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    /// How audio plays a source that is `ahead` of its own time, from `milliseconds` on.
    private func audio(_ milliseconds: Double, depth: Double = 60, isDry: Bool = false) -> Playout {
        let time = MediaTime.milliseconds(Int64(milliseconds - depth))
        return Playout(source: time, at: at(milliseconds), out: time, ppm: 0, isDry: isDry)
    }

    @Test func picturesThatLoseTheirAudioAfterMinutesGoOnByThemselves() {
        var pacing = VideoPacing(target: .milliseconds(60))
        var last = MediaTime.none
        for number in 0..<6_000 {
            let time = Double(number) * 40
            let dts = MediaTime.milliseconds(Int64(number) * 40)
            let place = pacing.place(
                pts: dts, dts: dts, duration: .milliseconds(40), arrival: at(time),
                audio: number < 5_000 ? audio(time) : nil)
            #expect(place.jump == nil)
            #expect(place.due == at(time + 60))
            #expect(!last.isKnown || place.dts > last)
            last = place.dts
        }
    }

    @Test func aPictureGoesWithItsAudioWhereThatHasMovedMeanwhile() throws {
        var pacing = VideoPacing(target: .milliseconds(60))
        let dts = MediaTime.milliseconds(1_000)
        let first = pacing.place(
            pts: dts, dts: dts, duration: .milliseconds(40), arrival: at(1_000), audio: audio(1_010))
        #expect(first.due == at(1_060) && first.dts == dts)
        // Audio came late and is played 15 ms later.
        let moved = pacing.place(again: audio(1_040, depth: 75))
        let again = try #require(moved)
        #expect(again.due == at(1_075))
        #expect(again.dts == dts)
    }

    @Test func aPictureWhoseTimeHasPassedWaitsOnceForAudioThatIsDry() throws {
        var pacing = VideoPacing(target: .milliseconds(60))
        let dts = MediaTime.milliseconds(1_000)
        // The audio has gone on to 1,010 without anything.
        let first = pacing.place(
            pts: dts, dts: dts, duration: .milliseconds(40), arrival: at(1_065), audio: audio(1_070, isDry: true))
        #expect(first.due == at(1_070))
        let then = pacing.place(again: audio(1_090, isDry: true))
        let told = try #require(then)
        #expect(told.due == at(1_070), "nothing came with it")
    }
}
