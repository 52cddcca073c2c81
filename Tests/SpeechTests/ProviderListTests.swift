import Sluice
import Testing

@testable import SpeechPlugin

/// Sessions with a server in virtual time, behind the list that holds audio.
@Suite struct ProviderListTests {
    /// Speaks words of 0.3 s with 0.1 s between them, in utterances; what is written comes back with its media time.
    final class Stage {
        let call = FakeCall()
        let list: ProviderList
        var milliseconds = 0
        var finals: [(text: String, start: Double)] = []
        var partials = 0
        var said: [String] = []
        var gaps: [HeldSpeech.Lost] = []
        /// Where utterances begin, in s, by their keys, and words in s by their numbers.
        var begun: [Int: Double] = [:]
        var spoken: [Int: Double] = [:]
        private var key = 0
        private var word = 0

        init(_ others: [any SpeechProvider] = [], detector: (any VoiceDetector)? = nil) {
            list = ProviderList([call] + others, detector: detector)
            list.start(now)
            run(0)
        }

        var now: Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

        func drain() {
            list.tick(now)
            while let event = list.next() {
                switch event {
                case .text(let key, let written), .final(let key, let written):
                    for word in written.words { finals.append((word.text, begun[key]! + word.start)) }
                case .partial: partials += 1
                case .said(let sentence): said.append(sentence)
                case .gap(_, let lost, _): gaps.append(lost)
                default: break
                }
            }
        }

        func run(_ count: Int) {
            for _ in 0..<max(1, count / 20) {
                if count > 0 { milliseconds += 20 }
                drain()
            }
        }

        func begin() {
            key += 1
            begun[key] = Double(milliseconds) / 1_000
            list.begin(key)
        }

        /// 20 ms of a word's number, so loud that it is speech.
        func hear(_ number: Int) {
            milliseconds += 20
            let sample = number == 0 ? 0 : Float(number) / 32_768
            list.hear([Float](repeating: sample, count: 320)[...])
            drain()
        }

        /// One word; `cut` is called in its middle.
        func speak(partial: Bool = true, _ cut: () -> Void = {}) {
            word += 1
            spoken[word] = Double(milliseconds) / 1_000
            for piece in 0..<15 {
                if piece == 7 { cut() }
                hear(100 + word)
            }
            for _ in 0..<5 { hear(0) }
            if partial { call.say() }
            drain()
        }

        func end() {
            list.finalize()
            drain()
        }

        /// Words that were spoken, as they would be written.
        var wanted: [String] { spoken.keys.sorted().map { "w\(100 + $0)" } }
    }

