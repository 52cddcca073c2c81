import Sluice
import TestSupport
import Testing

@testable import RTP

/// Times that leap: what follows stands where it belongs, and the streams stay together.
@Suite struct LeapTests {
    private func instant(_ milliseconds: Double) -> Instant {
        Instant(nanoseconds: Int64((milliseconds * 1e6).rounded()))
    }

    /// Audio of 20 ms a packet and video of 25 pictures a second, as a sender stamps them, with jitter of up to 15 ms.
    private struct Bench {
        var timeline = ReceiveTimeline(clockRates: [90_000, 48_000], reference: 1)
        /// Added to a packet's timestamp, in ms, by its place in ms.
        var videoOffset: (Int) -> Int = { _ in 0 }
        var audioOffset: (Int) -> Int = { _ in 0 }
        /// The wall clock of reports, which come each second, less the media's time, in ms.
        var videoWall: ((Int) -> Int)?
        var audioWall: ((Int) -> Int)?
        var arrives: (Int) -> Bool = { _ in true }
        var video: [(at: Int, place: ReceiveTimeline.Place)] = []
        var audio: [(at: Int, place: ReceiveTimeline.Place)] = []
        private var random = Dice(seed: 4)

        mutating func run(to end: Int) {
            for at in stride(from: 0, to: end, by: 20) {
                let now = Instant(nanoseconds: Int64(at) * 1_000_000 + Int64.random(in: 0...15_000_000, using: &random))
                let (videoTime, audioTime) = (at + videoOffset(at), at + audioOffset(at))
                if at % 1_000 == 0 {
                    if let wall = audioWall { report(at + wall(at), audioTime * 48, 1) }
                    if let wall = videoWall { report(at + wall(at), videoTime * 90, 0) }
                }
                guard arrives(at) else { continue }
                audio.append(
                    (at, timeline.place(Int64(audioTime) * 48, stream: 1, arrival: now, duration: .milliseconds(20))))
                guard at % 40 == 0 else { continue }
                video.append((at, timeline.place(Int64(videoTime) * 90, stream: 0, arrival: now, duration: .zero)))
            }
        }

        private mutating func report(_ wall: Int, _ timestamp: Int, _ stream: Int) {
            let ntp = NTPTime(unixNanoseconds: 1_700_000_000_000_000_000 + Int64(wall) * 1_000_000)
            timeline.note(ntp, timestamp: Int64(timestamp), stream: stream)
        }

        /// How far the worst is off the place where it was sent, in ms, beside where the first stands.
        var worst: (video: Double, audio: Double) {
            func off(_ all: [(at: Int, place: ReceiveTimeline.Place)]) -> Double {
                all.map { abs($0.place.time.milliseconds - Double($0.at)) }.max() ?? 0
            }
            return (off(video), off(audio))
        }

        var leaps: Int { (video + audio).count { $0.place.isRestarted } }
    }

    @Test(arguments: [400, 1_000, 5_000, 3_600_000, -100, -800, -5_000, -3_600_000], [false, true])
    func oneStreamThatLeapsStaysBesideTheOther(by leap: Int, withReports: Bool) {
        for leapsVideo in [false, true] {
            var bench = Bench()
            let offset: (Int) -> Int = { $0 >= 3_000 ? leap : 0 }
            if leapsVideo { bench.videoOffset = offset } else { bench.audioOffset = offset }
            if withReports { (bench.videoWall, bench.audioWall) = ({ _ in 0 }, { _ in 0 }) }
            bench.run(to: 8_000)
            let worst = bench.worst
            #expect(worst.video < 40 && worst.audio < 40, "\(worst) by \(leap), video \(leapsVideo)")
            #expect(bench.leaps == 1)
            #expect(zip(bench.audio, bench.audio.dropFirst()).allSatisfy { $0.place.time < $1.place.time })
        }
    }

