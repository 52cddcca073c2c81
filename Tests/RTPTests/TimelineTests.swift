import Sluice
import TestSupport
import Testing

@testable import RTP

@Suite struct TimelineTests {
    private func instant(_ milliseconds: Double) -> Instant {
        Instant(nanoseconds: Int64((milliseconds * 1e6).rounded()))
    }

    // MARK: Receiving

    @Test func audioCountsByItsOwnClockHoweverItArrives() {
        var timeline = ReceiveTimeline(clockRates: [48_000], reference: 0)
        var random = Dice(seed: 2)
        for index in 0..<5_000 {
            let arrival = instant(
                1_000 + Double(index) * 20 + (index == 0 ? 0 : Double.random(in: 0...80, using: &random)))
            let place = timeline.place(
                7_000 + Int64(index) * 960, stream: 0, arrival: arrival, duration: .milliseconds(20))
            #expect(place.time == .milliseconds(Int64(index) * 20) && !place.isRestarted)
        }
    }

    @Test func reportsBringVideoInStepWithAudio() {
        var timeline = ReceiveTimeline(clockRates: [90_000, 48_000], reference: 1)
        // Both were captured together; the network brought video 120 ms late.
        #expect(timeline.place(0, stream: 1, arrival: instant(0), duration: .milliseconds(20)).time == .zero)
        #expect(timeline.place(0, stream: 0, arrival: instant(120), duration: .zero).time == .milliseconds(120))
        let wall: Int64 = 1_700_000_000_000_000_000
        timeline.note(NTPTime(unixNanoseconds: wall), timestamp: 0, stream: 1)
        // Without the video's report nothing is known.
        #expect(timeline.place(3_000, stream: 0, arrival: instant(153), duration: .zero).shift == .zero)
        timeline.note(NTPTime(unixNanoseconds: wall + 1_000_000_000), timestamp: 90_000, stream: 0)
        let moved = timeline.place(6_000, stream: 0, arrival: instant(186), duration: .zero)
        #expect(abs(moved.time.milliseconds - 66.667) < 0.01 && abs(moved.shift.milliseconds + 120) < 0.01)
        #expect(timeline.place(9_000, stream: 0, arrival: instant(219), duration: .zero).shift == .zero)
        #expect(
            timeline.place(960, stream: 1, arrival: instant(20), duration: .milliseconds(20)).time == .milliseconds(20))
    }

    /// One who joins is sent the pictures since the last keyframe at once, the audio from now on: the audio stands
    /// where the reports have it, and no picture is moved back onto those before.
    @Test func audioThatBeginsBehindKeptPicturesStandsWhereReportsHaveIt() {
        var timeline = ReceiveTimeline(clockRates: [48_000, 90_000], reference: 0)
        let wall: Int64 = 1_700_000_000_000_000_000
        // Both counts are 0 at one time; pictures of a second come within 20 ms, the audio begins at 1.02 s.
        for picture in 0..<30 {
            let time = timeline.place(
                Int64(picture) * 3_000, stream: 1, arrival: instant(Double(picture) / 2), duration: .zero
            ).time
            #expect(abs(time.milliseconds - Double(picture) * 1_000 / 30) < 0.01)
        }
        timeline.note(NTPTime(unixNanoseconds: wall), timestamp: 90_000, stream: 1)
        timeline.note(NTPTime(unixNanoseconds: wall), timestamp: 48_000, stream: 0)
        let audio = timeline.place(48_960, stream: 0, arrival: instant(20), duration: .milliseconds(20))
        #expect(audio.time == .milliseconds(1_020) && !audio.isRestarted)
        let next = timeline.place(90_000, stream: 1, arrival: instant(21), duration: .zero)
        #expect(abs(next.time.milliseconds - 1_000) < 0.01 && next.shift == .zero)
    }

    @Test func aSmallDifferenceIsLeftAlone() {
        var timeline = ReceiveTimeline(clockRates: [90_000, 48_000], reference: 1)
        _ = timeline.place(0, stream: 1, arrival: instant(0), duration: .milliseconds(20))
        _ = timeline.place(0, stream: 0, arrival: instant(8), duration: .zero)
        for stream in 0...1 { timeline.note(NTPTime(unixNanoseconds: 5), timestamp: 0, stream: stream) }
        #expect(timeline.place(3_000, stream: 0, arrival: instant(41), duration: .zero).shift == .zero)
    }

    @Test func driftingClocksOfTheSenderAreFollowed() {
        // Its video clock is 100 ppm fast against its audio clock: 360 ms an hour.
        var timeline = ReceiveTimeline(clockRates: [90_000, 48_000], reference: 1)
        var worst = 0.0
        for second in 0..<3_600 {
            let ntp = NTPTime(unixNanoseconds: Int64(second) * 1_000_000_000)
            let video = Int64((Double(second) * 90_000 * 1.0001).rounded())
            let audio = timeline.place(
                Int64(second) * 48_000, stream: 1, arrival: instant(Double(second) * 1_000), duration: .milliseconds(20)
            )
            timeline.note(ntp, timestamp: Int64(second) * 48_000, stream: 1)
            timeline.note(ntp, timestamp: video, stream: 0)
            let picture = timeline.place(video, stream: 0, arrival: instant(Double(second) * 1_000), duration: .zero)
            worst = max(worst, abs((picture.time - audio.time).milliseconds))
            #expect(audio.shift == .zero)
        }
        #expect(worst <= 10.01)
    }

    @Test func anotherCountGoesOnBehindTheOldOne() {
        var timeline = ReceiveTimeline(clockRates: [48_000], reference: 0)
        for index in 0..<50 {
            _ = timeline.place(
                Int64(index) * 960, stream: 0, arrival: instant(Double(index) * 20), duration: .milliseconds(20))
        }
        let jumped = timeline.place(99_999_999, stream: 0, arrival: instant(1_000), duration: .milliseconds(20))
        #expect(jumped.isRestarted && jumped.time == .milliseconds(1_000))
        let back = timeline.place(5, stream: 0, arrival: instant(1_020), duration: .milliseconds(20))
        #expect(back.isRestarted && back.time == .milliseconds(1_020))
        timeline.restart(stream: 0)
        let other = timeline.place(77, stream: 0, arrival: instant(1_030), duration: .milliseconds(20))
        // Behind what was handed out, though it came early.
        #expect(other.time == .milliseconds(1_040))
        for extreme in [Int64.max, .min, .max / 2] {
            _ = timeline.place(extreme, stream: 0, arrival: instant(2_000), duration: .milliseconds(20))
        }
    }

    @Test func reportsOfAnySortNeverCrash() {
        var random = Dice(seed: 12)
        var timeline = ReceiveTimeline(clockRates: [90_000, 48_000], reference: 1)
        for round in 0..<20_000 {
            let stream = round % 2
            let wild = Int64.random(in: .min ... .max, using: &random)
            timeline.note(NTPTime(bits: .random(in: 0 ... .max, using: &random)), timestamp: wild, stream: stream)
            let near = Int64.random(in: 0...1_000_000, using: &random)
            let place = timeline.place(
                round % 5 == 0 ? wild : near, stream: stream, arrival: instant(Double(round)),
                duration: .milliseconds(20))
            #expect(place.time.isKnown)
        }
    }

    // MARK: Sending

    private func header(_ milliseconds: Double, duration: Double = 20, epoch: UInt32 = 1) -> MediaItem.Header {
        MediaItem.Header(pts: .seconds(milliseconds / 1_000), duration: .seconds(duration / 1_000), epoch: epoch)
    }

    @Test func sessionTimeFollowsTheMediasOwnInsideASegment() {
        var timeline = SendTimeline()
        #expect(timeline.place(header(5_000), now: instant(100)) == .init(time: .zero, beginsSegment: true))
        for index in 1..<100 {
            let place = timeline.place(header(5_000 + Double(index) * 20), now: instant(100 + Double(index) * 20))
            #expect(place == .init(time: .milliseconds(Int64(index) * 20), beginsSegment: false))
        }
        // A hole of 600 ms in the media is one in the session.
        #expect(timeline.place(header(7_580), now: instant(2_700)).time == .milliseconds(2_580))
    }

    @Test func audioAndVideoOfANewSegmentMoveByTheSameGap() {
        var timeline = SendTimeline()
        for index in 0..<50 {
            _ = timeline.place(header(Double(index) * 20), now: instant(Double(index) * 20))
            if index % 2 == 0 {
                _ = timeline.place(header(Double(index) * 20, duration: 40), now: instant(Double(index) * 20))
            }
        }
        // The planned end is at 1,000 ms; the next segment, whose times begin at 0 again, comes 300 ms later.
        let video = timeline.place(header(0, duration: 40, epoch: 2), now: instant(1_300))
        let audio = timeline.place(header(10, epoch: 2), now: instant(1_305))
        #expect(video == .init(time: .milliseconds(1_300), beginsSegment: true))
        #expect(audio == .init(time: .milliseconds(1_310), beginsSegment: false))
        // One that comes before its time goes on behind the last.
        let early = timeline.place(header(0, epoch: 3), now: instant(1_310))
        #expect(early.time == .milliseconds(1_340) && early.beginsSegment)
    }

    /// A pacer's times go on in an interruption. The last picture of the old turn ends 20 ms behind the next audio.
    @Test func timesThatGoOnUnderANewEpochAreNotMoved() {
        var timeline = SendTimeline()
        for index in 0..<51 {
            _ = timeline.place(header(Double(index) * 20), now: instant(Double(index) * 20))
            if index % 2 == 0 {
                _ = timeline.place(header(Double(index) * 20, duration: 40), now: instant(Double(index) * 20))
            }
        }
        let faded = timeline.place(header(1_020, epoch: 2), now: instant(1_020))
        #expect(faded == .init(time: .milliseconds(1_020), beginsSegment: true))
        #expect(timeline.place(header(1_040, epoch: 2), now: instant(1_040)).time == .milliseconds(1_040))
        #expect(timeline.place(header(1_500, duration: 40, epoch: 2), now: instant(1_500)).time == .milliseconds(1_500))
    }

    @Test func aShortGapIsNotSkippedButCountsTowardsTheNext() {
        var timeline = SendTimeline()
        var (epoch, wall): (UInt32, Double) = (1, 0)
        var starts: [Double] = []
        // Segments of a second, each 30.1 ms later than the one before was planned to end.
        for _ in 0..<5 {
            for index in 0..<50 {
                let place = timeline.place(
                    header(Double(index) * 20, epoch: epoch), now: instant(wall + Double(index) * 20))
                if place.beginsSegment { starts.append(place.time.milliseconds) }
            }
            wall += 1_030.1
            epoch += 1
        }
        // The second is 30.1 ms late, the third 60.2: that is 361 steps of 1/6,000 s, and 0.03 ms are left; and so on.
        let step = 1_000.0 / 6_000
        #expect(starts[0] == 0 && starts[1] == 1_000)
        #expect(abs(starts[2] - (2_000 + 361 * step)) < 0.001)
        #expect(abs(starts[3] - (3_000 + 361 * step)) < 0.001)
        #expect(abs(starts[4] - (4_000 + 722 * step)) < 0.001)
    }

    @Test func aJumpOfOneStreamIsFollowedByTheOtherAndItsRestStaysInPlace() {
        var timeline = SendTimeline()
        for index in 0..<100 { _ = timeline.place(header(Double(index) * 20), now: instant(Double(index) * 20)) }
        let jumped = timeline.place(header(60_000), now: instant(2_000))
        #expect(jumped == .init(time: .milliseconds(2_000), beginsSegment: true))
        // Video's last frame of the old stretch, then its first of the new.
        #expect(timeline.place(header(1_990), now: instant(2_001)).time == .milliseconds(1_990))
        #expect(
            timeline.place(header(60_010), now: instant(2_010))
                == .init(time: .milliseconds(2_010), beginsSegment: false))
    }

    @Test func reportsTellTheRelationOfTheFastestMedia() throws {
        var timeline = SendTimeline()
        #expect(timeline.time(at: instant(0)) == nil)
        _ = timeline.place(header(0, duration: 33), now: instant(1_000 + 30))
        _ = timeline.place(header(0), now: instant(1_000 + 5))
        let time = try #require(timeline.time(at: instant(1_505)))
        #expect(abs(time.milliseconds - 500) < 0.001)
    }

    @Test func timestampsAreExactHoweverLongTheSession() {
        let sender = StreamSender(.opus, payloadType: 97, ssrc: 1, sequence: 0, timestampOffset: 0xffff_ffff)
        for index: Int64 in [0, 1, 2, 4_320_000, 4_320_001] {
            // 20 ms frames of a day.
            let time = MediaTime(index * 960, timescale: 48_000)
            #expect(sender.timestamp(at: time) == UInt32(truncatingIfNeeded: index * 960 - 1))
        }
        let video = StreamSender(.vp8, payloadType: 96, ssrc: 1, sequence: 0, timestampOffset: 0)
        // 30000/1001 frames a second: 3003 each, for a day.
        for index: Int64 in [1, 1_000, 2_589_410] {
            let time = MediaTime(index * 1_001, timescale: 30_000)
            #expect(video.timestamp(at: time) == UInt32(truncatingIfNeeded: index * 3_003))
        }
    }

    // MARK: Decoding times

    @Test func decodingTimesNeverFallAndNeverExceedThoseOfShowing() {
        // I P B B, P B B: up to one frame later, two before.
        let shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8].map { MediaTime.milliseconds(Int64($0) * 40) }
        for reordered in [1, 2] {
            var times = DecodeTimes(reordered: reordered)
            let decoded = shown.map { times.time(of: $0, step: .milliseconds(40)) }
            #expect(zip(decoded, shown).allSatisfy { $0 <= $1 }, "\(reordered)")
            #expect(zip(decoded, decoded.dropFirst()).allSatisfy { $0 < $1 }, "\(reordered)")
        }
        var plain = DecodeTimes(reordered: 0)
        let straight = (0..<20).map { MediaTime.milliseconds($0 * 33) }
        #expect(straight.map { plain.time(of: $0, step: .none) } == straight && plain.reordered == 0)
        var learning = DecodeTimes(reordered: 0)
        let learned = shown.map { learning.time(of: $0, step: .milliseconds(40)) }
        #expect(learning.reordered == 1 && zip(learned, shown).allSatisfy { $0 <= $1 })
        #expect(zip(learned.dropFirst(2), learned.dropFirst(3)).allSatisfy { $0 < $1 })
    }
}
