@_spi(Host) import Sluice
import Testing

@testable import RawPlugin

/// The timestamps of raw streams, in virtual time: no node, no clock.
@Suite struct TimelineTests {
    /// One stream of frames of `units`, whose writer sends the n-th at `arrival(n)`.
    struct Stream {
        var timeline: RawTimeline
        let units: Int64
        let member: Int
        private var isBegun = false

        init(_ clock: RawClock, _ timestamps: RawTimestamps = .count, fps: Int) {
            timeline = RawTimeline(timestamps, timescale: fps, cutsUnits: false)
            units = 1
            member = clock.addMember()
        }

        init(_ clock: RawClock, _ timestamps: RawTimestamps = .count, rate: Int, frame: Int) {
            timeline = RawTimeline(timestamps, timescale: rate, cutsUnits: true)
            units = Int64(frame)
            member = clock.addMember()
        }

        mutating func step(at arrival: Double, _ clock: RawClock, isKnown: Bool = true) -> RawTimeline.Step {
            let instant = Instant(nanoseconds: Int64(arrival * 1e9))
            if !isBegun {
                let origin = clock.origin(for: instant)
                timeline.begin(
                    at: MediaTime((timeline.timestamps == .count ? origin : instant) - Instant(nanoseconds: 0)))
                isBegun = true
            }
            let step = timeline.step(
                units: units, arrival: isKnown ? MediaTime.seconds(arrival) : nil, others: clock.others(of: member))
            clock.note(timeline.isOffBy, of: member)
            return step
        }
    }

    @Test func theCountIsExactThroughJitter() {
        let clock = RawClock()
        var stream = Stream(clock, fps: 30)
        var dice = TestDice(seed: 3)
        for index in 0..<3_000 {
            // The first comes without delay, the others up to 35 ms late.
            let late = index == 0 ? 0 : Double.random(in: 0...0.035, using: &dice)
            let step = stream.step(at: 2 + Double(index) / 30 + late, clock)
            #expect(step.pts == MediaTime.seconds(2) + MediaTime(Int64(index), timescale: 30))
        }
        #expect(stream.timeline.corrections == 0)
    }

    @Test func streamsThatBeginTogetherBeginAtTheSameTime() {
        let clock = RawClock()
        var picture = Stream(clock, fps: 25)
        var audio = Stream(clock, rate: 48_000, frame: 960)
        #expect(picture.step(at: 1, clock).pts == .seconds(1))
        #expect(audio.step(at: 1.03, clock).pts == .seconds(1))
    }

    @Test func aStreamThatBeginsThreeSecondsLaterIsCountedFromThen() {
        let clock = RawClock()
        var picture = Stream(clock, fps: 25)
        var audio = Stream(clock, rate: 48_000, frame: 960)
        #expect(picture.step(at: 1, clock).pts == .seconds(1))
        #expect(audio.step(at: 4, clock).pts == .seconds(4))
    }

    /// An hour of two FIFOs that were opened 3 s apart: the camera counts 100 ppm too fast, the audio card 100 ppm too
    /// slowly, and everything comes up to 15 ms late.
    @Test(
        arguments: [(1e-4, -1e-4), (-1e-4, 1e-4), (2e-4, 2e-4), (-2e-4, -2e-4), (0, -3e-4)],
        [RawTimestamps.count, .arrival])
    func twoStreamsOfDifferentClocksStayWithinFortyMilliseconds(
        _ clocks: (camera: Double, card: Double), _ timestamps: RawTimestamps
    ) {
        let (camera, card) = clocks
        let clock = RawClock()
        var picture = Stream(clock, timestamps, fps: 30)
        var audio = Stream(clock, timestamps, rate: 48_000, frame: 960)
        var dice = TestDice(seed: 9)
        var (pictures, frames) = (0, 0)
        var furthest = 0.0
        var last = (picture: MediaTime.none, audio: MediaTime.none)
        // How far the timestamps of each stream are from when its media were really taken.
        var off = (picture: 0.0, audio: 0.0)
        while true {
            let nextVideo = 1 + Double(pictures) / 30 / (1 + camera)
            let nextAudio = 4 + Double(frames) / 50 / (1 + card)
            let now = min(nextVideo, nextAudio)
            if now > 3_600 { break }
            let late = Double.random(in: 0...0.015, using: &dice)
            if nextVideo <= nextAudio {
                let step = picture.step(at: nextVideo + late, clock)
                #expect(step.pts > last.picture)
                last.picture = step.pts
                off.picture = step.pts.seconds - nextVideo
                pictures += 1
            } else {
                let step = audio.step(at: nextAudio + late, clock)
                #expect(step.pts >= last.audio || step.cut == 960)
                last.audio = step.pts + step.duration
                // Samples that are left out lie before the first one that has the time.
                off.audio = step.pts.seconds - nextAudio - Double(step.cut) / 48_000
                frames += 1
            }
            if frames > 50 { furthest = max(furthest, abs(off.picture - off.audio)) }
        }
        #expect(furthest < 0.040, "\(furthest)")
        let corrections = picture.timeline.corrections + audio.timeline.corrections
        #expect((1...200).contains(corrections), "\(corrections)")
    }

