import Sluice
import SluiceTesting
import Testing

@testable import SpeechPlugin

/// Texts that Whisper doubts, and how long they may be held for another one.
@Suite struct RewritingTests {
    private func result(_ confidence: Double, _ words: String = "one two three four five six") -> Whisper.Result {
        Whisper.Result(
            tokens: words.split(separator: " ").map {
                .init(bytes: Array(" \($0)".utf8), start: 0, end: 1, probability: 0.5)
            }, confidence: confidence)
    }

    /// In virtual time: a decode takes `took` where `left` is what the job has.
    private func best(
        of first: Whisper.Result, then others: [Whisper.Result], took: Duration = .milliseconds(900), left: Duration
    ) throws -> (Whisper.Result, [DecodeCost.Way]) {
        var (ways, cost, rest) = ([DecodeCost.Way](), DecodeCost(), left)
        let rewriting = Rewriting(
            hasTime: { length, isDoubtful in length <= rest + (isDoubtful ? DecodeJob.grace : .zero) },
            decode: { way in
                ways.append(way)
                defer { rest -= took }
                // It is called off when its time is over.
                guard took <= rest + DecodeJob.grace else { return (Whisper.Result(isCancelled: true), took) }
                return (others[ways.count - 1], took)
            })
        let result = try rewriting.best(
            of: first, took: .milliseconds(300), window: 512, seconds: 8, cost: &cost)
        return (result, ways)
    }

    @Test func aDoubtfulTextIsWrittenAnewAlsoWhereAnUnsureOneIsNot() throws {
        let (doubtful, ways) = try best(of: result(-2), then: [result(-0.1, "right")], left: .milliseconds(100))
        #expect(ways == [.init(beams: 3, tries: true)] && doubtful == result(-0.1, "right"))
        let (unsure, none) = try best(of: result(-0.5), then: [], left: .milliseconds(100))
        #expect(none.isEmpty && unsure == result(-0.5))
        let (surest, both) = try best(of: result(-0.5), then: [result(-0.4), result(-0.2)], left: .seconds(10))
        #expect(both == [.init(beams: 1), .init(beams: 3)] && surest == result(-0.2))
    }

    @Test func aDoubtfulTextIsNotHeldForEver() throws {
        // No time: it is not begun.
        let (late, ways) = try best(of: result(-2), then: [result(-0.1)], left: .seconds(-4))
        #expect(ways.isEmpty && late.isLeftDoubtful && late.tokens == result(-2).tokens)
        // It takes longer than was likely: it is given up.
        let (slow, begun) = try best(of: result(-2), then: [result(-0.1)], took: .seconds(9), left: .seconds(1))
        #expect(begun.count == 1 && slow.isLeftDoubtful && !slow.isCancelled)
    }

    @Test func aTextThatIsWantedInASecondGoesWithinFive() throws {
        let now = ContinuousClock.now
        func job(due: ContinuousClock.Instant?) throws -> (Duration, Bool) -> Bool {
            { length, isDoubtful in
                DecodeJob.hasTime(for: length, isDoubtful: isDoubtful, until: due, at: now)
            }
        }
        let live = try job(due: now + .seconds(1))
        #expect(live(.milliseconds(999), false) && !live(.milliseconds(1_001), false))
        #expect(live(.milliseconds(4_999), true) && !live(.milliseconds(5_001), true))
        #expect(try job(due: nil)(.seconds(3_600), false))
    }

    @Test func thatAModelDoubtsItsTextIsToldOnceAndCounted() throws {
        let engine = ScriptedEngine()
        let harness = try NodeHarness(
            SpeechToText.self, unconnected: ["gaps"],
            capacity: EdgePolicy.Capacity(items: 10_000, milliseconds: 600_000), registry: engine.registry)
        for number in 1...3 {
            harness.push(
                Loudness.frames(milliseconds: 1_000, from: .milliseconds(Int64(number * 1_000))) { _ in true })
            harness.settle()
            harness.request("finalize")
            harness.settle()
            var written = Written.of("perhaps")
            written.isDoubtful = true
            engine.provider.events.append(.final(number, written))
            harness.request("finalize")
            harness.settle()
        }
        #expect(harness.context.counter("doubtful").count == 3)
        let told = harness.events.filter { $0.what.contains("doubts") }
        #expect(told.count == 1 && !told[0].what.contains("perhaps"))
        // The text comes all the same.
        #expect(harness.pullAll(from: "text").count == 3)
    }
}
