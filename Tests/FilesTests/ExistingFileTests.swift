import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("A file that is there already") struct ExistingFileTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func tone(to name: String, _ extra: [String: ParameterValue] = [:]) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": "tone", "pace": "fast", "duration_s": 0.1])
        graph.node("record", Record.self, ["path": .string(folder.path(name))].merging(extra) { $1 })
        graph.edge("source.audio -> record.audio")
        return try GraphHarness(graph)
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.url.appending(path: name))
    }

    private var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()) ?? []
    }

    // MARK: Files that go while they are written

    /// Half a second of a tone; `between` comes when a part of it is written.
    private func record(_ name: String, _ extra: [String: ParameterValue] = [:], between: () throws -> Void) throws
        -> NodeHarness<Record>
    {
        let source = try NodeHarness(
            Source.self, parameters: ["open": "tone", "pace": "fast", "duration_s": 0.5], unconnected: ["video"])
        source.graph.run()
        let tone = source.sink("audio").received.map(\.item)
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path(name))].merging(extra) { $1 },
            unconnected: ["video", "data"])
        record.push(tone.prefix(tone.count / 2), into: "audio")
        record.settle()
        try between()
        record.push(tone.suffix(from: tone.count / 2), into: "audio")
        return record
    }

    @Test func oneThatIsRemovedIsAnErrorAndNotWritten() throws {
        let record = try record("a.wav") { try FileManager.default.removeItem(atPath: folder.path("a.wav")) }
        #expect(record.finish() == .failed)
        let words = "\"\(folder.path("a.wav"))\" was removed while it was written: what was written is lost"
        #expect("\(record.error!)".contains(words))
        #expect(!record.events.contains { $0.what.hasPrefix("wrote ") })
        #expect(names.isEmpty)
    }

    @Test func aSegmentThatIsRemovedIsSaidAndTheNextOneGoesOn() throws {
        let record = try record("a.wav", ["segment_s": 0.3]) {
            try FileManager.default.removeItem(atPath: folder.path("a.wav"))
        }
        #expect(record.finish() == .finished, "\(record.events)")
        #expect(record.events.contains { $0.level == .warning && $0.what.contains("was removed while it was written") })
        #expect(names.count == 1)
    }

    @Test func oneThatIsMovedIsSaid() throws {
        let record = try record("a.wav") {
            try FileManager.default.moveItem(atPath: folder.path("a.wav"), toPath: folder.path("b.wav"))
        }
        #expect(record.finish() == .finished)
        let words = "\"\(folder.path("a.wav"))\" was moved while it was written: what is written is not there"
        #expect(record.events.contains { $0.level == .warning && $0.what == words })
        #expect(names == ["b.wav"])
    }

    // MARK: Names

    @Test func ofTheGraphItselfItIsReplaced() throws {
        try write("a.wav", "an older one")
        #expect(try tone(to: "a.wav").run() == .finished)
        #expect(names == ["a.wav"])
        #expect(try folder.bytes("a.wav").starts(with: Array("RIFF".utf8)))
    }

    @Test func itIsKeptAndTheNextOneIsNumbered() throws {
        for name in ["a.wav", "a.2.wav"] { try write(name, "an older one") }
        let harness = try tone(to: "a.wav", ["if_exists": "number"])
        #expect(harness.run() == .finished)
        #expect(names == ["a.2.wav", "a.3.wav", "a.wav"])
        #expect(try folder.bytes("a.wav") == Array("an older one".utf8))
        let (old, new) = (folder.path("a.wav"), folder.path("a.3.wav"))
        #expect(harness.events.contains { $0.what == "\"\(old)\" is kept: this goes into \"\(new)\"" })
    }

    @Test func itIsLeftAloneWhereTheGraphSaysFail() throws {
        try write("a.wav", "an older one")
        let said = message { try tone(to: "a.wav", ["if_exists": "fail"]) }
        #expect(said.contains("it is there already") && said.contains("choose another file"))
        #expect(try folder.bytes("a.wav") == Array("an older one".utf8))
    }

    @Test func anEmptyOneIsTaken() throws {
        try write("a.wav", "")
        #expect(try tone(to: "a.wav", ["if_exists": "number"]).run() == .finished)
        #expect(names == ["a.wav"])
    }

    /// Callers who choose one name, at once and one after the other.
    @Test func instancesOfATemplateLoseNothing() throws {
        let registry = NodeRegistry()
        registry.register(Source.self)
        registry.register(Record.self)
        let json = """
            {
              "nodes": { "idle": { "type": "test-source" }, "end": { "type": "test-sink" } },
              "edges": [ "idle -> end" ],
              "templates": { "caller": {
                "nodes": {
                  "source": { "type": "source", "open": "tone", "pace": "fast", "duration_s": 0.1 },
                  "tape": { "type": "record", "path": "\(folder.path("guest.wav"))" }
                },
                "edges": [ "source.audio -> tape.audio" ]
              } },
              "start": [ { "template": "caller", "count": 2 } ]
            }
            """
        for _ in 0..<2 {
            let harness = try GraphHarness(json: json, registry: registry)
            harness.settle()
            harness.advance(by: .seconds(1))
            harness.stop()
            harness.run()
        }
        #expect(names == ["guest.2.wav", "guest.3.wav", "guest.4.wav", "guest.wav"])
        for name in names { #expect(try folder.bytes(name).count > 19_000, "\(name)") }
    }

    @Test func aRestartedNodeGoesOnInAnother() throws {
        try write("a.2.wav", "an older one")
        let file = try WrittenFile.open(folder.path("a.wav"), ifExists: .number, part: 2)
        #expect(file.path == folder.path("a.3.wav"))
    }

    @Test(arguments: [
        ("a/b.c/tape", "a/b.c/tape.2"), ("a.b.webm", "a.b.2.webm"), ("dir/.hidden", "dir/.hidden.2"),
        (".x.ts", ".x.2.ts"),
    ])
    func theNumberStandsBeforeTheEnding(_ path: String, _ numbered: String) throws {
        let plain = folder.url.appending(path: path)
        try FileManager.default.createDirectory(
            at: plain.deletingLastPathComponent(), withIntermediateDirectories: true)
        try write(path, "an older one")
        #expect(try WrittenFile.open(plain.path, ifExists: .number).path == folder.path(numbered))
    }

    // MARK: One writer

    @Test func anotherProcessThatWritesItIsSaid() throws {
        let held = try WrittenFile.open(folder.path("a.webm"))
        #expect([UInt8](1...3).withUnsafeBytes { held.write($0) } == 0)
        let text = """
            { "nodes": { "s": { "type": "source", "open": "tone", "pace": "fast", "duration_s": 0.1 },
              "file": { "type": "NODE", "path": "a.webm" EXTRA } }, "edges": [ "s.audio -> file.PORT" ] }
            """
        func graph(_ type: String, _ port: String, _ extra: String = "") throws {
            let words = text.replacingOccurrences(of: "NODE", with: type).replacingOccurrences(of: "PORT", with: port)
            try write("graph.json", words.replacingOccurrences(of: "EXTRA", with: extra))
        }
        let wav = #", "format": "wav""#
        for (type, port, extra) in [("record", "audio", wav), ("raw-audio-output", "in", ""), ("bench-log", "in", "")] {
            try graph(type, port, extra)
            let run = try CommandRun(["run", "./graph.json"], in: folder.url)
            #expect(run.status == 2, "\(type): \(run.errors)")
            #expect(run.errors.contains("cannot write \"a.webm\": another process writes that file"), "\(run.errors)")
        }
        try graph("record", "audio", wav + #", "if_exists": "number""#)
        let run = try CommandRun(["run", "./graph.json"], in: folder.url)
        #expect(run.status == 0 && names.contains("a.2.webm"), "\(run.errors)")
        let report = try CommandRun(["run", "./graph.json", "--report", "a.webm"], in: folder.url)
        #expect(report.status == 2)
        #expect(report.errors.contains("--report a.webm: the file cannot be written: another process writes that file"))
        #expect(try folder.bytes("a.webm") == [1, 2, 3])
    }

    @Test func theLockEndsWithTheWriter() throws {
        let path = folder.path("a")
        var first: WrittenFile? = try WrittenFile.open(path)
        #expect(first?.begin() == 0)
        func refusal() -> String? {
            do {
                _ = try WrittenFile.open(path, isShared: true)
                return nil
            } catch { return error.reason }
        }
        #expect(refusal() == "another process writes that file")
        first = nil
        #expect(refusal() == nil)
    }

    /// A process that is started beside it has a copy of the descriptor until its `exec`.
    @Test(arguments: [true, false]) func theLockEndsThoughACopyOfItsDescriptorIsOpen(isClosed: Bool) throws {
        let path = folder.path("a")
        var first: WrittenFile? = try WrittenFile.open(path)
        #expect(first?.begin() == 0)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let copies = open.filter { name(ofDescriptor: $0) == path }.map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        if isClosed { #expect(first?.close() == 0) }
        first = nil
        #expect(throws: Never.self) { _ = try WrittenFile.open(path, isShared: true) }
    }

    private func name(ofDescriptor number: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
    }

    @Test func aLinkToNothingIsSaid() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a.wav"), withDestinationPath: folder.path("none/b.wav"))
        #expect(message { try tone(to: "a.wav") }.contains("it is a link to a file that is not there"))
    }
}
