import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SpeechPlugin

/// With the library and the model that `tools/setup --speech` makes.
@Suite(.realPeers, .enabled(if: SpeechSetup.isThere, "speech is not set up: tools/setup --speech"))
struct RealSpeechTests {
    private static let noises: [(Sound?, Double)] = [(nil, 0), (.white, 20), (.white, 10), (.pink, 20), (.pink, 10)]

    @Test(arguments: noises) func onsetAndEndOfEachPhraseAreFoundInTime(noise: Sound?, decibels: Double) throws {
        let samples = noise.map { Sound.mixed(SpeechClip.samples, $0, decibels: decibels) } ?? SpeechClip.samples
        let parts = SpokenParts(SpeechSettings(), preRoll: 300, try SileroDetector(SpeechLibrary.open()))
        var begun: [(at: Double, told: Double)] = []
        var ended: [Double] = []
        for frame in SpeechClip.frames(samples) {
            let told = (frame.header.pts + frame.sampleDuration).seconds
            for part in try parts.take(frame) {
                if case .began(let time, _) = part { begun.append((time.seconds, told)) }
                if case .ended(let time) = part { ended.append(time.seconds) }
            }
        }
        // The clip ends 0.67 s behind its last phrase.
        for part in try parts.finish() { if case .ended(let time) = part { ended.append(time.seconds) } }
        try #require(begun.count == 4 && ended.count == 4, "\(begun) \(ended)")
        for (index, phrase) in SpeechClip.phrases.enumerated() {
            let (onset, told) = (begun[index].at - phrase.lowerBound, begun[index].told - phrase.lowerBound)
            #expect(abs(onset) <= 0.060, "phrase \(index) begins \(onset) s off")
            #expect(told <= 0.130, "phrase \(index) is told after \(told) s")
            #expect(
                abs(ended[index] - phrase.upperBound) <= 0.250, "phrase \(index): \(ended[index] - phrase.upperBound) s"
            )
        }
    }

    @Test(arguments: Sound.allCases) func soundsThatAreNoSpeechTriggerNothing(sound: Sound) throws {
        let parts = SpokenParts(SpeechSettings(), preRoll: 300, try SileroDetector(SpeechLibrary.open()))
        var count = 0
        for frame in SpeechClip.frames(sound.samples(60)) { count += try parts.take(frame).count }
        #expect(count == 0)
    }

    /// Without a voice-activity before it, too, audio without speech is not decoded.
    @Test(arguments: Sound.allCases) func soundsThatAreNoSpeechGiveNoText(sound: Sound) throws {
        let harness = try NodeHarness(
            SpeechToText.self, capacity: EdgePolicy.Capacity(items: 10_000, milliseconds: 600_000),
            registry: SpeechSetup.registry)
        harness.push(SpeechClip.frames(sound.samples(12)))
        #expect(harness.finish() == .finished)
        #expect(harness.pullAll(from: "text").isEmpty)
        #expect(harness.context.counter("wordless").count == 1)
    }

    private func captions(_ samples: [Float], _ parameters: [String: ParameterValue] = [:]) throws -> [Transcript] {
        var graph = GraphBuilder(registry: SpeechSetup.registry)
        graph.node("source", TestSource.self)
        graph.node("voice", VoiceActivity.self)
        graph.node("stt", SpeechToText.self, parameters)
        graph.node("sink", TestSink.self)
        graph.edge("source.out -> voice.in", items: 1_000)
        graph.edge("voice.speech -> stt.in", items: 1_000)
        graph.edge("stt.text -> sink.in", items: 1_000)
        let harness = try GraphHarness(graph)
        harness.source("source").push(SpeechClip.frames(samples))
        harness.source("source").end()
        #expect(harness.run() == .finished)
        return harness.sink("sink").received.compactMap { ($0.item as? DataItem).flatMap(Transcript.init) }
    }

    @Test func theWordsOfTheClipAreWritten() throws {
        let texts = try captions(SpeechClip.samples)
        let heard = SpeechClip.bare(texts.map(\.text).joined(separator: " "))
        #expect(SpeechClip.wrong(heard) <= 1, "\(heard)")
        try #require(texts.count == 4)
        for (text, phrase) in zip(texts, SpeechClip.phrases) {
            #expect(abs(text.start - phrase.lowerBound) <= 0.06 && abs(text.end - phrase.upperBound) <= 0.25)
            #expect(text.words.allSatisfy { $0.start <= $0.end && $0.start >= text.start - 0.4 })
            #expect(text.language == "en" && text.isFinal && (text.confidence ?? 0) > 0.2)
        }
        // In virtual time equal audio gives equal text, to the byte.
        #expect(try captions(SpeechClip.samples) == texts)
    }

    /// Whisper said a sentence twice, the first time over the silence.
    @Test(arguments: [3.0, 7, 20]) func aSentenceBehindALongSilenceIsWrittenOnce(silence: Double) throws {
        let phrase = SpeechClip.samples[Int(7.88 * 16_000)..<Int(10.6 * 16_000)]
        let before = [Float](repeating: 0, count: Int(silence * 16_000))
        let samples = before + phrase + [Float](repeating: 0, count: 40_000)
        let model = try SpeechModel("", try SpeechLibrary.open())
        let job = DecodeJob(stream: 0, isFinal: true, samples: samples, language: "en", model: model) { _ in }
        var writer: SpeechWriter?
        guard case .written(let written) = DecodePool.write(job, by: &writer) else {
            Issue.record("nothing is written")
            return
        }
        #expect(SpeechClip.bare(written.text) == ["ask", "what", "you", "can", "do", "for", "your", "country"])
        let start = try #require(written.speech?.lowerBound)
        #expect(abs(start - silence - 0.3) < 0.1)
        #expect(written.words.allSatisfy { $0.start > silence - 0.1 && $0.end < silence + 2.8 })
    }

    @Test func partialsGrowAndTheFinalKeepsTheirStableBeginning() throws {
        let texts = try captions(Array(SpeechClip.samples[0..<60_000]), ["partials_ms": 600])
        let first = texts.filter { $0.id == 1 }
        #expect(first.count >= 2 && first.last?.isFinal == true)
        #expect(first.map(\.revision) == Array(1...first.count))
        let final = SpeechClip.bare(first.last?.text ?? "")
        for partial in first { #expect(final.starts(with: SpeechClip.bare(partial.stable))) }
    }

    @Test func aCPUWithoutAVX2WritesTheSameWords() throws {
        let library = try SpeechLibrary.open([.plain])
        #expect(library.build == .plain)
        let model = try SpeechModel("", library)
        let samples = Array(SpeechClip.samples[Int(7.88 * 16_000)..<Int(10.53 * 16_000)])
        let job = DecodeJob(stream: 1, isFinal: false, samples: samples, language: "en", model: model) { _ in }
        guard case .written(let written) = try SpeechWriter(model).write(job) else {
            Issue.record("nothing was written")
            return
        }
        #expect(SpeechClip.bare(written.text) == SpeechClip.bare("ask what you can do for your country"))
    }

    @Test func aModelThatIsCutShortOrOfAnotherKindIsRefusedInASentence() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let cut = folder.appending(path: "cut.bin").path
        let whole = try FileHandle(forReadingFrom: URL(fileURLWithPath: SpeechPlaces.find(SpeechModel.standard)!))
        #expect(FileManager.default.createFile(atPath: cut, contents: try whole.read(upToCount: 5_000_000)))
        for (path, words) in [
            (cut, "it is cut short, after 5000000 bytes"), (SpeechClip.path, "it is no Whisper model of ggml"),
            (folder.path, "is no regular file"), ("/nowhere.bin", "cannot open the model \"/nowhere.bin\""),
        ] {
            #expect {
                try NodeHarness(
                    SpeechToText.self, parameters: ["model": .string(path)], registry: SpeechSetup.registry)
            } throws: { "\($0)".contains(words) }
        }
        #expect {
            try NodeHarness(SpeechToText.self, parameters: ["language": "ko"], registry: SpeechSetup.registry)
        } throws: { "\($0)".contains("knows English alone") }
    }

    @Test func thePoolIsBoundedAndEveryJobEndsOnce() throws {
        let model = try SpeechModel("", SpeechLibrary.open())
        let pool = DecodePool(threads: 1, capacity: 2)
        let ends = Ends()
        var taken = 0
        for number in 0..<6 {
            let job = DecodeJob(
                stream: number, isFinal: true, samples: Array(SpeechClip.samples[0..<40_000]), language: "en",
                model: model
            ) { _ in ends.add(number) }
            if pool.add(job) { taken += 1 }
        }
        #expect(2...3 ~= taken)
        pool.close()
        #expect(ends.all.count == taken && Set(ends.all).count == taken)
        let late = DecodeJob(stream: 9, isFinal: true, samples: [], language: "en", model: model) { _ in }
        #expect(!pool.add(late))
    }

    private final class Ends: @unchecked Sendable {
        private let lock = NSLock()
        private var numbers: [Int] = []
        func add(_ number: Int) { lock.withLock { numbers.append(number) } }
        var all: [Int] { lock.withLock { numbers } }
    }
}

