import Foundation
import Sluice
import SluiceTesting
import Spool
import TestSupport
import Testing

@testable import SpeechPlugin

/// The node `stt-batch` with an engine that a test scripts, in virtual time.
@Suite struct SpeechBatchTests {
    private let engine = ScriptedEngine()
    private let folder = FileManager.default.temporaryDirectory.appending(path: "batch-\(UUID().uuidString)")
    private var spool: String { folder.appending(path: "spool").path }

    private func harness(_ parameters: [String: ParameterValue] = [:]) throws -> NodeHarness<SpeechBatch> {
        engine.provider.echo = "some words"
        return try NodeHarness(
            SpeechBatch.self,
            parameters: ["spool": .string(spool), "chunk_s": 2, "batch": 2].merging(parameters) { $1 },
            capacity: EdgePolicy.Capacity(items: 10_000, milliseconds: 600_000), registry: engine.registry)
    }

    private func texts(_ harness: NodeHarness<SpeechBatch>) -> [Transcript] {
        harness.pullAll(from: "text").compactMap { ($0 as? DataItem).flatMap(Transcript.init) }
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    /// A second of speech in every three, from 1 s on.
    private func lecture(_ seconds: Int, from start: Int = 0) -> [AudioFrame] {
        Loudness.frames(milliseconds: seconds * 1_000, from: .milliseconds(Int64(start))) {
            1_000..<2_000 ~= $0 % 3_000
        }
    }

    @Test func theTextsOfALectureComeInOrderWithTheTimeOfTheMedia() throws {
        defer { remove() }
        let harness = try harness(["session": "talk", "speaker": "her"])
        harness.push(lecture(30, from: 5_000))
        harness.settle()
        // Batches are written while it goes on.
        let early = texts(harness)
        #expect(!early.isEmpty)
        harness.finish()
        let all = early + texts(harness)
        // The script's words begin half a second behind the utterance's audio, which begins 300 ms before the speech.
        let wanted = stride(from: 6.2, to: 35, by: 3)
        let isRight = zip(all, wanted).allSatisfy { (text: Transcript, time: Double) in abs(text.start - time) < 0.05 }
        #expect(all.count == 10 && isRight, "\(all.map(\.start))")
        #expect(all.map(\.id) == Array(1...10) && all.allSatisfy { $0.session == "talk" && $0.speaker == "her" })
        #expect(try SpoolSummary(DirectoryDisk(spool)).isDelivered)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(spool)/talk")
        #expect(Set(files) == ["index.jsonl", "lock", "texts.jsonl"])
        // Neither log nor report has a word of it.
        #expect(!harness.report.contains("some words") && !harness.events.contains { $0.what.contains("some words") })
    }

    @Test func silenceIsNotSentAndKeepsItsTime() throws {
        defer { remove() }
        let harness = try harness()
        harness.push(Loudness.frames(milliseconds: 20_000) { 17_000..<18_000 ~= $0 })
        harness.finish()
        let all = texts(harness)
        #expect(all.count == 1 && abs(all[0].start - 17.2) < 0.05)
        let heard = engine.provider.heard.values.reduce(0, +)
        #expect(16_000...32_000 ~= heard)
    }

    /// A border of chunks, and of batches, in any place of a word costs none of it.
    @Test func aBorderCutsNoWord() throws {
        for length in stride(from: 1.0, through: 4, by: 0.25) {
            defer { remove() }
            let harness = try harness(["chunk_s": .number(length), "batch": 1])
            harness.push(lecture(12))
            harness.finish()
            let all = texts(harness)
            // A chunk of a second may be a second of speech.
            #expect(all.count == 4 || length < 2, "chunks of \(length) s: \(all.map(\.start))")
            #expect(all.map(\.start) == all.map(\.start).sorted())
        }
    }

    @Test func whatAKilledProcessHasLeftIsDeliveredByTheNext() throws {
        defer { remove() }
        // Its texts were not written: it was killed while it recorded.
        let disk = DirectoryDisk(spool)
        let session = try SpoolSession("talk", origin: 100, disk)
        try session.begin(at: 0)
        try session.append(lecture(4).flatMap { Array($0.s16) })
        session.close()
        #expect(try !SpoolSummary(disk).isDelivered)
        let harness = try harness(["session": "talk"])
        harness.push(lecture(3))
        harness.finish()
        let all = texts(harness)
        #expect(all.map(\.session) == ["talk", "talk.2"] && abs((all.first?.start ?? 0) - 101.2) < 0.05)
        #expect(harness.events.filter { $0.what.contains("session talk was left in the spool") }.count == 1)
        #expect(try SpoolSummary(disk).isDelivered)
        // The third has nothing to do with either.
        let third = try self.harness(["session": "talk"])
        third.finish()
        #expect(texts(third).isEmpty)
    }

    @Test func aFullSpoolLosesLiveAudioToldOnceAndGoesOn() throws {
        defer { remove() }
        // Nothing is written, so nothing is removed.
        engine.provider.hasRoom = false
        let harness = try harness(["spool_mb": 1])
        engine.provider.hasRoom = false
        let minute = Loudness.frames(milliseconds: 60_000) { _ in true }
        harness.push(minute)
        harness.settle()
        let told = harness.events.filter { $0.what.contains("audio is not recorded") }
        #expect(told.count == 1 && told[0].what.contains("the spool is full"))
        // A mebibyte is 32.7 s, and the last 10 s are held.
        #expect(17_000...18_500 ~= harness.context.counter("lost_ms").count)
        engine.provider.hasRoom = true
        harness.advance(by: .seconds(2))
        harness.finish()
        #expect(harness.events.contains { $0.what.contains("audio is recorded again") })
        #expect(try SpoolSummary(DirectoryDisk(spool)).isDelivered)
        #expect(harness.context.counter("recorded_ms").count + harness.context.counter("lost_ms").count == 60_000)
    }

    @Test func aSpoolOfAnotherVersionIsLeftAndSaid() throws {
        defer { remove() }
        try FileManager.default.createDirectory(atPath: "\(spool)/old", withIntermediateDirectories: true)
        try Data("{\"spool\": 9, \"session\": \"old\"}\n".utf8).write(
            to: URL(fileURLWithPath: "\(spool)/old/index.jsonl"))
        let harness = try harness()
        harness.push(lecture(3))
        harness.finish()
        #expect(texts(harness).count == 1)
        #expect(
            harness.events.filter { $0.what.contains("session old is left as it is: it is of version 9") }.count == 1)
    }

    @Test(arguments: ["", "../x", "a b", ".x"]) func aSessionsNameIsADirectorysName(name: String) throws {
        defer { remove() }
        #expect {
            try harness(["session": .string(name)])
        } throws: { "\($0)".contains("session is \"\(name)\"") }
    }

    @Test func aServerDoesNotFollowVirtualTime() throws {
        defer { remove() }
        #expect {
            try harness(["openai_url": "http://127.0.0.1:1"])
        } throws: { "\($0)".contains("does not follow virtual time") }
    }

    @Test func mp3IsAFileThatADecoderReads() throws {
        let samples = (0..<32_000).map { Int16(8_000 * sin(Double($0) / 10)) }
        let coded = try MP3.encode(samples, rate: 16_000, bitrate: 48_000)
        // A frame of MPEG-2 layer III, 48 kb/s: 576 samples, 216 bytes.
        #expect(coded.bytes[0] == 0xff && coded.bytes[1] & 0xfe == 0xf2 && coded.bytes.count % 216 == 0)
        #expect(abs(coded.bytes.count - 12_000) < 1_200 && 500...1_200 ~= coded.delay)
    }
}
