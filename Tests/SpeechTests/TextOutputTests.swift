import Foundation
import Sluice
import SluiceTesting
import Testing

@testable import SpeechPlugin

@Suite struct TextOutputTests {
    static func text(_ text: String, id: Int, at start: Double, isFinal: Bool = true, speaker: String = "")
        -> Transcript
    {
        Transcript(
            speaker: speaker, id: id, revision: 1, isFinal: isFinal, start: start, end: start + 1, text: text,
            confidence: 0.9, language: "en", words: [.init(text: text, start: start, end: start + 1, confidence: 0.9)],
            provider: "local")
    }

    /// The files that the texts make, by their endings.
    private func write(
        _ name: String, _ texts: [Transcript], late: [Transcript] = []
    ) throws -> [String: String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "texts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let harness = try NodeHarness(
            TextOutput.self, parameters: ["path": .string(folder.appending(path: name).path)],
            capacity: EdgePolicy.Capacity(items: 1_000, milliseconds: 1_000))
        harness.push(texts.map(\.item), into: "in")
        harness.settle()
        harness.push(late.map(\.item), into: "late")
        #expect(harness.finish() == .finished)
        var files: [String: String] = [:]
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            files[file.lastPathComponent] = try String(contentsOf: file, encoding: .utf8)
        }
        return files
    }

    @Test func aPipeHasALateTextBehindTheOthersAndThatIsSaid() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "pipe-\(UUID().uuidString).txt").path
        try #require(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer {
            close(reader)
            unlink(path)
        }
        let harness = try NodeHarness(TextOutput.self, parameters: ["path": .string(path)])
        harness.push([Self.text("one", id: 1, at: 0), Self.text("three", id: 3, at: 5)].map(\.item), into: "in")
        harness.settle()
        harness.push([Self.text("two", id: 2, at: 2).item], into: "late")
        #expect(harness.finish() == .finished)
        var room = [UInt8](repeating: 0, count: 100)
        let count = read(reader, &room, room.count)
        #expect(String(decoding: room.prefix(max(0, count)), as: UTF8.self) == "one\nthree\ntwo\n")
        let words = "a text came late, or in the place of another: \(path) is no file, and has it behind the later ones"
        #expect(harness.events.contains { $0.level == .warning && $0.what == words }, "\(harness.events)")
    }

    @Test func webVTTHasItsCuesInTheOrderOfTheirTimes() throws {
        let files = try write(
            "a.vtt", [Self.text("one", id: 1, at: 0.5), Self.text("three & <3>", id: 3, at: 3_725.25, speaker: "Ann")],
            late: [Self.text("two", id: 2, at: 2)])
        #expect(
            files == [
                "a.vtt": """
                WEBVTT

                00:00:00.500 --> 00:00:01.500
                one

                00:00:02.000 --> 00:00:03.000
                two

                01:02:05.250 --> 01:02:06.250
                <v Ann>three &amp; &lt;3&gt;


                """
            ])
    }

    @Test func subRipCountsItsCues() throws {
        let files = try write(
            "a.SRT", [Self.text("one", id: 1, at: 0), Self.text("two", id: 2, at: 2)],
            late: [Self.text("none\nhalf", id: 9, at: 1)])
        #expect(
            files["a.SRT"]
                == "1\n00:00:00,000 --> 00:00:01,000\none\n\n2\n00:00:01,000 --> 00:00:02,000\nnone half\n\n"
                + "3\n00:00:02,000 --> 00:00:03,000\ntwo\n\n")
    }

    @Test func aNameWithoutAnEndingGivesJSONLinesAndWebVTT() throws {
        let files = try write("talk", [Self.text("so", id: 1, at: 1)])
        #expect(files.keys.sorted() == ["talk.jsonl", "talk.vtt"])
        let lines = files["talk.jsonl"]!.split(separator: "\n")
        #expect(lines.count == 1)
        let value = try JSONValue.parse(Array(lines[0].utf8), limits: .standard)
        #expect(value["text"] == "so" && value["start_s"] == 1 && value["words"]?.array?.count == 1)
        #expect(value["final"] == true && value["provider"] == "local")
    }

    @Test func plainTextIsALineEach() throws {
        #expect(
            try write("a.txt", [Self.text("one", id: 1, at: 1), Self.text("two", id: 2, at: 2, speaker: "B")])
                == ["a.txt": "one\nB: two\n"])
    }

    @Test func partialsAreNotWrittenAndALaterFinalOfAnUtteranceReplacesIt() throws {
        let files = try write(
            "a.txt",
            [
                Self.text("o", id: 1, at: 1, isFinal: false), Self.text("one", id: 1, at: 1),
                Self.text("two", id: 2, at: 2), Self.text("won", id: 1, at: 1),
            ])
        #expect(files == ["a.txt": "won\ntwo\n"])
    }

    @Test func noTextGivesAFileOfItsKind() throws {
        #expect(try write("a.vtt", []) == ["a.vtt": "WEBVTT\n\n"])
        #expect(try write("a.txt", []) == ["a.txt": ""])
    }

    @Test func aLateTextCostsWhatIsBehindItAndNotTheWholeFile() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "late-\(UUID().uuidString).srt").path
        defer { unlink(path) }
        let file = TextFile(try WrittenFile.open(path), .srt)
        var book = TranscriptBook()
        func take(_ text: Transcript) throws { try file.write(text, book.take(text)) }
        let now = Instant(nanoseconds: 0)
        for id in 1...1_000 { try take(Self.text("text", id: id, at: Double(2 * id))) }
        let whole = file.written
        // Three before the last two, together.
        for id in 1_001...1_003 { try take(Self.text("late", id: id, at: 1_997)) }
        #expect(try file.settle(book, now: now) == nil)
        #expect(file.written - whole < 300)
        // And one that takes the first back.
        try take(Self.text("", id: 1, at: 2))
        try take(Self.text("last", id: 1_004, at: 3_000))
        #expect(try file.settle(book, now: now) == nil)
        try file.close()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let wanted = book.texts.enumerated().map { TextFormat.srt.entry($1, number: $0 + 1) }.joined()
        #expect(text == wanted && book.texts.count == 1_003)
    }

    @Test func manyLateTextsBeforeMuchAreWrittenTogether() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "late-\(UUID().uuidString).txt").path
        defer { unlink(path) }
        let file = TextFile(try WrittenFile.open(path), .txt)
        var book = TranscriptBook()
        let long = String(repeating: "word ", count: 4_000)
        for id in 1...100 {
            let text = Self.text(long, id: id, at: Double(id))
            try file.write(text, book.take(text))
        }
        var due: [Instant?] = []
        for id in 101...150 {
            let text = Self.text("late", id: id, at: 0.5)
            try file.write(text, book.take(text))
            due.append(try file.settle(book, now: Instant(nanoseconds: Int64(id))))
        }
        let whole = 100 * long.utf8.count
        #expect(due[0] == nil && due[1] == Instant(nanoseconds: 101) + TextFile.pause && file.written < 3 * whole)
        #expect(try file.settle(book, now: Instant(nanoseconds: 0) + .seconds(6)) == nil)
        try file.close()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasPrefix(String(repeating: "late\n", count: 50) + "word word"))
        #expect(text == book.texts.map { TextFormat.txt.entry($0, number: 0) }.joined())
    }

    @Test func aTerminalShowsPartialsInPlace() {
        var terminal = TerminalText(columns: 10)
        #expect(terminal.show(Self.text("and so", id: 1, at: 0, isFinal: false)) == "\r\u{1b}[Kand so")
        #expect(terminal.show(Self.text("and so my fellow", id: 1, at: 0, isFinal: false)) == "\r\u{1b}[Kmy fellow")
        #expect(terminal.show(Self.text("and so my fellow", id: 1, at: 0)) == "\r\u{1b}[Kand so my fellow\n")
        #expect(terminal.end() == "")
        _ = terminal.show(Self.text("안녕하세요 여러분", id: 2, at: 0, isFinal: false))
        #expect(terminal.show(Self.text("안녕하세요 여러분", id: 2, at: 0, isFinal: false)) == "\r\u{1b}[K요 여러분")
        #expect(terminal.end() == "\r\u{1b}[K")
    }

    @Test func aPipeGetsFinalTextsAlone() {
        var terminal = TerminalText(columns: 0)
        #expect(terminal.show(Self.text("and", id: 1, at: 0, isFinal: false)) == "")
        #expect(terminal.show(Self.text("and \u{1b}[31mso", id: 1, at: 0)) == "and  [31mso\n")
    }

    @Test func aTextIsTheSameBehindAnEdge() {
        var text = Self.text("so", id: 7, at: 1.25)
        text.isTimedOut = true
        text.stable = "so"
        #expect(Transcript(text.item) == text)
        let bare = DataItem(format: Transcript.format, ["text": "a", "start_s": 2, "end_s": 1])
        #expect(Transcript(bare).map { [$0.start, $0.end] } == [2, 2])
        #expect(Transcript(DataItem(format: Transcript.format, ["text": "a", "start_s": 1e300, "end_s": 1])) == nil)
        #expect(Transcript(DataItem(format: Transcript.format, ["start_s": 1, "end_s": 1])) == nil)
    }

    @Test func aPathWithoutAWritableDirectoryIsRefused() {
        #expect { try NodeHarness(TextOutput.self, parameters: ["path": "/nowhere/a.vtt"]) } throws: {
            "\($0)".contains("cannot write \"/nowhere/a.vtt\"")
        }
        #expect { try NodeHarness(TextOutput.self, parameters: ["path": ""]) } throws: {
            "\($0)".contains("Name a file")
        }
    }
}