    @Test(arguments: [5_000, -800, -86_400_000]) func streamsThatLeapTogetherStayTogether(by leap: Int) {
        var bench = Bench()
        bench.audioOffset = { $0 >= 2_500 ? leap : 0 }
        bench.videoOffset = { $0 >= 2_500 ? leap : 0 }
        (bench.videoWall, bench.audioWall) = ({ _ in 0 }, { _ in 0 })
        bench.run(to: 8_000)
        #expect(bench.worst.video < 40 && bench.worst.audio < 40 && bench.leaps == 2)
    }

    @Test func aFrameThatIsFarOffMovesNoOther() {
        var bench = Bench()
        bench.videoOffset = { [2_000: 9_800_000, 4_000: -9_800_000][$0] ?? 0 }
        bench.audioOffset = { [3_000: 7_000, 3_020: 7_000, 5_000: -2_000][$0] ?? 0 }
        (bench.videoWall, bench.audioWall) = ({ _ in 0 }, { _ in 0 })
        bench.run(to: 8_000)
        #expect(bench.worst.video < 21 && bench.worst.audio < 21, "\(bench.worst)")
        // There and back.
        #expect(bench.leaps == 8)
    }

    @Test func aPauseIsNoLeap() {
        var bench = Bench()
        bench.arrives = { !(2_000..<6_000).contains($0) }
        bench.run(to: 10_000)
        #expect(bench.worst.video < 21 && bench.worst.audio < 21 && bench.leaps == 0)
    }

    @Test func aSenderThatHurriesMayHaveHoles() {
        var timeline = ReceiveTimeline(clockRates: [48_000], reference: 0)
        // Ten times as fast as time; 3 s of silence are left out.
        for index in 0..<1_000 {
            let media = Double(index) * 20 + (index >= 500 ? 3_000 : 0)
            let place = timeline.place(
                Int64(media) * 48, stream: 0, arrival: instant(Double(index) * 2), duration: .milliseconds(20))
            #expect(place.time == .milliseconds(Int64(media)) && !place.isRestarted)
        }
    }

    @Test func picturesThatAreSentOutOfOrderDoNotLeap() {
        var timeline = ReceiveTimeline(clockRates: [90_000], reference: 0)
        // I P B B, at 5 a second: P is shown three pictures later than it comes.
        let order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]
        for (index, shown) in order.enumerated() {
            let place = timeline.place(
                Int64(shown) * 18_000, stream: 0, arrival: instant(Double(index) * 200 + 400), duration: .zero,
                reach: ReceiveTimeline.longestReordering)
            #expect(place.time == .milliseconds(Int64(shown) * 200) && !place.isRestarted)
        }
    }

    // MARK: Reports

    /// Case by case: by how much the wall clock is set, and when the audio's and the video's report notice it, in ms.
    @Test(
        arguments: [-3_000, -300, 700, 3_600_000, 9_000],
        [(4_000, 5_000), (5_000, 4_000), (4_000, 4_000), (3_000, 8_000)])
    func aWallClockThatIsSetMovesNothing(by step: Int, noticed: (audio: Int, video: Int)) {
        var bench = Bench()
        bench.audioWall = { $0 >= noticed.audio ? step : 0 }
        bench.videoWall = { $0 >= noticed.video ? step : 0 }
        bench.run(to: 20_000)
        let isMeant = noticed.video - noticed.audio >= 3_000 && abs(step) < 10_000
        // Reports that go on to differ for so long are believed, until the other follows.
        if !isMeant { #expect(bench.worst.video < 40, "\(bench.worst)") }
        #expect(abs(bench.video.last!.place.time.milliseconds - Double(bench.video.last!.at)) < 40)
        #expect(bench.worst.audio < 21 && bench.leaps == 0)
    }

    @Test func aSenderThatMeansItIsFollowed() {
        var bench = Bench()
        (bench.audioWall, bench.videoWall) = ({ _ in 0 }, { $0 >= 4_000 ? 500 : 0 })
        bench.run(to: 12_000)
        let last = bench.video.last!
        #expect(abs(last.place.time.milliseconds - Double(last.at) - 500) < 1)
        #expect(
            bench.video.filter { $0.at < 5_500 }.allSatisfy { abs($0.place.time.milliseconds - Double($0.at)) < 40 })
    }
}
