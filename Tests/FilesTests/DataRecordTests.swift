import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite struct DataRecordTests {
    private func record(_ path: String, unconnected: Set<String> = ["audio", "video"]) throws -> NodeHarness<Record> {
        try NodeHarness(Record.self, parameters: ["path": .string(path)], unconnected: unconnected)
    }

    @Test func dataBecomeJSONLinesWithTimeDurationEpochSchemaAndFields() throws {
        let folder = try Folder()
        let record = try record(folder.path("words.jsonl"))
        let format = MediaFormat(data: DataSchema("transcript"))
        let spoken = DataItem(
            format: format, at: .milliseconds(1_500), lasting: .milliseconds(250),
            ["text": "a \"b\"\nc", "words": [["w": "a", "p": 0.5]], "epoch": "bronze", "text": "last"])
        spoken.header.epoch = 3
        record.push([spoken, DataItem(format: format, at: MediaTime(1, timescale: 3), ["text": "é"])], into: "data")
        record.push(DataItem(format: MediaFormat(data: DataSchema("event")), [:]), into: "data")
        #expect(record.finish() == .finished)
        #expect(
            try String(decoding: folder.bytes("words.jsonl"), as: UTF8.self) == """
                {"t_s": 1.5, "duration_s": 0.25, "epoch": 3, "schema": "transcript", "words": [{"w": "a", "p": 0.5}], \
                "transcript.epoch": "bronze", "text": "last"}
                {"t_s": 0.333333, "schema": "transcript", "text": "é"}
                {"schema": "event"}

                """)
        #expect(record.events.contains { $0.what.contains("3 lines") })
    }

    @Test func whatCameIsInTheFileBeforeTheEnd() throws {
        let folder = try Folder()
        let record = try record(folder.path("a.jsonl"))
        record.push(TestMedia.statements(count: 40), into: "data")
        record.settle()
        let lines = try String(decoding: folder.bytes("a.jsonl"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 40)
        #expect(lines.last == #"{"t_s": 0.78, "schema": "test", "number": 39}"#)
    }

    @Test func nothingArrivesAndNoFileIsLeft() throws {
        let folder = try Folder()
        let record = try record(folder.path("a.jsonl"))
        #expect(record.finish() == .finished)
        #expect(record.events.contains { $0.what.contains("nothing arrived") })
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.jsonl")))
    }

    @Test func dataAndMediaDoNotShareAFile() throws {
        let folder = try Folder()
        let lines = message { try record(folder.path("a.jsonl"), unconnected: ["audio"]) }
        #expect(lines.contains("jsonl takes data alone; video is connected"), "\(lines)")
        #expect(lines.contains("a record of their own"), "\(lines)")
        let media = message { try record(folder.path("a.mkv"), unconnected: ["audio"]) }
        #expect(media.contains("mkv takes no data; data is connected"), "\(media)")
        #expect(media.contains("to a file ending in .jsonl"), "\(media)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).isEmpty)
    }

    @Test func aFullDiskIsSaidWithTheLinesThatAreWritten() throws {
        let record = try NodeHarness(
            Record.self, parameters: ["path": "/dev/full", "format": "jsonl"], unconnected: ["audio", "video"])
        record.push(TestMedia.statements(count: 2), into: "data")
        #expect(record.finish() == .failed)
        let said = "\(record.error.map { "\($0)" } ?? "")"
        #expect(said.contains("writing \"/dev/full\" failed after 0 lines: No space left on device"), "\(said)")
    }
}
