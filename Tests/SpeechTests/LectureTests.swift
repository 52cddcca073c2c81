import Foundation
import Spool
import TestSupport
import Testing

@testable import SpeechPlugin

/// One `sluice run lecture` in a folder of a test.
struct LectureRun {
    static let secret = "k3y-of-the-service"
    let status: Int32
    let errors: String
    /// The final texts of the run, in the order of the file.
    var texts: [[String: Any]] = []
    var metrics: [String: Any] = [:]

    func words(of session: String = "lecture") -> [String] {
        SpeechClip.bare(
            texts.filter { $0["session"] as? String == session }.compactMap { $0["text"] as? String }.joined(
                separator: " "))
    }

    init(
        in folder: URL, _ settings: [String], input: String = SpeechClip.path, graph: URL? = nil,
        during: (@Sendable (Int32) -> Void)? = nil
    ) throws {
        let path = graph?.path ?? Built.root.appending(path: "graphs/lecture.json").path
        let run = try CommandRun(
            ["run", path, "--set", "input=\(input)", "--set", "transcript=out.jsonl", "--report", "report.json"]
                + settings.flatMap { ["--set", $0] },
            in: folder, environment: ["OPENAI_API_KEY": LectureRun.secret], during: during)
        (status, errors) = (run.status, run.errors)
        let lines = (try? String(contentsOf: folder.appending(path: "out.jsonl"), encoding: .utf8)) ?? ""
        texts = lines.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let report = (try? Data(contentsOf: folder.appending(path: "report.json"))) ?? Data()
        let whole = try? JSONSerialization.jsonObject(with: report) as? [String: Any]
        metrics = ((whole?["nodes"] as? [String: Any])?["stt"] as? [String: Any])?["metrics"] as? [String: Any] ?? [:]
        // Neither a spoken word nor a secret is in what is said, reported, or kept beside the texts.
        let index =
            (try? String(contentsOf: folder.appending(path: "spool/lecture/index.jsonl"), encoding: .utf8)) ?? ""
        let said = (errors + String(decoding: report, as: UTF8.self) + index).lowercased()
        #expect(
            !said.contains("americans") && !said.contains("words of the server") && !said.contains(LectureRun.secret))
    }

    static func within(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lecture-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    /// The words of `sluice spool` about it, and its exit status.
    static func spool(_ folder: URL, _ options: String...) throws -> CommandRun {
        try CommandRun(["spool", folder.appending(path: "spool").path] + options)
    }

    /// The graph with a second for each answer.
    static func impatient(in folder: URL) throws -> URL {
        let graph = folder.appending(path: "graph.json")
        let text = try String(contentsOf: Built.root.appending(path: "graphs/lecture.json"), encoding: .utf8)
        try text.replacingOccurrences(of: #""type": "stt-batch","#, with: #""type": "stt-batch", "timeout_s": 1,"#)
            .write(to: graph, atomically: true, encoding: .utf8)
        return graph
    }

    /// A tenth of a second in which nobody speaks.
    static func silence(in folder: URL) throws -> String {
        let path = folder.appending(path: "silence.wav")
        let bytes =
            WaveHeader.bytes(samples: 1_600, rate: 16_000) + [UInt8](repeating: 0, count: 3_200)
        try Data(bytes).write(to: path)
        return path.path
    }
}

/// The graph `lecture` by the command, and servers that do not do as they should.
@Suite(.realPeers, .serialized) struct LectureServerTests {
    @Test func aServerGetsMP3AndItsTextsHaveTheTimeOfTheMedia() throws {
        let server = ScriptedServer()
        defer { server.end() }
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, ["url=\(server.url)", "prompt=Kennedy", "language=en"])
            #expect(run.status == 0 && run.words() == ["words", "of", "the", "server"], "\(run.errors)")
            let request = try #require(server.requests.first)
            #expect(server.requests.count == 1 && request.text.hasPrefix("POST /v1/audio/transcriptions HTTP/1.1"))
            for field in ["Bearer \(LectureRun.secret)", "filename=\"speech.mp3\"", "audio/mpeg", "Kennedy"] {
                #expect(request.text.contains(field))
            }
            // 11 s of 48 kb/s.
            #expect(60_000...75_000 ~= request.size)
            #expect(try LectureRun.spool(folder).status == 0)
            #expect(run.texts.allSatisfy { $0["provider"] as? String == "openai" })
        }
    }

    @Test(arguments: [
        [ScriptedServer.Act.status(429, retryAfter: 1), .half, .huge], [.garbage, .close],
        [.status(500), .status(503)],
        [.status(401), .status(404)],
    ])
    func whatAServerDoesWrongCostsNoTextAndNoneComesTwice(faults: [ScriptedServer.Act]) throws {
        let server = ScriptedServer(faults)
        defer { server.end() }
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, ["url=\(server.url)"])
            #expect(run.status == 0 && run.words() == ["words", "of", "the", "server"], "\(run.errors)")
            #expect(server.requests.count == faults.count + 1)
            #expect(try LectureRun.spool(folder).output == "lecture: ended, 1 batch stored\n")
            // That of a batch is not told before it is dead; that of the server once.
            let told = run.errors.components(separatedBy: "speech stays in the spool").count - 1
            #expect(
                told == (faults.contains { if case .status(500, _) = $0 { false } else { isOfTheServer($0) } } ? 1 : 0))
        }
    }

    private func isOfTheServer(_ act: ScriptedServer.Act) -> Bool {
        if case .status(let status, _) = act { return status != 500 }
        return false
    }

    @Test func aServerThatNeverAnswersIsLeftAndTheNextRunDelivers() throws {
        let server = ScriptedServer(then: .silent)
        defer { server.end() }
        try LectureRun.within { folder in
            let graph = try LectureRun.impatient(in: folder)
            let run = try LectureRun(in: folder, ["url=\(server.url)", "wait_s=0"], graph: graph)
            #expect(run.status == 0 && run.texts.isEmpty)
            #expect(run.errors.contains("1 batch with 11 s stay in the spool \"spool\""), "\(run.errors)")
            let left = try LectureRun.spool(folder)
            #expect(
                left.status == 1
                    && left.output == "lecture: ended, 0 batches stored, 1 waiting, 1 chunk of 11 s without text\n")
            let other = ScriptedServer()
            defer { other.end() }
            let next = try LectureRun(in: folder, ["url=\(other.url)"], input: LectureRun.silence(in: folder))
            #expect(next.words() == ["words", "of", "the", "server"] && next.words(of: "lecture.2").isEmpty)
            #expect(try LectureRun.spool(folder).status == 0)
        }
    }

    @Test func aServerThatIsNotThereIsWaitedForAndSaidOnce() throws {
        // A port at which nobody listens any more.
        let gone = ScriptedServer()
        gone.end()
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, ["url=\(gone.url)", "wait_s=3"])
            #expect(run.status == 0 && run.errors.components(separatedBy: "openai cannot be reached").count == 2)
            let left = try LectureRun.spool(folder, "--json")
            let value = try JSONSerialization.jsonObject(with: Data(left.output.utf8)) as? [String: Any]
            #expect(left.status == 1 && value?["delivered"] as? Bool == false)
            let session = (value?["sessions"] as? [[String: Any]])?.first
            #expect(session?["waiting"] as? Int == 1 && session?["waiting_s"] as? Double == 11)
        }
    }

    @Test func aBatchThatIsRefusedEightTimesIsDeadAndMayWaitAgain() throws {
        let server = ScriptedServer([.status(400)])
        defer { server.end() }
        try LectureRun.within { folder in
            // Seven of its tries were those of others.
            let disk = DirectoryDisk(folder.appending(path: "spool").path)
            let session = try SpoolSession("lecture", origin: 0, disk)
            try session.begin(at: 0)
            try session.append(SpeechClip.samples.map { Int16($0 * 32_767) })
            try session.endChunk()?()
            try session.closed(cut: 176_000)
            try session.finish()
            let job = try #require(try session.plan(of: 10))
            for _ in 0..<7 { try session.tried(job.key) }
            session.close()
            let silence = try LectureRun.silence(in: folder)
            let run = try LectureRun(in: folder, ["url=\(server.url)"], input: silence)
            #expect(run.texts.isEmpty && run.errors.contains("batch 1-1 of session lecture is dead after 8 tries"))
            #expect(run.metrics["jobs_dead_total"] as? Int == 1)
            let dead = try LectureRun.spool(folder)
            #expect(dead.status == 1 && dead.output.contains("  dead 1-1: openai refuses the request (400)\n"))
            // It is not asked for again by itself.
            #expect(try LectureRun(in: folder, ["url=\(server.url)"], input: silence).texts.isEmpty)
            #expect(server.requests.count == 1)
            let again = try LectureRun.spool(folder, "--retry")
            #expect(again.status == 1 && again.errors.contains("lecture: 1 dead batch waits again"))
            let last = try LectureRun(in: folder, ["url=\(server.url)"], input: silence)
            #expect(last.words() == ["words", "of", "the", "server"])
            #expect(try LectureRun.spool(folder).status == 0)
        }
    }

    @Test func theTextsAreSummedUpWhenAllAreThereWhateverTheServerDoes() throws {
        let server = ScriptedServer()
        let model = ScriptedServer([.status(503), .half, .garbage, .words("no model")], then: .summary("He asks."))
        defer {
            server.end()
            model.end()
        }
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, ["url=\(server.url)", "summary_url=\(model.url)", "summary_model=m"])
            #expect(run.status == 0, "\(run.errors)")
            let path = folder.appending(path: "spool/lecture/summary.txt")
            #expect(try String(contentsOf: path, encoding: .utf8) == "He asks.")
            #expect(model.requests.count == 5 && model.requests[0].text.hasPrefix("POST /v1/chat/completions HTTP/1.1"))
            #expect(model.requests[4].text.contains(#""content": "words of the server""#))
            #expect(!run.errors.contains("He asks."))
            #expect(try LectureRun.spool(folder).output == "lecture: ended, 1 batch stored, summary stored\n")
            // Once.
            _ = try LectureRun(
                in: folder, ["url=\(server.url)", "summary_url=\(model.url)"], input: LectureRun.silence(in: folder))
            #expect(model.requests.count == 5)
        }
    }

    @Test func aSummaryServerThatNeverAnswersIsLeftAndTheNextRunAsksAgain() throws {
        let (server, silent) = (ScriptedServer(), ScriptedServer(then: .silent))
        defer {
            server.end()
            silent.end()
        }
        try LectureRun.within { folder in
            let graph = try LectureRun.impatient(in: folder)
            let run = try LectureRun(
                in: folder, ["url=\(server.url)", "summary_url=\(silent.url)", "wait_s=0"], graph: graph)
            #expect(run.status == 0 && run.words() == ["words", "of", "the", "server"])
            #expect(run.errors.contains("summaries are not there yet"), "\(run.errors)")
            let left = try LectureRun.spool(folder)
            #expect(left.status == 1 && left.output == "lecture: ended, 1 batch stored, summary waiting\n")
            let model = ScriptedServer(then: .summary("Late."))
            defer { model.end() }
            let next = try LectureRun(
                in: folder, ["url=\(server.url)", "summary_url=\(model.url)"], input: LectureRun.silence(in: folder))
            #expect(next.status == 0 && server.requests.count == 1)
            let path = folder.appending(path: "spool/lecture/summary.txt")
            #expect(try String(contentsOf: path, encoding: .utf8) == "Late.")
            #expect(try LectureRun.spool(folder).status == 0)
        }
    }

    @Test func aDirectoryThatIsNoneIsRefused() throws {
        let run = try CommandRun(["spool", "/nowhere/spool"])
        #expect(run.status == 2 && run.errors.contains("\"/nowhere/spool\" is no directory"))
    }
}

