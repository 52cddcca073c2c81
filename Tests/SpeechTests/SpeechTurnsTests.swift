import Testing

@testable import SpeechPlugin

@Suite struct SpeechTurnsTests {
    private func turns(_ probabilities: [Float], _ settings: SpeechSettings = SpeechSettings()) -> [SpeechTurns.Turn] {
        var turns = SpeechTurns(settings)
        return probabilities.flatMap { turns.take($0) } + [turns.finish()].compactMap { $0 }
    }

    private func run(_ probability: Float, _ count: Int) -> [Float] { Array(repeating: probability, count: count) }

    @Test func anUtteranceBeginsAndEndsWithItsFirstAndLastWindow() {
        #expect(turns(run(0, 10) + run(0.9, 20) + run(0, 40)) == [.began(10), .ended(30)])
    }

    @Test func itIsToldAfterTheLeastLengthOfSpeechAndEndedAfterTheHangOver() {
        var turns = SpeechTurns(SpeechSettings())
        for _ in 0..<5 { #expect(turns.take(0) == []) }
        #expect(turns.take(0.6) == [])
        // 60 ms are two windows of 32 ms.
        #expect(turns.take(0.6) == [.began(5)])
        for _ in 0..<15 { #expect(turns.take(0.1) == []) }
        #expect(turns.take(0.1) == [.ended(7)])
        #expect(!turns.isSpeaking)
    }

    @Test func aClickIsNoSpeech() { #expect(turns(run(0, 5) + [0.99] + run(0, 30)) == []) }

    @Test func betweenReleaseAndThresholdNeitherBeginsNorEnds() {
        #expect(turns(run(0.4, 50)) == [])
        #expect(turns(run(0.9, 5) + run(0.4, 100) + run(0, 20)) == [.began(0), .ended(105)])
    }

    @Test func aPauseShorterThanTheHangOverStaysWithinTheUtterance() {
        #expect(turns(run(0.9, 5) + run(0, 15) + run(0.9, 5) + run(0, 30)) == [.began(0), .ended(25)])
    }

    @Test func aClickInASilenceDoesNotLengthenTheUtterance() {
        #expect(turns(run(0.9, 5) + run(0, 10) + [0.9] + run(0, 20)) == [.began(0), .ended(5)])
        // It may be speech: the end waits until it is known.
        #expect(turns(run(0.9, 5) + run(0, 15) + [0.9, 0.9] + run(0, 20)) == [.began(0), .ended(22)])
    }

    @Test func aLongerHangOverWaitsAsItSays() {
        let settings = SpeechSettings(hangOver: 1_000)
        #expect(turns(run(0.9, 5) + run(0, 30) + run(0.9, 5), settings) == [.began(0), .ended(40)])
        #expect(
            turns(run(0.9, 5) + run(0, 32) + run(0.9, 5), settings) == [.began(0), .ended(5), .began(37), .ended(42)])
    }

    @Test func aLongUtteranceIsCutWhereSpeechIsLeastLikely() {
        // A second is 32 windows of 32 ms, rounded up.
        let settings = SpeechSettings(maxSpeech: 1)
        var long = run(0.9, 60)
        long[20] = 0.45
        #expect(turns(long, settings) == [.began(0), .ended(20), .began(20), .ended(51), .began(51), .ended(60)])
    }

    @Test func whatGoesOnAtTheEndEndsThere() {
        #expect(turns(run(0.9, 5)) == [.began(0), .ended(5)])
        #expect(turns(run(0.9, 5) + run(0, 3)) == [.began(0), .ended(5)])
    }

    @Test func theGateLetsLoudWindowsThroughAndSomeBehindThem() {
        var gate = EnergyGate()
        func opens(_ level: Float) -> Bool {
            [Float](repeating: level, count: 512).withUnsafeBufferPointer { gate.opens(for: $0) }
        }
        #expect(!opens(0))
        #expect(opens(0.01))
        #expect(gate.wasClosed)
        for _ in 0..<9 { #expect(opens(0)) }
        #expect(!opens(0))
        // −66 dBFS is too soft, −64 is not.
        #expect(!opens(0.000_5))
        #expect(opens(0.000_63))
        #expect(!opens(.nan) || !gate.wasClosed)
    }
}