/// The graph `captions` by the command.
@Suite(.realPeers, .enabled(if: SpeechSetup.isThere, "speech is not set up: tools/setup --speech"))
struct CaptionsTests {
    @Test func theGraphWritesTheWordsOnTheTerminalAndIntoAFile() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "captions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // The shell starts another process: this one's memory would count as the command's.
        let run = try CommandRun(
            [
                "-c", "\"$0\" \"$@\"; exit $?", Built.file("sluice").path, "run",
                Built.root.appending(path: "graphs/captions.json").path, "--set", "input=\(SpeechClip.path)",
                "--report", "report.json",
            ], in: folder, executable: URL(fileURLWithPath: "/bin/sh"))
        #expect(run.status == 0, "\(run.errors)")
        #expect(SpeechClip.wrong(SpeechClip.bare(run.output)) <= 1, "\(run.output)")
        let captions = try String(contentsOf: folder.appending(path: "captions.vtt"), encoding: .utf8)
        #expect(captions.hasPrefix("WEBVTT\n\n00:00:00."))
        let cues = captions.components(separatedBy: "\n\n").dropFirst().compactMap { $0.split(separator: "\n").last }
        #expect(SpeechClip.wrong(SpeechClip.bare(cues.joined(separator: " "))) <= 1)
        let report =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.appending(path: "report.json"))) as? [String: Any]
        let memory = (report?["process"] as? [String: Any])?["max_rss_kb"] as? Int ?? .max
        #expect(memory <= 200 * 1_024 || Built.isSanitized, "\(memory) kB")
        // No spoken word is in the report, or in what is said of the run.
        #expect(
            !run.errors.lowercased().contains("americans") && !"\(report ?? [:])".lowercased().contains("americans"))
    }
}
