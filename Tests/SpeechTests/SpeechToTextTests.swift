import Sluice
import SluiceTesting
import Testing

@testable import SpeechPlugin

@Suite struct SpeechToTextTests {
    private let engine = ScriptedEngine()

    private func harness(
        _ parameters: [String: ParameterValue] = [:], unconnected: Set<String> = ["gaps"]
    ) throws -> NodeHarness<SpeechToText> {
        try NodeHarness(
            SpeechToText.self, parameters: parameters, unconnected: unconnected,
            capacity: EdgePolicy.Capacity(items: 10_000, milliseconds: 600_000), registry: engine.registry)
    }

    private func texts(_ harness: NodeHarness<SpeechToText>) -> [Transcript] {
        harness.pullAll(from: "text").compactMap { ($0 as? DataItem).flatMap(Transcript.init) }
    }

    private func speech(_ milliseconds: Int, from start: Int = 0) -> [AudioFrame] {
        Loudness.frames(milliseconds: milliseconds, from: .milliseconds(Int64(start))) { _ in true }
    }

    @Test func anUtteranceOfVoiceActivityEndsWhenItsEndIsKnown() throws {
        engine.provider.echo = "hello there"
        var graph = GraphBuilder(registry: engine.registry)
        graph.node("source", TestSource.self)
        graph.node("voice", VoiceActivity.self)
        graph.node("stt", SpeechToText.self, ["session": "s", "speaker": "left"])
        graph.node("sink", TestSink.self)
        graph.edge("source.out -> voice.in", items: 1_000)
        graph.edge("voice.speech -> stt.in", items: 1_000)
        graph.edge("stt.text -> sink.in", items: 10)
        let harness = try GraphHarness(graph)
        harness.source("source").push(Loudness.frames(milliseconds: 4_000) { 1_000..<2_000 ~= $0 })
        harness.settle()
        // By the fence: no other utterance follows, and the stream goes on.
        #expect(engine.provider.finalized == [1])
        let texts = harness.sink("sink").received.compactMap { ($0.item as? DataItem).flatMap(Transcript.init) }
        try #require(texts.count == 1)
        #expect(texts[0].text == "hello there" && texts[0].isFinal && texts[0].stable == "hello there")
        // Half a second behind the beginning of its audio, which is 300 ms before the speech.
        #expect(abs(texts[0].start - 1.2) < 0.04 && abs(texts[0].end - texts[0].start - 0.2) < 0.001)
        #expect(texts[0].words.first?.start == texts[0].start)
        #expect(texts[0].session == "s" && texts[0].speaker == "left" && texts[0].provider == "scripted")
        harness.source("source").end()
        #expect(harness.run() == .finished)
    }

    @Test func aDiscontinuityTheRequestAndALongHoleEndItToo() throws {
        engine.provider.echo = "so"
        let harness = try harness()
        harness.push(speech(1_000))
        let next = speech(1_000, from: 1_000)
        next[0].header.flags.insert(.discontinuity)
        harness.push(next)
        harness.settle()
        #expect(engine.provider.finalized == [1])
        harness.request("finalize")
        harness.settle()
        #expect(engine.provider.finalized == [1, 2])
        harness.push(speech(1_000, from: 2_000))
        harness.push(speech(1_000, from: 4_100))
        harness.settle()
        #expect(engine.provider.finalized == [1, 2, 3])
        harness.finish()
        #expect(engine.provider.finalized == [1, 2, 3, 4])
        #expect(texts(harness).map(\.start) == [0.5, 1.5, 2.5, 4.6])
    }

    @Test func aShortHoleIsSilenceSoThatTimesStayTrue() throws {
        let harness = try harness()
        harness.push(speech(1_000))
        harness.push(speech(1_000, from: 1_400))
        harness.settle()
        #expect(engine.provider.heard == [1: 38_400])
    }

    @Test func anUtteranceIsCutAfterThirtySeconds() throws {
        let harness = try harness()
        harness.push(speech(40_000))
        harness.settle()
        #expect(engine.provider.heard == [1: 480_000, 2: 160_000])
        #expect(engine.provider.finalized == [1])
    }

    @Test func partialsRaiseTheRevisionAndAFinalEndsThem() throws {
        let harness = try harness()
        harness.push(speech(1_000))
        harness.settle()
        engine.provider.events = [.partial(1, .of("and so")), .partial(1, .of("and so my"))]
        harness.push(speech(1_000, from: 1_000))
        harness.settle()
        engine.provider.events = [.final(1, .of("and so my fellow"))]
        harness.request("finalize")
        harness.settle()
        let texts = texts(harness)
        #expect(texts.map(\.revision) == [1, 2, 3])
        #expect(texts.map(\.isFinal) == [false, false, true])
        #expect(texts.map(\.stable) == ["", "and so", "and so my fellow"])
        #expect(texts.allSatisfy { $0.id == 1 })
    }

    @Test func noWordsGiveNoTextButTakePartialsBack() throws {
        let harness = try harness()
        harness.push(speech(1_000))
        harness.settle()
        engine.provider.events = [.final(1, Written())]
        harness.request("finalize")
        harness.settle()
        #expect(texts(harness).isEmpty)
        harness.push(speech(1_000, from: 1_000))
        harness.settle()
        engine.provider.events = [.partial(2, .of("you")), .final(2, Written())]
        harness.request("finalize")
        harness.settle()
        #expect(texts(harness).map(\.text) == ["you", ""])
        #expect(harness.context.counter("wordless").count == 2)
    }

