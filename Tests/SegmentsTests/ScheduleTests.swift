import Sluice
import TestSupport
import Testing

@testable import SegmentsPlugin

/// Plays a schedule in virtual time and writes down what goes out.
struct Player {
    var schedule = SegmentSchedule(piece: 0.02)
    var now = Instant(nanoseconds: 0)
    /// `v 3 @ 120`: picture 3 of its segment at 120 ms; `a 320 @ 40`: audio from sample 320 on.
    var log: [String] = []
    var pictureFits = true
    var audioFits = true

    mutating func add(_ segment: Segment) {
        segment.enqueued = now
        schedule.add(segment)
    }

    mutating func play(until end: Instant) {
        while true {
            switch schedule.next(now, pictureFits: pictureFits, audioFits: audioFits) {
            case .begin(let playing): log.append("begin \(playing.segment.header.sequence) @ \(text(playing.start))")
            case .picture(_, let index, let time, let due):
                #expect(due <= now)
                log.append("v \(index) @ \(text(time))")
                schedule.sentFrame(now, due: due)
            case .audio(_, let range, let time, let due):
                #expect(due <= now)
                log.append("a \(range.lowerBound) @ \(text(time))")
                schedule.sentSamples(now, due: due)
            case .end(let playing): log.append("end \(playing.segment.header.sequence)")
            case .wait(let instant):
                #expect(instant > now)
                guard instant <= end else {
                    now = max(now, end)
                    return
                }
                now = instant
            case .full, .idle:
                now = max(now, end)
                return
            }
        }
    }

    mutating func play(milliseconds: Int64) { play(until: Instant(nanoseconds: milliseconds * 1_000_000)) }

    private func text(_ time: MediaTime) -> String { decimal(time.milliseconds, places: 2) }
}

@Suite struct ScheduleTests {
    private func segment(
        _ sequence: Int, frames: Int = 0, samples: Int = 0, epoch: UInt32 = 1, start: Int64 = 0, duration: Int64? = nil,
        fps: Int = 25
    ) -> Segment {
        var header = SegmentHeader()
        header.sequence = sequence
        (header.frameCount, header.width, header.height) = (frames, 64, 48)
        (header.sampleCount, header.sampleRate) = (samples, 16_000)
        header.frameRate = .init(fps)
        header.mediaStart = start > 0 ? .milliseconds(start) : nil
        header.duration = duration.map { .milliseconds($0) }
        return Segment(header, epoch: epoch)
    }

