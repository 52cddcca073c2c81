import Sluice
import Spool
import Testing

@testable import SpeechPlugin

/// When batches are sent, in virtual time.
@Suite struct BatchScheduleTests {
    private func id(_ number: Int) -> BatchSchedule.ID { .init(session: 0, key: .init(number, number)) }
    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    @Test func batchesGoInOrderAndNoMoreAtATimeThanMay() {
        var schedule = BatchSchedule(most: 2)
        for number in 1...3 { schedule.add(id(number), tries: 0) }
        let first = [schedule.next(at(0)), schedule.next(at(0)), schedule.next(at(0))]
        #expect(first == [id(1), id(2), nil])
        let isNews = schedule.written(id(1))
        let third = schedule.next(at(0))
        #expect(!isNews && third == id(3))
        _ = schedule.written(id(2))
        _ = schedule.written(id(3))
        #expect(schedule.isEmpty && schedule.wake == .distantFuture)
    }

    @Test func aServerThatIsAwayForAnHourKillsNoBatchAndIsAskedOnceAMinute() {
        var schedule = BatchSchedule(most: 4)
        for number in 1...12 { schedule.add(id(number), tries: 0) }
        var (now, asked, news) = (at(0), 0, 0)
        while now < at(3_600) {
            if let next = schedule.next(now) {
                // While it is away one of them asks for all.
                let other = schedule.next(now)
                #expect(next == id(1) && (other == nil || asked == 0))
                if let other, schedule.unreachable(other, wish: nil, now, chance: 1) { news += 1 }
                asked += 1
                if schedule.unreachable(next, wish: nil, now, chance: 1) { news += 1 }
            }
            #expect(schedule.wake > now)
            now = max(schedule.wake, now + .milliseconds(1))
        }
        #expect(news == 1 && 60...75 ~= asked)
        var order: [BatchSchedule.ID] = []
        while let next = schedule.next(now) {
            order.append(next)
            // The first answer is news, the others are not.
            let isNews = schedule.written(next)
            #expect(isNews == (order.count == 1))
        }
        #expect(order == (1...12).map(id))
    }

    @Test func retryAfterIsHeeded() {
        var schedule = BatchSchedule(most: 1)
        schedule.add(id(1), tries: 0)
        let first = schedule.next(at(0))!
        _ = schedule.unreachable(first, wish: .seconds(120), at(0), chance: 0)
        let early = schedule.next(at(119))
        #expect(early == nil && schedule.wake == at(120))
        let inTime = schedule.next(at(120))
        #expect(inTime == id(1))
        // Of a batch alone.
        let isDead = schedule.failed(id(1), wish: .seconds(30), isFinal: false, at(120), chance: 0)
        #expect(!isDead && schedule.wake == at(150))
    }

    @Test func aPoisonedBatchIsDeadAfterEightTriesAndHoldsNoOtherUp() {
        var schedule = BatchSchedule(most: 1)
        for number in 1...3 { schedule.add(id(number), tries: number == 1 ? 2 : 0) }
        var (now, tries, written, dead) = (at(0), 0, [BatchSchedule.ID](), [BatchSchedule.ID]())
        while !schedule.isEmpty {
            guard let next = schedule.next(now) else {
                now = schedule.wake
                continue
            }
            if next == id(1) {
                tries += 1
                if schedule.failed(next, wish: nil, isFinal: false, now, chance: 1) { dead.append(next) }
            } else {
                _ = schedule.written(next)
                written.append(next)
            }
        }
        // Two tries were another process's.
        #expect(tries == 6 && dead == [id(1)] && written == [id(2), id(3)])
        #expect(now == at(1 + 2 + 4 + 8 + 16))
    }
}

/// Where a batch may be cut, and chunks of audio as it comes.
@Suite struct ChunkMakerTests {
    private func frames(_ milliseconds: Int, from start: Int = 0, isLoud: (Int) -> Bool) -> [AudioFrame] {
        Loudness.frames(milliseconds: milliseconds, from: .milliseconds(Int64(start)), isLoud: isLoud)
    }