    @Test func wordsComeAtTheTimesAtWhichTheyWereSpoken() {
        let stage = Stage()
        for _ in 0..<3 {
            stage.begin()
            for _ in 0..<4 { stage.speak() }
            stage.end()
            stage.run(3_000)
        }
        #expect(stage.finals.map(\.text) == stage.wanted && stage.partials > 3)
        for (index, final) in stage.finals.enumerated() { #expect(abs(final.start - stage.spoken[index + 1]!) < 0.02) }
    }

    @Test func tenCutsByResetAndHalfOpenInTurnLoseNothingAndWriteNothingTwice() {
        let stage = Stage()
        for number in 0..<10 {
            stage.begin()
            for place in 0..<6 {
                stage.speak {
                    guard place == 2 else { return }
                    if number % 2 == 0 { stage.call.cut() } else { stage.call.isHalfOpen = true }
                }
            }
            stage.end()
            stage.run(7_000)
        }
        #expect(stage.call.connections == 11)
        #expect(stage.finals.map(\.text) == stage.wanted, "\(stage.finals.map(\.text))")
        for (index, final) in stage.finals.enumerated() {
            #expect(abs(final.start - (stage.spoken[index + 1] ?? -1)) < 0.02)
        }
        // Said once, and then that it is there again.
        #expect(stage.gaps.isEmpty)
    }

    @Test func anHourWithTwentyReconnectsKeepsItsTimes() {
        let stage = Stage()
        var cuts = 0
        while stage.milliseconds < 3_600_000 {
            stage.begin()
            let cuts20 = stage.milliseconds / 180_000 >= cuts && cuts < 20
            for place in 0..<5 {
                stage.speak {
                    if cuts20, place == 3 { stage.call.cut() }
                }
            }
            if cuts20 { cuts += 1 }
            stage.end()
            stage.run(17_000)
        }
        #expect(stage.call.connections == 21)
        #expect(stage.finals.map(\.text) == stage.wanted)
        let worst = zip(stage.finals, stage.spoken.keys.sorted()).map { abs($0.start - stage.spoken[$1]!) }.max() ?? 9
        #expect(worst < 0.020, "\(worst) s")
    }

    @Test func aFinalThatIsToldTwiceAndTimesThatBeginAnewAreStraightened() {
        let stage = Stage()
        stage.call.tellsTwice = true
        stage.call.countsAnew = true
        stage.call.cut()
        stage.run(400)
        for _ in 0..<4 {
            stage.begin()
            for _ in 0..<3 { stage.speak() }
            stage.end()
            stage.run(1_000)
        }
        #expect(stage.finals.map(\.text) == stage.wanted, "\(stage.finals.map(\.text))")
        for (index, final) in stage.finals.enumerated() {
            #expect(abs(final.start - (stage.spoken[index + 1] ?? -1)) < 0.05, "\(index)")
        }
        #expect(stage.said.filter { $0.contains("counts its times anew") }.count == 1)
    }

    @Test(arguments: [FakeServer.RunsBack.everyOther, .forGood])
    func timesThatRunBackCostNoTextItsPlace(how: FakeServer.RunsBack) {
        // Words are soft here, and without a detector what follows a sound within 0.3 s is speech.
        let stage = Stage(detector: LoudnessDetector(threshold: 0.001))
        stage.call.runsBack = how
        stage.call.cut()
        stage.run(400)
        for _ in 0..<8 {
            stage.begin()
            // Before the speech is silence, as voice-activity puts it there.
            for _ in 0..<15 { stage.hear(0) }
            for _ in 0..<3 { stage.speak() }
            stage.end()
            stage.run(1_000)
        }
        #expect(stage.finals.map(\.text) == stage.wanted, "\(stage.finals.map(\.text))")
        for (index, final) in stage.finals.enumerated() {
            let apart = abs(final.start - (stage.spoken[index + 1] ?? -1))
            // The first word of each utterance; the others lie by their letters.
            #expect(apart < (index % 3 == 0 ? 0.05 : 0.15), "\(index): \(apart) s")
        }
        #expect(stage.said.filter { $0.contains("times at which nothing was said") }.count == 1)
    }

    @Test func anotherTakesOverAndTheFirstComesBack() {
        let other = ScriptedProvider()
        let stage = Stage([other])
        stage.begin()
        stage.speak()
        stage.call.isDown = true
        stage.call.cut()
        stage.speak()
        stage.run(1_000)
        #expect(stage.said.contains { $0.contains("rtzr failed twice within 10 s: scripted takes over") })
        // It has all that had no final.
        #expect((other.heard[1] ?? 0) > 12_000)
        other.events = [.final(1, Written.of("both words"))]
        stage.end()
        stage.run(20)
        #expect(stage.finals.map(\.text) == ["both", "words"])
        stage.call.isDown = false
        stage.run(32_000)
        #expect(stage.said.contains("rtzr is there again"))
        stage.begin()
        stage.speak()
        stage.end()
        stage.run(1_000)
        #expect(stage.finals.last?.text == "w103")
        #expect(stage.said.filter { $0.contains("takes over") }.count == 1)
    }

    @Test func speechThatNobodyWritesWithinThirtySecondsIsAGap() {
        let stage = Stage()
        stage.call.isDown = true
        stage.call.cut()
        stage.begin()
        for _ in 0..<100 { stage.speak() }
        let lost = stage.gaps.reduce(0) { $0 + $1.samples.count }
        #expect(abs(lost - 10 * 16_000) < 16_000)
        stage.call.isDown = false
        stage.run(6_000)
        stage.end()
        stage.run(1_000)
        // The last 30 s are written once there is a connection.
        #expect(70...76 ~= stage.finals.count)
        #expect(stage.finals.last?.text == stage.wanted.last)
    }

    @Test func wordsThatOnlyTheProviderHearsAreWrittenToo() {
        let stage = Stage()
        stage.begin()
        // Softer than speech is here.
        for _ in 0..<15 { stage.hear(5) }
        for _ in 0..<250 { stage.hear(0) }
        stage.end()
        #expect(stage.finals.map(\.text) == ["w5"] && abs((stage.finals.first?.start ?? 9) - stage.begun[1]!) < 0.02)
    }

    @Test func theEndAsksForTheLastFinal() {
        let stage = Stage()
        stage.begin()
        stage.speak()
        stage.speak()
        stage.list.leave(stage.now)
        stage.drain()
        #expect(stage.call.messages.last == .text("EOS"))
        #expect(stage.finals.map(\.text) == stage.wanted)
    }
}
