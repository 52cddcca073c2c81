import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("source and bad input") struct BadInputTests {
    private func open(_ path: String) throws -> NodeHarness<Source> {
        try NodeHarness(Source.self, parameters: ["open": .string(path), "pace": "fast"])
    }

    @Test func whatIsNoMediaFileIsNamed() throws {
        let folder = try Folder()
        try Data("not media at all\n".utf8).write(to: folder.url.appending(path: "notes.txt"))
        try Data().write(to: folder.url.appending(path: "empty.mp4"))
        try Data([UInt8](repeating: 0xa5, count: 100_000)).write(to: folder.url.appending(path: "noise.webm"))
        let mp4 = try Data(contentsOf: URL(filePath: Clips.mp4))
        try mp4.prefix(mp4.count / 2).write(to: folder.url.appending(path: "half.mp4"))
        for (path, words) in [
            (folder.path("none.mp4"), "No such file or directory"), (folder.path("."), "it is a directory"),
            (folder.path("empty.mp4"), "it is empty"), (folder.path("notes.txt"), "is no media file"),
            (folder.path("noise.webm"), "is no media file"), (folder.path("half.mp4"), "is no media file"),
            ("", "the path is empty"), ("/dev/null/x", "Not a directory"), ("a\0b", "zero byte"),
        ] {
            let said = message { try open(path) }
            #expect(said.contains(words), "\(path): \(said)")
        }
    }

    @Test func aTruncatedFilePlaysAsFarAsItGoesAndSaysSo() throws {
        let folder = try Folder()
        let webm = try Data(contentsOf: URL(filePath: Clips.webm))
        try webm.prefix(webm.count / 3).write(to: folder.url.appending(path: "third.webm"))
        let source = try open(folder.path("third.webm"))
        #expect(source.graph.run() == .finished)
        #expect(source.sink("video").received.count > 5)
        #expect(source.events.contains { $0.level == .warning && $0.what.contains("truncated") })
    }

    /// The header tells how long the file is, not the one stream of it that is played.
    @Test(arguments: ["mkv", "mp4", "ts"]) func aStreamThatIsShorterThanItsFileIsNotTruncated(ending: String) throws {
        let folder = try Folder()
        let path = folder.path("clip.\(ending)")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=4", "-f", "lavfi", "-i",
                "sine=d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", path,
            ], feeding: [])
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"], unconnected: ["video"])
        #expect(source.graph.run() == .finished)
        #expect(source.sink("audio").received.count > 20)
        #expect(!source.events.contains { $0.level == .warning }, "\(source.events.map(\.what))")
    }

    /// A recording that was cut out of a longer one keeps its times, and the duration in its header is their end.
    @Test func aFileThatBeginsLateIsNotTruncated() throws {
        let folder = try Folder()
        let path = folder.path("late.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", Clips.mkv, "-c", "copy", "-output_ts_offset", "10800", path,
            ], feeding: [])
        let source = try open(path)
        #expect(source.graph.run() == .finished)
        #expect(source.sink("video").received.count == 90)
        #expect(!source.events.contains { $0.level == .warning }, "\(source.events.map(\.what))")
        // And still: a third of it is missing.
        let bytes = try Data(contentsOf: URL(filePath: path))
        try bytes.prefix(bytes.count / 3).write(to: folder.url.appending(path: "third.mkv"))
        let third = try open(folder.path("third.mkv"))
        #expect(third.graph.run() == .finished)
        #expect(third.events.contains { $0.level == .warning && $0.what.contains("truncated") })
    }

    /// libavformat takes the samples that are there for all of them.
    @Test(arguments: ["wav", "w64", "caf", "aiff", "au"]) func samplesThatWereCutAreSaid(ending: String) throws {
        let folder = try Folder()
        let path = folder.path("whole.\(ending)")
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=r=44100:d=4", path], feeding: [])
        let bytes = try Data(contentsOf: URL(filePath: path))
        for (count, isCut) in [(bytes.count, false), (200_078, true)] {
            try bytes.prefix(count).write(to: folder.url.appending(path: "a.\(ending)"))
            let source = try NodeHarness(
                Source.self, parameters: ["open": .string(folder.path("a.\(ending)")), "pace": "fast"],
                unconnected: ["video"])
            #expect(source.graph.run() == .finished)
            let said = source.events.filter { $0.level == .warning }.map(\.what)
            #expect(said.contains { $0.hasSuffix("it is truncated") } == isCut, "\(count): \(said)")
            #expect(said.count == (isCut ? 1 : 0))
        }
    }

    @Test(arguments: [1, 500, 700_000]) func aSampleRateThatNoRecordingHasIsSaid(rate: Int) throws {
        let folder = try Folder()
        let path = folder.path("a.wav")
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", path], feeding: [])
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
        withUnsafeBytes(of: UInt32(rate).littleEndian) { bytes.replaceSubrange(24..<28, with: $0) }
        try Data(bytes).write(to: URL(filePath: path))
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"], unconnected: ["video"])
        let said = source.events.filter { $0.level == .warning }.map(\.what)
        #expect(said.contains { $0.contains("tells a sample rate of \(rate) Hz, which no recording has") }, "\(said)")
    }

    @Test(arguments: ["jpg", "png", "bmp", "webp", "tiff", "gif"]) func aPictureIsOnePicture(ending: String) throws {
        let folder = try Folder()
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", "1",
                folder.path("a.\(ending)"),
            ],
            feeding: [])
        let source = try open(folder.path("a.\(ending)"))
        #expect(source.graph.run() == .finished, "\(source.error.map { "\($0)" } ?? "")")
        #expect(source.sink("video").received.count == 1)
    }

    @Test func damageIsCountedAndSaidOnce() throws {
        let folder = try Folder()
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: Clips.ts)))
        var dice = Dice(seed: 7)
        for _ in 0..<200 { bytes[Int.random(in: bytes.count / 4..<bytes.count, using: &dice)] = 0xff }
        try Data(bytes).write(to: folder.url.appending(path: "damaged.ts"))
        let source = try open(folder.path("damaged.ts"))
        #expect(source.graph.run() == .finished)
        #expect(source.sink("video").received.count > 30)
        #expect(source.events.filter { $0.what.contains("damaged video") }.count <= 1)
    }

    @Test(arguments: 0..<60) func noFileCrashesIt(_ seed: Int) throws {
        let folder = try Folder()
        var dice = Dice(seed: UInt64(seed))
        let original = [Clips.webm, Clips.mp4, Clips.ts, Clips.mkv, Clips.wav][seed % 5]
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: original)))
        for _ in 0..<Int.random(in: 1...300, using: &dice) {
            // Headers more often than media.
            let end = Bool.random(using: &dice) ? min(bytes.count, 2_000) : bytes.count
            bytes[Int.random(in: 0..<end, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
        }
        let path = folder.path("mutated")
        try Data(bytes).write(to: URL(filePath: path))
        guard let source = try? open(path) else { return }
        source.graph.run()
        #expect(source.isOver)
    }

    // MARK: FIFOs, in real time

    private func run(_ path: String, _ during: @escaping @Sendable (GraphRun) -> Void) throws -> (
        RunOutcome, String
    ) {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(path), "pace": "fast"])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> sink.in")
        let run = GraphRun(graph.plan, registry: graph.registry)
        Thread.detachNewThread { during(run) }
        return (try run.execute(), run.report)
    }

    @Test func aFIFOWhoseWriterNeverComesEndsWithTheGraph() throws {
        let folder = try Folder()
        mkfifo(folder.path("fifo"), 0o600)
        let (outcome, report) = try run(folder.path("fifo")) { $0.stop() }
        #expect(outcome == .failed)
        #expect(report.contains("nobody wrote to"))
    }

    /// Phones and most programs write it so. A pipe does not go back to the media.
    @Test func anMP4WhoseIndexStandsAtItsEndIsRefusedOnAPipe() throws {
        let folder = try Folder()
        mkfifo(folder.path("fifo"), 0o600)
        let path = folder.path("fifo")
        let clip = folder.path("end.mp4")
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-i", Clips.mp4, "-c", "copy", clip], feeding: [])
        let whole = try Data(contentsOf: URL(filePath: clip))
        let (outcome, report) = try run(path) { _ in
            try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: whole)
        }
        #expect(outcome == .failed)
        #expect(report.contains("is an mp4 or mov file whose index stands at its end"), "\(report)")
        #expect(report.contains("-movflags +faststart"))
    }

    @Test func aFIFOWhoseWriterDiesEndsThere() throws {
        let folder = try Folder()
        mkfifo(folder.path("fifo"), 0o600)
        let path = folder.path("fifo")
        let whole = try Data(contentsOf: URL(filePath: Clips.ts))
        let (outcome, report) = try run(path) { _ in
            try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: whole.prefix(whole.count / 2))
        }
        #expect(outcome == .finished)
        #expect(report.contains("\"outcome\": \"finished\""))
        let (second, told) = try run(path) { _ in
            try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: Data("hello".utf8))
        }
        #expect(second == .failed)
        #expect(told.contains("is no media file"))
    }
}
