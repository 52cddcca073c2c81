import Sluice
import Testing

@testable import SampleTime

/// Where samples go in a sink that has no times.
@Suite struct SamplePlacementTests {
    private typealias Place = SamplePlacement.Place

    private func place(_ placement: inout SamplePlacement, at milliseconds: Int64, samples: Int = 960) -> Place {
        placement.place(samples, at: .milliseconds(milliseconds), rate: 48_000)
    }

    @Test func whatFollowsInTimeIsLeftAsItIs() {
        var placement = SamplePlacement()
        for frame in 0..<100 { #expect(place(&placement, at: 5_000 + Int64(frame) * 20) == Place()) }
        #expect(placement.silence == .zero && placement.cut == .zero)
    }

    @Test func aHoleIsSilenceOfItsLength() {
        var placement = SamplePlacement()
        _ = place(&placement, at: 0)
        #expect(place(&placement, at: 3_020) == Place(silence: 144_000))
        #expect(place(&placement, at: 3_040) == Place())
        #expect(placement.silence == .milliseconds(3_000))
    }

    @Test func anOverlapIsCutAcrossFrames() {
        var placement = SamplePlacement()
        for frame in 0..<5 { _ = place(&placement, at: Int64(frame) * 20) }
        // 50 ms that were there already: two frames and a half.
        #expect(place(&placement, at: 50) == Place(cut: 960))
        #expect(place(&placement, at: 70) == Place())
        #expect(place(&placement, at: 40) == Place(cut: 960))
        #expect(placement.cut == .milliseconds(40))
    }

    @Test func jitterStaysAndDoesNotAddUp() {
        var placement = SamplePlacement()
        for frame in 0..<100 {
            let jitter: Int64 = frame % 3 == 0 ? 35 : -3
            #expect(place(&placement, at: 1_000 + Int64(frame) * 20 + jitter) == Place())
        }
    }

    @Test func aLeapOverMoreThanAnHourIsNoHole() {
        var placement = SamplePlacement()
        _ = place(&placement, at: 0)
        #expect(place(&placement, at: 95_443_717) == Place())
        #expect(place(&placement, at: 95_443_737) == Place())
        #expect(place(&placement, at: 20) == Place())
        #expect(placement.leaps == 2 && placement.silence == .zero)
    }

    @Test func framesWithoutTimesFollowEachOther() {
        var placement = SamplePlacement()
        _ = place(&placement, at: 100)
        #expect(placement.place(960, at: .none, rate: 48_000) == Place())
        #expect(place(&placement, at: 140) == Place())
    }

    /// Encoders begin before 0 by their delay, and a sink without times cannot say so.
    @Test func samplesBeforeTheBeginningAreCutAndAreNoOverlap() {
        var placement = SamplePlacement()
        #expect(place(&placement, at: -50) == Place(cut: 960))
        #expect(place(&placement, at: -30) == Place(cut: 960))
        #expect(place(&placement, at: -10) == Place(cut: 480))
        #expect(place(&placement, at: 10) == Place())
        #expect(placement.cut == .zero && placement.silence == .zero)
        var later = SamplePlacement(from: .milliseconds(5_000))
        #expect(place(&later, at: 4_995) == Place(cut: 240))
        // Times from elsewhere are no delay.
        var elsewhere = SamplePlacement()
        #expect(place(&elsewhere, at: -7_200_000) == Place())
    }

    @Test func whatWasDoneIsToldInWords() {
        #expect(SamplePlacement.words(silence: 0, cut: 0, leaps: 0) == nil)
        #expect(
            SamplePlacement.words(silence: 0.3, cut: 2.5, leaps: 1)
                == "300 ms of silence where audio was missing, 2.50 s of audio that overlapped were cut, "
                + "a leap of the times by over an hour was closed")
    }
}
