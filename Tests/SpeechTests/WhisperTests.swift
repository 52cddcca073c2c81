import Testing

@testable import SpeechPlugin

@Suite struct WhisperTests {
    private func token(_ text: String, _ start: Double = 0, _ end: Double = 0) -> TokenWords.Token {
        .init(bytes: Array(text.utf8), start: start, end: end, probability: 0.5)
    }

    @Test func aWordIsTheTokensUpToTheNextBlank() {
        let words = TokenWords(
            [token(" Amer", 1, 1.2), token("icans", 1.2, 1.5), token(".", 1.5, 1.6), token(" ask", 2, 2.3)], length: 3
        ).words
        #expect(words.map(\.text) == ["Americans.", "ask"])
        #expect(words.map(\.start) == [1, 2] && words.map(\.end) == [1.6, 2.3])
    }

    @Test func aCharacterMayBeSpreadOverTokens() {
        let bytes = Array(" 안녕".utf8)
        let tokens = [bytes[0..<2], bytes[2..<5], bytes[5...]].map {
            TokenWords.Token(bytes: Array($0), start: 0, end: 0, probability: 1)
        }
        #expect(TokenWords(tokens, length: 1).words.map(\.text) == ["안녕"])
    }

    @Test func bytesThatAreNoUTF8AreNotPassedOn() {
        let words = TokenWords(
            [
                .init(bytes: [0x20, 0xff, 0xfe], start: 0, end: 1, probability: 1),
                .init(bytes: [0x20, 0x61], start: 0, end: 1, probability: 1),
            ], length: 1)
        #expect(words.words.map(\.text) == ["a"])
        #expect(words.unreadable == 1)
    }

    @Test func timesStayInOrderAndWithinTheAudio() {
        let words = TokenWords([token(" a", 2, 1), token(" b", 0.5, 9), token(" c", -3, 99)], length: 3).words
        #expect(words.map(\.start) == [2, 2, 3] && words.map(\.end) == [2, 3, 3])
    }

    @Test func notesOnSoundsAreNoWords() {
        let tokens = [" [music", " playing]", " so", " (applause)", " it", " ♪", " la", " ♪"].map { token($0) }
        #expect(TokenWords(tokens, length: 1).words.map(\.text) == ["so", "it"])
    }

    @Test func longSilencesAreLeftOutAndTimesAreThoseOfTheWhole() throws {
        // 10 s: 3.2 to 4.16 s and 7.68 to 8.96 s are spoken.
        let whole = (0..<160_000).map { Float($0) }
        let audio = try #require(SpokenAudio(whole, spoken: [100..<130, 240..<280]))
        #expect(audio.speech == 3.2...8.96)
        #expect(audio.samples.count == 30 * 512 + 40 * 512 + 4 * 4_800)
        #expect(audio.samples.first == 46_400 && audio.samples.last == 148_159)
        #expect(audio.time(0) == 2.9 && abs(audio.time(1) - 3.9) < 1e-9)
        // The second part begins at 7.38 s, behind 1.56 s of the first one.
        #expect(abs(audio.time(1.56) - 7.38) < 1e-9 && abs(audio.time(2) - 7.82) < 1e-9)
    }

    @Test func whatIsSpokenUpToTheEndsStaysWhole() throws {
        let whole = [Float](repeating: 0, count: 51_200)
        let audio = try #require(SpokenAudio(whole, spoken: [0..<100]))
        #expect(audio.samples.count == whole.count && audio.time(1.25) == 1.25 && audio.speech == 0...3.2)
        #expect(SpokenAudio(whole, spoken: []) == nil)
        // Margins that meet give each sample once.
        #expect(SpokenAudio(whole, spoken: [10..<20, 30..<40])?.samples.count == 30 * 512 + 2 * 4_800)
    }

    @Test(arguments: [(0, 512), (16_000, 512), (143_000, 512), (160_000, 768), (300_000, 1_024), (480_000, 0)])
    func theEncoderWindowFitsTheAudio(samples: Int, window: Int) { #expect(Whisper.window(for: samples) == window) }

    @Test func textThatRepeatsItselfIsDoubtful() {
        let loop = (0..<4).flatMap { _ in [token(" thank"), token(" you")] }
        #expect(Whisper.repeats(loop))
        #expect(!Whisper.repeats(["a", "b", "c", "d", "e", "f", "g", "h"].map { token($0) }))
        #expect(Whisper.isDoubtful(Whisper.Result(tokens: [], confidence: 0), seconds: 3))
        #expect(Whisper.isDoubtful(Whisper.Result(tokens: [token(" a")], confidence: -1.5), seconds: 3))
        #expect(!Whisper.isDoubtful(Whisper.Result(tokens: [token(" a")], confidence: -0.3), seconds: 3))
        let words = ["a", "b", "c", "d", "e", "f"].map { token(" " + $0) }
        #expect(Whisper.isUnsure(Whisper.Result(tokens: words, confidence: -0.4)))
        #expect(!Whisper.isUnsure(Whisper.Result(tokens: words, confidence: -0.2)))
        #expect(!Whisper.isUnsure(Whisper.Result(tokens: [token(" a")], confidence: -0.9)))
    }

    @Test func theCostOfAWholeDecodeIsLearntAndNotHeldForEver() {
        var cost = DecodeCost()
        let part = Duration.milliseconds(100)
        // 1,500 of 500 units, three times the work; two beams for each one more.
        let first = cost.next(.init(beams: 1), behind: part, window: 500)
        #expect(first == .milliseconds(300))
        cost.took(.milliseconds(1_200), .init(beams: 1), behind: part, window: 500)
        let learnt = cost.next(.init(beams: 1), behind: part, window: 500)
        #expect(learnt == .milliseconds(1_200))
        // On a machine that is half as busy it takes half as long.
        #expect(cost.next(.init(beams: 1), behind: part / 2, window: 500) < .milliseconds(600))
        for _ in 0..<100 { _ = cost.next(.init(beams: 1), behind: part, window: 500) }
        #expect(cost.next(.init(beams: 1), behind: part, window: 500) == .milliseconds(300))
    }

    @Test func theBeginningThatTwoPartialsAgreeOnIsStable() {
        var stable = StablePrefix()
        #expect(stable.take(["And", "so"]) == "")
        #expect(stable.take(["And", "so", "my"]) == "And so")
        #expect(stable.take(["And", "so,", "my", "fellow"]) == "And so, my")
        // It never gets shorter.
        #expect(stable.take(["Ant", "so"]) == "And so, my")
    }
}
