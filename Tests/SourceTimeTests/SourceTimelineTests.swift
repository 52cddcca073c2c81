import Sluice
import Testing

@testable import SourceTime

private func ms(_ value: Int64) -> MediaTime { .milliseconds(value) }
private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

/// A source of pictures each 40 ms and audio each 20 ms, interleaved by their times.
private struct Programme {
    var timeline: SourceTimeline
    var video: [Int64] = []
    var audio: [Int64] = []
    var leaps: [SourceTimeline.Leap] = []
    var now: Int64 = 0
    var isLive: Bool

    init(_ rules: SourceTimeline.Rules, isLive: Bool = false) {
        (timeline, self.isLive) = (SourceTimeline(rules), isLive)
    }

    mutating func send(_ stream: Int, _ time: Int64, shown: Int64? = nil, lasts: Int64) {
        let placed = timeline.place(
            stream, dts: ms(time), pts: ms(shown ?? time), duration: ms(lasts), at: isLive ? at(now) : at(0))
        let result = Int64((ms(time) + placed.offset).milliseconds)
        if stream == 0 { video.append(result) } else { audio.append(result) }
        if let leap = placed.leap { leaps.append(leap) }
    }

    /// Times from `first` to `last`; those of the audio moved by `audioShift` beside it.
    mutating func play(_ first: Int64, _ last: Int64, video shift: Int64 = 0, audio audioShift: Int64 = 0) {
        for time in stride(from: first, to: last, by: 20) {
            if (time - first) % 40 == 0 { send(0, time + shift, lasts: 40) }
            send(1, time + audioShift, lasts: 20)
            now += 20
        }
    }

    func steps(_ times: [Int64]) -> Set<Int64> { Set(zip(times, times.dropFirst()).map { $1 - $0 }) }
}

@Suite("Times that leap") struct SourceTimelineTests {
    private let hour: Int64 = 3_600_000

    @Test func thoseThatGoOnAreLeftAlone() {
        var one = Programme(.spliced)
        one.play(1_400, 5_000)
        #expect(one.video.first == 1_400 && one.video.last == 4_960 && one.audio.last == 4_980)
        #expect(one.leaps.isEmpty)
    }

    @Test(arguments: [0, 2_000, -3_600_000, 3_600_000, 60_000_000] as [Int64])
    func aSecondRecordingGoesOnBehindTheFirst(shift: Int64) {
        for rules in [SourceTimeline.Rules.spliced, .written, .live] {
            var one = Programme(rules)
            one.play(1_000, 5_000)
            one.play(1_000, 5_000, video: shift, audio: shift)
            #expect(one.steps(one.video) == [40] && one.steps(one.audio) == [20])
            #expect(one.audio.last == 8_980 && one.video.last == 8_960)
            #expect(one.leaps.count == 1, "\(one.leaps)")
        }
    }

    @Test func oneStreamThatLeapsStaysWithTheOther() {
        for (video, audio) in [(hour, 0), (0, hour), (0, 0 - 1_000), (0 - 1_000, 0)] {
            var one = Programme(.spliced)
            one.play(10_000, 12_000)
            one.play(12_000, 14_000, video: video, audio: audio)
            #expect(one.steps(one.video) == [40] && one.steps(one.audio) == [20])
            #expect(one.leaps.count == 1)
        }
    }

    @Test func thereAndBackIsAsIfNothingHadBeen() {
        for audio in [hour, 0] {
            var one = Programme(.spliced)
            one.play(0, 2_000)
            one.play(2_000, 4_000, video: hour, audio: audio)
            one.play(4_000, 6_000)
            #expect(one.video == Array(stride(from: 0, to: 6_000, by: 40)))
            #expect(one.audio == Array(stride(from: 0, to: 6_000, by: 20)))
            #expect(one.leaps.count == 1)
        }
    }

    /// One picture that is hours away is no reason to move the others.
    @Test(arguments: [7_200_000, -5_000, 5_000] as [Int64]) func onePictureThatIsAwayMovesNoOther(shift: Int64) {
        var one = Programme(.live, isLive: true)
        one.play(10_000, 12_000)
        one.send(0, 12_000 + shift, lasts: 40)
        one.play(12_040, 14_000)
        #expect(one.video == Array(stride(from: 10_000, to: 14_000, by: 40)))
        #expect(one.leaps.count == 1)
    }

    @Test func aHoleInOneStreamIsNoLeapWhereTheOtherGoesOn() {
        var one = Programme(.spliced)
        one.play(0, 2_000)
        for time in stride(from: Int64(2_000), to: 40_000, by: 20) { one.send(1, time, lasts: 20) }
        one.play(40_000, 42_000)
        #expect(one.video.last == 41_960 && one.leaps.isEmpty)
    }

    @Test func aHoleInAllStreamsIsKeptWhereItIsShortOrThePauseExplainsIt() {
        for (rules, length, isLive) in [
            (SourceTimeline.Rules.spliced, 9_000, false), (.written, 59_000, false), (.live, 600_000, true),
        ] as [(SourceTimeline.Rules, Int64, Bool)] {
            var one = Programme(rules, isLive: isLive)
            one.play(0, 2_000)
            one.now += length
            one.play(2_000 + length, 4_000 + length)
            #expect(one.audio.last == 3_980 + length && one.leaps.isEmpty)
        }
    }