    /// Both are 38 ms late and get later: whichever is moved first stays near the other one.
    @Test func streamsThatAreOffAlikeStayTogether() {
        let clock = RawClock()
        var streams = [Stream(clock, fps: 50), Stream(clock, rate: 48_000, frame: 960)]
        var ends = [0.0, 0.0]
        for index in 0..<3_000 {
            let due = Double(index) / 50
            let late = index == 0 ? 0 : 0.038 + 1e-4 * due
            for member in 0..<2 { ends[member] = streams[member].step(at: due + late, clock).pts.seconds - due }
            #expect(abs(ends[0] - ends[1]) < 0.031)
        }
        #expect(streams.allSatisfy { $0.timeline.corrections == 1 })
        #expect(ends.allSatisfy { abs($0 - 0.044) < 0.03 })
    }

    @Test func aStallBecomesAHoleAfterAQuarterOfASecond() {
        let clock = RawClock()
        var stream = Stream(clock, rate: 48_000, frame: 960)
        for index in 0..<100 { _ = stream.step(at: Double(index) / 50, clock) }
        var moved: Int?
        for index in 100..<200 {
            let step = stream.step(at: 3 + Double(index) / 50, clock)
            if step.isHole {
                #expect(moved == nil)
                moved = index
            }
            if moved != nil { #expect(step.pts == .seconds(3) + MediaTime(Int64(index), timescale: 50)) }
        }
        #expect(moved.map { (112...140).contains($0) } == true)
    }

    /// A mark of discontinuity would reach the decoders, which wait for a keyframe then.
    @Test func picturesAfterAStallAreLaterAndNoDiscontinuity() {
        let clock = RawClock()
        var stream = Stream(clock, fps: 30)
        var last = MediaTime.zero
        for index in 0..<100 {
            let step = stream.step(at: Double(index) / 30 + (index < 50 ? 0 : 1), clock)
            #expect(!step.isHole)
            last = step.pts
        }
        #expect(last == .seconds(1) + MediaTime(99, timescale: 30))
        #expect(stream.timeline.wasLate && stream.timeline.corrections == 1)
    }

    @Test func aWriterThatCatchesUpIsLeftAlone() {
        let clock = RawClock()
        var stream = Stream(clock, fps: 30)
        for index in 0..<60 { _ = stream.step(at: Double(index) / 30, clock) }
        // Held for a second, then ten times as fast until nothing waits.
        for index in 60..<200 {
            let due = Double(index) / 30
            let step = stream.step(at: max(due, 3 + Double(index - 60) / 300), clock)
            #expect(step.pts == MediaTime(Int64(index), timescale: 30))
        }
        #expect(stream.timeline.corrections == 0)
    }

    /// Another program pipes a second of audio every 25 ms, and on a busy machine its reader comes late now and then.
    @Test(arguments: [4, 10, 40], [UInt64](1...8)) func aWriterThatIsFasterThanTimeLosesNothing(
        speed: Double, seed: UInt64
    ) {
        let clock = RawClock()
        var stream = Stream(clock, rate: 16_000, frame: 320)
        var dice = TestDice(seed: seed)
        var now = 1.0
        for second in 0..<120 {
            now = max(now, 1 + Double(second) / speed)
            if second > 0 && Int.random(in: 0..<4, using: &dice) == 0 {
                now += Double.random(in: 0...0.03, using: &dice)
            }
            for index in 0..<50 {
                // The pipe holds two seconds: within them a piece is waited for here and there.
                let step = stream.step(
                    at: now, clock, isKnown: index == 0 || Int.random(in: 0..<20, using: &dice) == 0)
                #expect(step.cut == 0 && !step.isHole)
            }
        }
        #expect(stream.timeline.next == .seconds(121))
    }

    @Test func samplesThatComeEarlyAreLeftOutAndTheCountGoesOn() {
        let clock = RawClock()
        var stream = Stream(clock, rate: 48_000, frame: 960)
        // The first frame came 60 ms late.
        var end = MediaTime.zero
        var cut: Int64 = 0
        for index in 0..<100 {
            let step = stream.step(at: index == 0 ? 0.06 : Double(index) / 50, clock)
            if index > 0 { #expect(step.pts == end) }
            #expect(!step.isHole)
            end = step.pts + step.duration
            cut += step.cut
        }
        #expect(cut == 2_880)
        #expect(end == .seconds(2))
    }

    @Test func picturesThatComeEarlyFollowEachOtherFaster() {
        let clock = RawClock()
        var stream = Stream(clock, fps: 30)
        var last = MediaTime.none
        for index in 0..<100 {
            let step = stream.step(at: index == 0 ? 0.06 : Double(index) / 30, clock)
            if last.isKnown { #expect(step.pts - last >= MediaTime(1, timescale: 60)) }
            last = step.pts
        }
        #expect(last == MediaTime(99, timescale: 30))
        #expect(stream.timeline.corrections == 1)
    }

    @Test func bytesThatLayInThePipeTellNothing() {
        let clock = RawClock()
        var stream = Stream(clock, fps: 30)
        for index in 0..<300 {
            let step = stream.step(at: 10 + Double(index) / 1_000, clock, isKnown: index == 0)
            #expect(step.pts == MediaTime.seconds(10) + MediaTime(Int64(index), timescale: 30))
        }
    }

    @Test func byArrivalEachPictureHasItsOwnTime() {
        let clock = RawClock()
        var stream = Stream(clock, .arrival, fps: 30)
        let times = [1.0, 1.04, 1.05, 1.051, 1.2, 5]
        let steps = times.map { stream.step(at: $0, clock).pts }
        #expect(steps[0] == .seconds(1))
        #expect(steps[1] == .seconds(1.04))
        #expect(steps[2] == .seconds(1.05))
        // Never closer than a quarter of a picture.
        #expect(steps[3] == MediaTime.seconds(1.05) + MediaTime(1, timescale: 120))
        #expect(steps[4] == .seconds(1.2))
        #expect(steps[5] == .seconds(5))
    }

    @Test func byArrivalJitterMakesNoHolesInAudio() {
        let clock = RawClock()
        var stream = Stream(clock, .arrival, rate: 48_000, frame: 960)
        var dice = TestDice(seed: 5)
        for index in 0..<3_000 {
            let late = index == 0 ? 0 : Double.random(in: 0...0.035, using: &dice)
            let step = stream.step(at: 2 + Double(index) / 50 + late, clock)
            #expect(step.pts == MediaTime.seconds(2) + MediaTime(Int64(index), timescale: 50) && !step.isHole)
        }
        #expect(stream.timeline.corrections == 0)
    }

    @Test func byArrivalAudioHasAHoleWhereItPauses() {
        let clock = RawClock()
        var stream = Stream(clock, .arrival, rate: 48_000, frame: 960)
        var steps: [RawTimeline.Step] = []
        for time in [1.0, 1.021, 1.04, 1.5, 1.52] { steps.append(stream.step(at: time, clock)) }
        #expect(steps.map(\.pts) == [.seconds(1), .seconds(1.02), .seconds(1.04), .seconds(1.5), .seconds(1.52)])
        #expect(steps.map(\.isHole) == [false, false, false, true, false])
    }

    @Test func aLaterWriterBeginsWhenItComesAndNotBeforeTheLastOnesEnd() {
        var timeline = RawTimeline(.count, timescale: 10, cutsUnits: false)
        timeline.begin(at: .seconds(1))
        for _ in 0..<10 { _ = timeline.step(units: 1, arrival: nil) }
        timeline.begin(at: .seconds(1.5))
        #expect(timeline.step(units: 1, arrival: nil).pts == .seconds(2))
        timeline.begin(at: .seconds(9))
        #expect(timeline.step(units: 1, arrival: nil).pts == .seconds(9))
    }
}

/// Numbers that are the same in every run (Knuth's MMIX generator).
struct TestDice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}