    private func pieces(_ frames: [AudioFrame], seconds: Double = 1.024) throws -> [ChunkMaker.Piece] {
        let maker = ChunkMaker(LoudnessDetector(), seconds: seconds)
        return try frames.flatMap { try maker.take($0) } + maker.finish()
    }

    private func samples(_ pieces: [ChunkMaker.Piece]) -> [(Int64, Int)] {
        pieces.compactMap { if case .samples(let first, let samples) = $0 { (first, samples.count) } else { nil } }
    }

    @Test func theCutIsTheMiddleOfTheLongestSilenceInTheSecondHalf() {
        var cut = ChunkCut()
        // A longer silence in the first half does not count.
        for probability: Float in [0, 0, 0, 0, 1, 1, 1, 0.1, 0.2, 1] { cut.take(probability) }
        let places = [cut.place()]
        #expect(places == [8 * 512])
        for probability: Float in [1, 1, 0.9, 0.6, 0.9, 1] { cut.take(probability) }
        let least = cut.place()
        #expect(least == 5 * 512 - 512 - 256)
        let empty = cut.place()
        #expect(empty == 256)
    }

    @Test func everySampleIsInAChunkOnceAndPlacesAreCounted() throws {
        let pieces = try pieces(frames(3_000) { _ in true })
        var place: Int64 = 0
        for (first, count) in samples(pieces) {
            #expect(first == place && count <= ChunkMaker.step + SpeechTurns.window)
            place += Int64(count)
        }
        #expect(place == 48_000)
        let cuts = pieces.compactMap { if case .end(let cut) = $0 { cut } else { nil } }
        #expect(cuts.count == 3 && cuts == cuts.sorted())
    }

    @Test func aChunkIsSilentOnlyWhereNobodySpeaksNearItEither() throws {
        // Chunks of 1,024 ms: speech just behind the first, in the third, and just before the fifth ends.
        let pieces = try pieces(
            frames(8_192) { 1_100..<1_120 ~= $0 || 3_000..<3_050 ~= $0 || 5_050..<5_060 ~= $0 })
        let decided = pieces.compactMap { if case .decided(let isSilent) = $0 { isSilent } else { nil } }
        // The sixth hears the end of what was said in the fifth.
        #expect(decided == [false, false, false, false, false, false, true, true])
    }

    @Test func aJumpOfTimeIsAHoleAndNotASlip() throws {
        let pieces = try pieces(
            frames(500) { _ in true } + frames(500, from: 10_000) { _ in true } + frames(500, from: 2_000) { _ in true }
        )
        let firsts = samples(pieces).map(\.0)
        #expect(firsts.first == 0 && firsts.contains(160_000))
        // A jump back goes on behind what is there.
        #expect(firsts.last! >= 168_000 && firsts == firsts.sorted())
    }

    @Test func textsEndAtPausesMarksAndInTime() {
        func word(_ text: String, _ start: Double) -> Written.Word {
            .init(text: text, start: start, end: start + 0.2, confidence: 0.5)
        }
        let written = Written(
            words: [
                word("one", 0), word("two.", 0.3), word("three", 0.6), word("four", 2), word("five", 2.3),
            ], language: "en")
        let texts = BatchTexts.of(written, Transcript()) { $0 + 100 }
        #expect(texts.map(\.text) == ["one two.", "three", "four five"])
        #expect(texts.map(\.start) == [100, 100.6, 102] && texts[2].end == 102.5)
        let long = (0..<100).map { word("a", Double($0) * 0.25) }
        let parts = BatchTexts.of(Written(words: long), Transcript()) { $0 }
        #expect(parts.allSatisfy { $0.end - $0.start <= 12.2 } && parts.reduce(0) { $0 + $1.words.count } == 100)
    }
}