/// The same with Whisper in the process.
@Suite(.realPeers, .serialized, .enabled(if: SpeechSetup.isThere, "speech is not set up: tools/setup --speech"))
struct LectureTests {
    @Test func theGraphWritesTheWordsOfTheClip() throws {
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, [])
            #expect(run.status == 0 && SpeechClip.wrong(run.words()) <= 1, "\(run.words()) \(run.errors)")
            for text in run.texts {
                let start = text["start_s"] as? Double ?? -1
                #expect(SpeechClip.phrases.contains { abs($0.lowerBound - start) < 0.15 }, "\(start)")
            }
        }
    }

    /// A border in any place, of chunks and of batches, costs no word.
    @Test(arguments: [(1.0, 20), (1.7, 20), (4.5, 1), (6.1, 1), (6.9, 1)])
    func bordersCostNoWord(length: Double, batch: Int) throws {
        try LectureRun.within { folder in
            let run = try LectureRun(in: folder, ["chunk_s=\(length)", "batch=\(batch)"])
            #expect(SpeechClip.wrong(run.words()) <= 1, "\(length): \(run.words())")
        }
    }

    /// Samples that are on the disk.
    private static func recorded(_ folder: URL) -> Int {
        let disk = DirectoryDisk(folder.appending(path: "spool").path)
        guard let index = try? SpoolIndex((try? disk.read("lecture/index.jsonl", most: 1 << 20)) ?? []),
            let last = index.orderedChunks.last
        else { return 0 }
        let part = "lecture/" + String("0000000\(last.number)".suffix(8)) + ".wav.part"
        return Int(last.first) + (disk.size(part).map { ($0 - WaveHeader.size) / 2 } ?? last.count)
    }

    @Test(arguments: [2.4, 4.6, 8.7]) func aProcessThatIsKilledCostsNoWordBeforeItsLastSecond(seconds: Double) throws {
        try LectureRun.within { folder in
            let killed = try LectureRun(in: folder, ["pace=live", "chunk_s=3", "batch=1"]) { process in
                try? wait(for: "so much audio") { LectureTests.recorded(folder) >= Int(seconds * 16_000) }
                kill(process, SIGKILL)
            }
            #expect(killed.status == -SIGKILL)
            let end = Double(LectureTests.recorded(folder)) / 16_000
            let next = try LectureRun(in: folder, ["batch=1"], input: LectureRun.silence(in: folder))
            let words = next.words()
            // By the phrases of the clip: 5, 2, 7 and 8 words.
            let counts = zip(SpeechClip.phrases, [5, 2, 7, 8])
            let whole = counts.filter { $0.0.upperBound <= end - 1 }.reduce(0) { $0 + $1.1 }
            let wanted = Array(SpeechClip.bare(SpeechClip.words).prefix(whole))
            #expect(SpeechClip.wrong(Array(words.prefix(whole)), wanted) <= 1, "\(end) s: \(words)")
            #expect(try LectureRun.spool(folder).status == 0)
        }
    }
}