    /// A sender that pauses and begins its file again.
    @Test func aLeapBehindAPauseStandsAsMuchLater() {
        var one = Programme(.live, isLive: true)
        one.play(0, 3_000)
        one.now += 5_000
        one.play(0, 3_000)
        #expect(abs((one.video.last ?? 0) - 10_960) <= 20 && one.leaps.count == 1)
        #expect((one.video.last ?? 0) + 20 == one.audio.last)
    }

    /// Muxers sort by times: of a stream that leaps ahead alone, all that follows stands at the end of the file.
    @Test func aStreamThatLeapsAheadAloneGoesOnWhereItWasThoughTheOthersHaveEnded() {
        var one = Programme(.written)
        one.play(0, 2_000)
        for time in stride(from: Int64(2_000), to: 4_000, by: 40) { one.send(0, time, lasts: 40) }
        for time in stride(from: Int64(2_000), to: 4_000, by: 20) { one.send(1, time + hour, lasts: 20) }
        #expect(one.audio == Array(stride(from: 0, to: 4_000, by: 20)) && one.leaps.count == 1)
    }

    /// The audio of the first recording lasts longer than its pictures: the second one begins behind both.
    @Test func nothingOverlapsWhereTheStreamsEndApart() {
        for length in [300, 3_000] as [Int64] {
            var one = Programme(.spliced)
            one.play(0, 4_000)
            for time in stride(from: Int64(4_000), to: 4_000 + length, by: 20) { one.send(1, time, lasts: 20) }
            one.play(0, 4_000)
            #expect(one.steps(one.audio).min() == 20 && one.leaps.count == 1)
            #expect(one.steps(one.video).allSatisfy { $0 >= 40 })
            #expect(one.video.last == one.audio.last.map { $0 - 20 })
            #expect(one.audio.last == 7_980 + length)
        }
    }

    /// Pictures that are shown in another order keep it where the offset grows: the larger one waits for a picture
    /// that none is shown before.
    @Test func anOffsetThatGrowsDoesNotMixPictures() {
        var one = Programme(.spliced)
        let order: [Int64] = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
        var shown: [Int64] = []
        func picture(_ index: Int, _ from: Int64) {
            let (dts, pts) = (from + Int64(index) * 40, from + 80 + order[index] * 40)
            let placed = one.timeline.place(0, dts: ms(dts), pts: ms(pts), duration: ms(40))
            shown.append(Int64((ms(pts) + placed.offset).milliseconds))
        }
        for index in order.indices { picture(index, 1_000) }
        for time in stride(from: Int64(1_000), to: 1_900, by: 20) { one.send(1, time, lasts: 20) }
        for index in 0..<3 { picture(index, 0) }
        for time in stride(from: Int64(0), to: 100, by: 20) { one.send(1, time, lasts: 20) }
        for index in 3..<10 { picture(index, 0) }
        let second = Array(shown.dropFirst(10))
        let sorted = order.indices.sorted { order[$0] < order[$1] }.map { second[$0] }
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $1 - $0 >= 40 }, "\(sorted)")
        #expect(one.steps(one.audio).min() == 20)
    }

    @Test func manyLeapsEndNowhereElse() {
        var one = Programme(.spliced)
        for round in 0..<50 { one.play(0, 1_000, video: Int64(round % 7) * hour, audio: Int64(round % 7) * hour) }
        #expect(one.video == Array(stride(from: 0, to: 50_000, by: 40)))
        #expect(one.audio == Array(stride(from: 0, to: 50_000, by: 20)))
    }

    @Test func aStreamThatComesLaterStandsBesideTheOthers() {
        for shift in [0, hour, -hour] {
            var one = Programme(.spliced)
            for time in stride(from: hour, to: hour + 4_000, by: 40) { one.send(0, time, lasts: 40) }
            one.play(hour + 4_000, hour + 6_000, audio: shift)
            #expect(one.video.last == hour + 5_960)
            #expect(abs((one.audio.last ?? 0) - hour - 5_980) <= 40)
            #expect(one.leaps.count == (shift == 0 ? 0 : 1))
        }
    }

    // MARK: Connections

    @Test func anotherConnectionOfTheSameClockGoesOn() {
        var one = Programme(.live, isLive: true)
        one.play(1_400, 3_000)
        one.timeline.restart()
        one.now += 1_000
        one.play(4_000, 5_000)
        #expect(one.video.last == 4_960 && one.audio.last == 4_980)
    }

    @Test(arguments: [0, 5_000_000] as [Int64]) func anotherSenderGoesOnAsMuchLaterAsThePause(begins: Int64) {
        var one = Programme(.live, isLive: true)
        one.play(60_000, 62_000)
        one.timeline.restart()
        one.now += 980
        one.play(begins, begins + 1_000)
        // The last packet came at 1,980 ms and ends at 62,000; the next one comes at 2,980.
        #expect(one.video.last == 63_960 && one.audio.last == 63_980)
        #expect(one.leaps.isEmpty)
    }

    @Test func extremesDoNotTrap() {
        var timeline = SourceTimeline(.live)
        let extremes: [MediaTime] = [.zero, MediaTime(ticks: .max - 5), MediaTime(ticks: .min + 5), .none]
        for first in extremes {
            for second in extremes where second.isKnown {
                _ = timeline.place(0, dts: second, pts: first, duration: first, at: Instant(nanoseconds: .max))
                _ = timeline.place(1, dts: second, pts: first, duration: first, at: Instant(nanoseconds: 0))
                timeline.restart()
            }
        }
    }
}