    @Test func speechThatComesFasterThanItCanBeWrittenIsToldOnceAndItsPartialStands() throws {
        let harness = try harness()
        harness.push(speech(3_000))
        harness.settle()
        engine.provider.events = [.partial(1, .of("and so"))]
        harness.request("finalize")
        harness.settle()
        engine.provider.events = [.unwritten(1)]
        harness.push(speech(1_000, from: 3_000))
        harness.settle()
        let texts = texts(harness)
        #expect(texts.map(\.isTimedOut) == [false, true])
        #expect(texts.last?.text == "and so" && texts.last?.isFinal == true)
        #expect(harness.context.counter("unwritten_ms").count == 3_000)
        let told = harness.events.filter { $0.what.contains("stay unwritten") }.map(\.what)
        #expect(told == ["3.0 s of speech at 0.0 s stay unwritten: speech comes faster than it can be written"])
        // No spoken word stands in an event.
        #expect(!harness.events.contains { $0.what.contains("and so") })
    }

    @Test func theAudioThatStaysUnwrittenComesOutOfGaps() throws {
        let harness = try harness(unconnected: [])
        harness.push(speech(3_000, from: 2_000))
        harness.settle()
        harness.request("finalize")
        harness.settle()
        engine.provider.events = [.unwritten(1)]
        harness.push(speech(1_000, from: 5_000))
        harness.settle()
        let frames = harness.pullAll(from: "gaps").compactMap { $0 as? AudioFrame }
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == 48_000)
        #expect(frames.first?.header.pts == .seconds(2) && frames.first?.header.flags.contains(.discontinuity) == true)
        let unwritten = harness.context.counter("unwritten_ms").count
        #expect(2_900...3_000 ~= unwritten)
        #expect(harness.events.contains { $0.what.contains("s of speech at 2.0 s stay unwritten") })
    }

    @Test func aFileWaitsWhileNothingCanBeWritten() throws {
        let harness = try harness()
        let frames = speech(2_000)
        for frame in frames { frame.header.sourceClock = harness.context.unpacedClock }
        harness.push(Array(frames.prefix(1)))
        harness.settle()
        engine.provider.hasRoom = false
        harness.push(Array(frames.dropFirst()))
        harness.settle()
        #expect(engine.provider.heard == [1: 320])
        engine.provider.hasRoom = true
        harness.request("finalize")
        harness.settle()
        #expect(engine.provider.heard.values.reduce(0, +) == 32_000)
    }

    @Test func theEndOfALiveStreamWaitsFiveSecondsForTheLastFinal() throws {
        let harness = try harness()
        harness.push(speech(3_000))
        harness.settle()
        engine.provider.events = [.partial(1, .of("so"))]
        harness.end()
        harness.advance(by: .milliseconds(4_900))
        #expect(!harness.isOver)
        harness.advance(by: .milliseconds(200))
        #expect(harness.isOver)
        let texts = texts(harness)
        #expect(texts.map(\.text) == ["so", "so"])
        #expect(texts.last?.isTimedOut == true)
        #expect(engine.provider.isClosed)
    }

    @Test func aFinalThatComesWithinThatTimeIsWhole() throws {
        let harness = try harness()
        harness.push(speech(3_000))
        harness.settle()
        harness.end()
        harness.advance(by: .milliseconds(3_000))
        engine.provider.events = [.final(1, .of("so be it"))]
        harness.advance(by: .milliseconds(2_500))
        #expect(texts(harness).map(\.text) == ["so be it"])
    }

    @Test func textKeepsTheEpochOfItsSpeech() throws {
        let harness = try harness()
        harness.push(speech(1_000))
        harness.settle()
        harness.raiseEpoch()
        let later = speech(1_000, from: 1_000)
        for frame in later { frame.header.epoch = harness.epoch }
        harness.push(later)
        harness.settle()
        #expect(engine.provider.finalized == [1])
        engine.provider.events = [.final(1, .of("old"))]
        harness.request("finalize")
        harness.settle()
        let items = harness.pullAll(from: "text")
        #expect(items.allSatisfy { $0.header.epoch != harness.epoch })
    }

    @Test func eachChannelIsWrittenByItselfWithItsNameAsSpeaker() throws {
        engine.provider.echo = "so"
        let harness = try harness(["channels": "caller, agent"])
        let format = MediaFormat(audio: AudioLayout(.s16, rate: 16_000, channels: 2))
        let frame = AudioFrame(format: format, sampleCount: 320)
        for index in 0..<320 { (frame.s16[2 * index], frame.s16[2 * index + 1]) = (1_000, -1_000) }
        frame.header.pts = .zero
        harness.push(frame)
        harness.settle()
        harness.request("finalize")
        harness.settle()
        #expect(texts(harness).map(\.speaker).sorted() == ["agent", "caller"])
        #expect(engine.made.count == 2 && engine.made.allSatisfy { $0.heard == [1: 320] })
        #expect(engine.made.map(\.firstSample).sorted() == [-1_000 / 32_768, 1_000 / 32_768])
    }

    @Test func aProviderThatIsNotThereOrIsOnTheNetworkInVirtualTimeIsRefused() {
        #expect { try harness(["providers": "rtrz"]) } throws: { "\($0)".contains("Did you mean \"rtzr\"?") }
        #expect { try harness(["providers": "rtzr"]) } throws: { "\($0)".contains("does not follow virtual time") }
        #expect { try harness(["providers": "local, local"]) } throws: { "\($0)".contains("Name each once") }
        // The address of a service is enough to name it.
        #expect { try harness(["openai_url": "http://host"]) } throws: { "\($0)".contains("openai is on the network") }
        #expect(throws: Never.self) { _ = try harness(["providers": " local "]) }
    }
}