    @Test func picturesAndAudioGoOutAtTheirTimePicturesFirstOnTies() {
        var player = Player()
        player.add(segment(1, frames: 2, samples: 1_280))
        player.play(milliseconds: 500)
        #expect(
            player.log == [
                "begin 1 @ 0.00", "v 0 @ 0.00", "a 0 @ 0.00", "a 320 @ 20.00", "v 1 @ 40.00", "a 640 @ 40.00",
                "a 960 @ 60.00", "end 1",
            ])
    }

    @Test func segmentsThatAreInTimeFollowWithoutAGap() {
        var player = Player()
        player.add(segment(1, samples: 640))
        player.add(segment(2, frames: 1))
        player.add(segment(3, samples: 320))
        player.play(milliseconds: 500)
        #expect(
            player.log == [
                "begin 1 @ 0.00", "a 0 @ 0.00", "a 320 @ 20.00", "end 1", "begin 2 @ 40.00", "v 0 @ 40.00", "end 2",
                "begin 3 @ 80.00", "a 0 @ 80.00", "end 3",
            ])
    }

    @Test func aSegmentThatIsHardlyLateGoesOutAtOnceAndLosesNothing() {
        var player = Player()
        player.add(segment(1, samples: 320))
        player.play(milliseconds: 55)  // planned end 20, so 35 late
        player.add(segment(2, samples: 1_280))
        player.play(milliseconds: 55)
        #expect(player.log.suffix(3) == ["begin 2 @ 20.00", "a 0 @ 20.00", "a 320 @ 40.00"])
        player.play(milliseconds: 60)
        #expect(player.log.last == "a 640 @ 60.00")
    }

    @Test func aLateSegmentStepsOverTheGap() {
        var player = Player()
        player.add(segment(1, frames: 1, samples: 320))
        player.play(milliseconds: 300)
        player.add(segment(2, frames: 1, samples: 320))
        player.play(milliseconds: 400)
        #expect(player.log.suffix(4) == ["begin 2 @ 300.00", "v 0 @ 300.00", "a 0 @ 300.00", "end 2"])
    }

    @Test func durationIsAsGivenElseOfTheLongerMedium() {
        #expect(segment(1, frames: 10, samples: 320).header.plannedDuration == .milliseconds(400))
        #expect(segment(1, frames: 1, samples: 16_000).header.plannedDuration == .milliseconds(1_000))
        #expect(segment(1, frames: 1, samples: 320, duration: 700).header.plannedDuration == .milliseconds(700))
        // A third of a second, rounded by who wrote it.
        let third = segment(1, frames: 10, duration: 333, fps: 30).header
        #expect(third.plannedDuration == MediaTime(1, timescale: 3))
        #expect(!third.isCut)
    }

    @Test func whatLiesBeyondTheDurationIsNotPlayed() {
        var player = Player()
        let long = segment(1, frames: 10, samples: 16_000, duration: 90)
        #expect(long.header.isCut)
        #expect(long.header.playedFrames == 3)
        #expect(long.header.playedSamples == 1_440)
        player.add(long)
        player.add(segment(2, frames: 1))
        player.play(milliseconds: 500)
        #expect(player.log.suffix(4) == ["end 1", "begin 2 @ 90.00", "v 0 @ 90.00", "end 2"])
        #expect(player.log.contains("a 1280 @ 80.00"))
    }

    @Test func aPauseInTheTurnIsKeptAndAnOverlapFollowsOn() {
        var player = Player()
        player.add(segment(1, samples: 1_600))
        player.add(segment(2, samples: 320, start: 250))
        player.add(segment(3, samples: 320, start: 100))
        player.add(segment(4, samples: 320, epoch: 2, start: 5_000))
        player.play(milliseconds: 2_000)
        #expect(
            player.log.filter { $0.hasPrefix("begin") } == [
                "begin 1 @ 0.00", "begin 2 @ 250.00", "begin 3 @ 270.00", "begin 4 @ 290.00",
            ])
    }

    @Test func whatIsHeldGoesOutLateAndMovesNothing() {
        var player = Player()
        player.add(segment(1, frames: 10, samples: 6_400))
        player.pictureFits = false
        player.play(milliseconds: 150)
        #expect(!player.log.contains { $0.hasPrefix("v") })
        #expect(player.log.last == "a 2240 @ 140.00")
        player.pictureFits = true
        player.play(milliseconds: 150)
        #expect(player.log.suffix(4) == ["v 0 @ 0.00", "v 1 @ 40.00", "v 2 @ 80.00", "v 3 @ 120.00"])
        player.play(milliseconds: 160)
        #expect(player.log.suffix(2) == ["v 4 @ 160.00", "a 2560 @ 160.00"])
    }

    @Test func audioOfTheNextSegmentDoesNotWaitForPicturesThatAreHeld() {
        var player = Player()
        player.add(segment(1, frames: 2, samples: 1_280))
        player.add(segment(2, frames: 1, samples: 640))
        player.pictureFits = false
        player.play(milliseconds: 90)
        #expect(player.log.suffix(3) == ["a 960 @ 60.00", "begin 2 @ 80.00", "a 0 @ 80.00"])
        player.pictureFits = true
        player.play(milliseconds: 90)
        #expect(player.log.suffix(4) == ["v 0 @ 0.00", "v 1 @ 40.00", "end 1", "v 0 @ 80.00"])
        // Both are cut where the last of them had gone.
        var rules = EpochRules(session: 1)
        _ = rules.raise(to: 2)
        #expect(player.schedule.interrupt(rules).active.count == 1)
        #expect(player.schedule.gap.end == .milliseconds(120))
    }

    @Test func whatIsASecondLateIsSkippedAudioAndPicturesAlike() {
        var player = Player()
        player.add(segment(1, frames: 75, samples: 48_000))
        (player.pictureFits, player.audioFits) = (false, false)
        player.play(milliseconds: 1_500)
        (player.pictureFits, player.audioFits) = (true, true)
        player.play(milliseconds: 1_500)
        #expect(
            player.log[1...3] == ["v 13 @ 520.00", "a 8000 @ 500.00", "a 8320 @ 520.00"]
                || player.log[1] == "a 8000 @ 500.00")
        #expect(player.schedule.active.first?.skipped == 13 + 25)
    }

    @Test func anInterruptionCutsThePlayingSegmentAndDropsStaleOnes() throws {
        var player = Player()
        player.add(segment(1, frames: 10, samples: 6_400))
        player.add(segment(2, samples: 320))
        player.add(segment(3, samples: 320, epoch: 0))
        player.add(segment(4, samples: 320, epoch: 2))
        player.play(milliseconds: 100)
        var rules = EpochRules(session: 1)
        _ = rules.raise(to: 2)
        let cut = player.schedule.interrupt(rules)
        #expect(cut.active.map { $0.segment.header.sequence } == [1])
        #expect(cut.waiting == 1)
        // Three pictures and six pieces of audio had gone out.
        #expect(player.schedule.gap.end == .milliseconds(120))
        let next = try #require(cut.nextAudio)
        #expect(next.range == 1_920..<2_240 && next.time == .milliseconds(120))
        player.schedule.extend(to: .milliseconds(140))
        player.play(milliseconds: 500)
        #expect(
            player.log.suffix(6) == [
                "begin 3 @ 140.00", "a 0 @ 140.00", "end 3", "begin 4 @ 160.00", "a 0 @ 160.00", "end 4",
            ])
    }

    @Test func aSegmentThatWasPlannedForLaterLeavesNoPauseBehindWhenItIsInterrupted() {
        var player = Player()
        player.add(segment(1, samples: 320))
        player.add(segment(2, samples: 320, start: 5_000))
        player.play(milliseconds: 100)
        var rules = EpochRules(session: 1)
        _ = rules.raise(to: 2)
        #expect(player.schedule.interrupt(rules).active.map { $0.segment.header.sequence } == [2])
        player.add(segment(3, samples: 320, epoch: 2))
        player.play(milliseconds: 200)
        #expect(player.log.suffix(2) == ["a 0 @ 100.00", "end 3"])
    }

    @Test func aSegmentThatWasThereInTimeIsNotLateBecauseTheNodeWasHeld() {
        var player = Player()
        player.add(segment(1, samples: 640))
        player.add(segment(2, samples: 640))
        player.play(milliseconds: 30)
        player.now = Instant(nanoseconds: 260_000_000)
        player.play(milliseconds: 260)
        #expect(player.log.suffix(4) == ["begin 2 @ 40.00", "a 0 @ 40.00", "a 320 @ 60.00", "end 2"])
    }

    @Test func theLatestOfASegmentIsItsSlip() {
        var player = Player()
        player.add(segment(1, samples: 3_200))
        player.play(milliseconds: 60)
        player.now = Instant(nanoseconds: 115_000_000)
        player.play(milliseconds: 115)
        #expect(player.schedule.active.first?.slip == .milliseconds(35))
    }

    /// Random segments, arrivals, hold-ups and interruptions over half an hour.
    @Test func theGridHoldsWhateverComes() {
        var dice = Dice(seed: 11)
        var player = Player()
        var rules = EpochRules(session: 1)
        var last = (picture: MediaTime.none, audio: MediaTime.none)
        for step in 1...2_000 {
            let epoch = rules.current
            if player.schedule.queue.count < 2 {
                player.add(
                    segment(
                        step, frames: .random(in: 0...30, using: &dice), samples: .random(in: 1...24_000, using: &dice),
                        epoch: epoch, start: .random(in: 0...3_000, using: &dice),
                        duration: Bool.random(using: &dice) ? nil : .random(in: 1...1_500, using: &dice)))
            }
            player.pictureFits = .random(using: &dice) || .random(using: &dice)
            player.audioFits = .random(using: &dice) || .random(using: &dice)
            if Int.random(in: 0..<10, using: &dice) == 0, rules.raise(to: epoch + 1) {
                _ = player.schedule.interrupt(rules)
            }
            player.log.removeAll()
            player.play(until: player.now + .milliseconds(.random(in: 0...900, using: &dice)))
            for line in player.log where line.hasPrefix("v") || line.hasPrefix("a") {
                let time = MediaTime.seconds(Double(line.split(separator: " ").last!)! / 1_000)
                if line.hasPrefix("v") {
                    #expect(time > last.picture)
                    last.picture = time
                } else {
                    #expect(time > last.audio)
                    last.audio = time
                }
                // Never early, and never so late as to be of no use.
                let late = player.now - player.schedule.gap.instant(of: time)!
                #expect(late >= .zero - .milliseconds(1) && late <= .milliseconds(1_901))
            }
        }
        #expect(last.picture > .seconds(60))
    }
}
