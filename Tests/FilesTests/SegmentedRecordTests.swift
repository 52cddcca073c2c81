import Foundation
import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import FilesPlugin

/// `record` with `segment_s`: files by time, what is in them, and which of them stay.
@Suite("Segments of a recording") struct SegmentedRecordTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func remux(_ from: String, to name: String, decode: Bool = false, _ extra: [String: ParameterValue])
        throws -> GraphHarness
    {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(from), "decode": .boolean(decode), "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(folder.path(name))].merging(extra) { $1 })
        graph.edge("source.video -> record.video", optional: true)
        graph.edge("source.audio -> record.audio", optional: true)
        return try GraphHarness(graph)
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(""))) ?? []).sorted()
    }

    private struct Stored: Decodable {
        struct All: Decodable { let packets: [Stored] }
        let time: String
        let flags: String
        let hash: String
        enum CodingKeys: String, CodingKey {
            case flags
            case time = "pts_time"
            case hash = "data_hash"
        }
    }

    /// The packets of a stream as ffprobe tells them.
    private func packets(_ path: String, _ stream: String) throws -> [Stored] {
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-select_streams", stream, "-show_data_hash", "md5", "-show_entries",
                "packet=pts_time,flags,data_hash", "-of", "json", path,
            ], feeding: [])
        return try JSONDecoder().decode(Stored.All.self, from: Data(told)).packets
    }

    /// An anonymous clip of 7 s with a keyframe each half a second.
    private func clip(_ name: String, _ words: [String]) throws -> String {
        let path = folder.path("in-" + name)
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=20:d=7", "-f", "lavfi", "-i",
                "sine=f=440:r=48000:d=7",
            ] + words + [path], feeding: [])
        return path
    }

    /// Source, its codecs in words of ffmpeg, and the file's ending.
    @Test(arguments: [
        ("webm", ["-c:v", "libvpx", "-g", "10", "-c:a", "libopus"]),
        ("mkv", ["-c:v", "libx264", "-preset", "fast", "-g", "10", "-c:a", "libopus"]),
        ("mp4", ["-c:v", "libx264", "-preset", "fast", "-g", "10", "-c:a", "aac"]),
        ("ts", ["-c:v", "libx264", "-preset", "fast", "-g", "10", "-c:a", "aac"]),
    ])
    func everyPacketIsInOneOfThemAndEachBeginsAtZeroWithAKeyframe(ending: String, words: [String]) throws {
        let clip = try clip("clip.mkv", words)
        let whole = try remux(clip, to: "whole.\(ending)", [:])
        #expect(whole.run() == .finished)
        let cut = try remux(clip, to: "part.\(ending)", ["segment_s": 2])
        #expect(cut.run() == .finished, "\(cut.events)")
        let names = ["part", "part.2", "part.3", "part.4"].map { folder.path("\($0).\(ending)") }
        #expect(files.filter { $0.hasPrefix("part") }.count == 4, "\(files)")
        for stream in ["v", "a"] {
            let expected = try packets(folder.path("whole.\(ending)"), stream).map(\.hash)
            let found = try names.flatMap { try packets($0, stream).map(\.hash) }
            #expect(found == expected, "\(stream): \(found.count) of \(expected.count)")
        }
        for (index, name) in names.enumerated() {
            let (video, audio) = (try packets(name, "v"), try packets(name, "a"))
            #expect(video[0].flags.hasPrefix("K"), "\(name): \(video[0])")
            let first = try #require(Double(video[0].time))
            let heard = try #require(Double(audio[0].time))
            // B-frames: a picture is shown up to two frames after it is decoded.
            #expect(first >= 0 && first <= 0.151 && heard >= -0.03 && heard < 0.16, "\(name): \(first), \(heard)")
            #expect(video.count == (index < 3 ? 40 : 20), "\(name): \(video.count) pictures")
        }
    }

    /// On a busy machine all pictures may be there before the first audio of a file.
    @Test(arguments: ["mp4", "mkv"]) func oneStreamThatComesLongBeforeTheOtherMakesNoMoreFiles(ending: String) throws {
        let clip = try clip("clip.mkv", ["-c:v", "libx264", "-preset", "fast", "-g", "10", "-c:a", "aac"])
        func items(_ port: String) throws -> [MediaItem] {
            let source = try NodeHarness(
                Source.self, parameters: ["open": .string(clip), "decode": false, "pace": "fast"],
                unconnected: [port == "video" ? "audio" : "video"])
            source.graph.run()
            return source.sink(port).received.map(\.item)
        }
        let (video, audio) = (try items("video"), try items("audio"))
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("part.\(ending)")), "segment_s": 2],
            announcing: ["video": video[0].format, "audio": audio[0].format], unconnected: ["data"],
            capacity: .init(items: 1_000, milliseconds: 60_000))
        record.push(video, into: "video")
        record.end("video")
        for packet in audio {
            record.push(packet, into: "audio")
            record.advance(by: .milliseconds(1))
        }
        #expect(record.finish() == .finished)
        #expect(files.filter { $0.hasPrefix("part") }.count == 4, "\(files)")
        for (stream, count) in [("v", video.count), ("a", audio.count)] {
            let names = files.filter { $0.hasPrefix("part") }
            let written = try names.reduce(0) { try $0 + packets(folder.path($1), stream).count }
            #expect(written == count, "\(stream): \(written) of \(count)")
        }
    }

    @Test func rawAudioInSegmentsOfAWavHasEverySample() throws {
        let cut = try remux(Clips.wav, to: "part.wav", decode: true, ["segment_s": 0.5])
        #expect(cut.run() == .finished, "\(cut.events)")
        func samples(_ path: String) throws -> [UInt8] {
            try FFmpeg.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "pipe:1"], feeding: [])
        }
        let parts = files.count
        #expect(parts == 6 || parts == 7, "\(files)")
        let all = try (1...parts).flatMap { try samples(folder.path($0 == 1 ? "part.wav" : "part.\($0).wav")) }
        #expect(try all == samples(Clips.wav))
    }

    @Test func aHoleBeforeASegmentOfAWavIsSilenceInTheOneBefore() throws {
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.wav")), "segment_s": 1],
            unconnected: ["video", "data"])
        for time in [0, 100, 200, 1_500, 1_600] as [Int64] {
            let frame = TestMedia.sine(samples: 4_800, count: 1)[0]
            frame.header.pts = .milliseconds(time)
            frame.header.dts = frame.header.pts
            record.push(frame, into: "audio")
        }
        #expect(record.finish() == .finished)
        #expect(try probe(folder.path("a.wav"), "format=duration").first.flatMap(Double.init) == 1.5)
        #expect(try probe(folder.path("a.2.wav"), "format=duration").first.flatMap(Double.init) == 0.2)
    }

    @Test func dataAreCutByTheirTimes() throws {
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.jsonl")), "segment_s": 0.25],
            unconnected: ["audio", "video"])
        record.push(TestMedia.statements(count: 40), into: "data")
        #expect(record.finish() == .finished)
        let lines = try ["a.jsonl", "a.2.jsonl", "a.3.jsonl", "a.4.jsonl"].map {
            try String(decoding: folder.bytes($0), as: UTF8.self).split(separator: "\n").count
        }
        #expect(lines.reduce(0, +) == 40 && lines.allSatisfy { $0 >= 1 && $0 <= 13 }, "\(lines)")
    }

    // MARK: Names

    @Test func namesHoldTheTimeAtWhichAFileBegins() throws {
        // The virtual clock begins with 1970.
        let record = try NodeHarness(
            Record.self,
            parameters: [
                "path": .string(folder.path("%Y-%m-%d/cam-%H%M%S.webm")), "segment_s": 1,
            ], unconnected: ["audio", "data"])
        record.advance(by: .milliseconds(3_000))
        for packet in try items(of: Clips.webm) {
            packet.header.flags.insert(.keyframe)
            record.push(packet, into: "video")
            record.settle()
            record.advance(by: .milliseconds(34))
        }
        #expect(record.finish() == .finished)
        let day = try #require(files.first)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(day)).sorted()
        #expect(day.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil, "\(day)")
        #expect(names.count == 3 && names.allSatisfy { $0.wholeMatch(of: /cam-\d{6}\.webm/) != nil }, "\(names)")
        let seconds = names.compactMap { Int($0.dropFirst(8).prefix(2)) }
        #expect(seconds == [seconds[0], seconds[0] + 1, seconds[0] + 2], "\(names)")
    }

    @Test func theSameNameAgainIsNumberedAndNeverReplaced() throws {
        let clip = try clip("a.webm", ["-c:v", "libvpx", "-g", "10", "-an"])
        let cut = try remux(clip, to: "cam-%Y.webm", ["segment_s": 3])
        #expect(cut.run() == .finished)
        #expect(files == ["cam-1970.2.webm", "cam-1970.3.webm", "cam-1970.webm", "in-a.webm"])
        #expect(try files.dropLast().map { try packets(folder.path($0), "v").count } == [60, 20, 60])
    }

    /// The microphone goes on where the camera has ended: a file of its own, and no scrap behind the last picture.
    @Test func audioBehindTheLastPictureBeginsNoFileUntilThereIsMuchOfIt() throws {
        let path = folder.path("in.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=20:d=2", "-f", "lavfi", "-i",
                "sine=f=440:r=48000:d=4.9", "-c:v", "libvpx", "-g", "20", "-c:a", "libopus", path,
            ], feeding: [])
        let cut = try remux(path, to: "part.webm", ["segment_s": 1])
        #expect(cut.run() == .finished)
        // Pictures at 0 to 1 and 1 to 2 s; audio goes on with the second until two lengths are over.
        #expect(
            try files.filter { $0.hasPrefix("part") }.map { try probe(folder.path($0)) } == [
                ["vp8", "opus"], ["opus"], ["opus"], ["vp8", "opus"],
            ], "\(files)")
    }

    @Test func anotherRunWritesNothingOver() throws {
        let clip = try clip("a.webm", ["-c:v", "libvpx", "-g", "10", "-an"])
        for _ in 1...2 { #expect(try remux(clip, to: "cam.webm", ["segment_s": 5]).run() == .finished) }
        #expect(files == ["cam.2.webm", "cam.3.webm", "cam.4.webm", "cam.webm", "in-a.webm"])
    }

    @Test func aPercentSignIsPartOfANameWithoutSegments() throws {
        #expect(try remux(Clips.webm, to: "50%off%03d.webm", [:]).run() == .finished)
        #expect(files == ["50%off%03d.webm"])
    }

    @Test(
        arguments: [
            (["segment_s": 1], "a-%03d.webm", "\"%0\" is no conversion that names of files take"),
            (["keep": 3], "a.webm", "keep says how many segments stay, and there are none"),
            (["keep_mb": 3], "a.webm", "keep_mb says how many segments stay, and there are none"),
            (["segment_s": 0.01], "a.webm", "segment_s is 0.01"),
            (["min_free_mb": 1_000_000_000], "a.webm", "are free for"),
        ] as [([String: ParameterValue], String, String)])
    func whatDoesNotGoTogetherIsRefused(_ extra: [String: ParameterValue], _ name: String, _ words: String) throws {
        let said = message { try remux(Clips.webm, to: name, extra) }
        #expect(said.contains(words), "\(said)")
        #expect(files.isEmpty, "\(files)")
    }

    // MARK: Bounds

    @Test func soManyStayAndOthersFilesAreLeftAlone() throws {
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path("part.0.webm")))
        let clip = try clip("a.webm", ["-c:v", "libvpx", "-g", "10", "-c:a", "libopus"])
        let cut = try remux(clip, to: "part.webm", ["segment_s": 1, "keep": 2])
        #expect(cut.run() == .finished)
        #expect(files == ["in-a.webm", "part.0.webm", "part.6.webm", "part.7.webm"], "\(files)")
        #expect(cut.report.contains(#""deleted_files": 5"#))
    }

    @Test func bytesOfAllTogetherAreBounded() throws {
        let clip = folder.path("in.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=10", "-vf",
                "noise=alls=90:allf=t",
                "-c:v", "ffv1", "-g", "10", "-an", clip,
            ], feeding: [])
        let size = try #require(probe(clip, "format=size").first.flatMap(Int.init))
        #expect(size > 3 << 20, "\(size)")
        let cut = try remux(clip, to: "part.mkv", ["segment_s": 1, "keep_mb": 3])
        #expect(cut.run() == .finished, "\(cut.events)")
        let kept = files.filter { $0.hasPrefix("part") }
        let bytes = try kept.map { try folder.bytes($0).count }.reduce(0, +)
        #expect(bytes <= 3 << 20 && kept.count > 1, "\(bytes) bytes in \(kept)")
        #expect(kept.contains("part.10.mkv") && !kept.contains("part.mkv"), "\(kept)")
    }

    @Test func aFileThatSomebodyHasPutInItsPlaceStays() throws {
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path("a.webm")), "segment_s": 0.5, "keep": 1],
            unconnected: ["audio", "data"])
        let packets = try items(of: Clips.webm)
        for packet in packets { packet.header.flags.insert(.keyframe) }
        record.push(packets.prefix(20), into: "video")
        record.settle()
        #expect(files == ["a.2.webm"])
        try FileManager.default.removeItem(atPath: folder.path("a.2.webm"))
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path("a.2.webm")))
        record.push(packets.dropFirst(20).prefix(20), into: "video")
        #expect(record.finish() == .finished)
        #expect(try folder.bytes("a.2.webm") == Array("mine".utf8))
    }

    // MARK: The disk

    @Test func aDiskThatIsNearlyFullEndsTheFileWholeAndIsSaid() throws {
        let free = Room(bytes: 1 << 30)
        let record = try record("a.mp4", ["min_free_mb": 100], free)
        let packets = try items(of: Clips.mp4)
        record.push(packets.prefix(45), into: "video")
        record.settle()
        free.bytes.withLock { $0 = 99 << 20 }
        record.advance(by: .milliseconds(600))
        record.push(packets[45], into: "video")
        record.settle()
        #expect(record.finish() == .failed)
        let said = "\(record.error!)"
        #expect(
            said.contains("only 103.8 MB are free for") && said.contains("and 104.9 MB are to stay free"), "\(said)")
        #expect(said.contains("the file is whole"), "\(said)")
        #expect(try numbers(in: folder.path("a.mp4")).count >= 45)
    }

    @Test func aRingMakesRoomByItsOldestFiles() throws {
        let free = Room(bytes: 1 << 30)
        let record = try record("a.webm", ["min_free_mb": 100, "segment_s": 0.5, "keep": 10], free)
        let packets = try items(of: Clips.webm)
        for packet in packets { packet.header.flags.insert(.keyframe) }
        record.push(packets.prefix(60), into: "video")
        record.settle()
        #expect(files.count == 4, "\(files)")
        free.bytes.withLock { $0 = 99 << 20 }
        free.gain.withLock { $0 = 1 << 20 }
        record.advance(by: .milliseconds(600))
        record.push(packets[60], into: "video")
        #expect(record.finish() == .finished, "\(record.error.map { "\($0)" } ?? "")")
        #expect(files == ["a.2.webm", "a.3.webm", "a.4.webm", "a.5.webm"], "\(files)")
    }

    /// A folder stands where the file of second 2 belongs, until the node was started anew often enough.
    @Test func whatItsPredecessorWroteCountsToo() throws {
        let registry = NodeRegistry()
        registry.provide(KeptFiles.self, scope: .session) { KeptFiles() }
        try FileManager.default.createDirectory(atPath: folder.path("a-02.webm"), withIntermediateDirectories: false)
        let record = try NodeHarness(
            Record.self,
            parameters: ["path": .string(folder.path("a-%S.webm")), "if_exists": "replace", "segment_s": 1, "keep": 2],
            unconnected: ["audio", "data"], restarts: true, registry: registry)
        let clip = try clip("clip.webm", ["-c:v", "libvpx", "-g", "10", "-an"])
        for (number, packet) in try items(of: clip).enumerated() {
            record.push(packet, into: "video")
            record.advance(by: .milliseconds(50))
            if number == 30 { #expect(files.filter { $0.hasPrefix("a-") } == ["a-00.webm", "a-01.webm", "a-02.webm"]) }
        }
        #expect(record.finish() == .finished, "\(record.events)")
        #expect(record.events.contains { "\($0)".contains("restarting") })
        let names = files.filter { $0.hasPrefix("a-") && $0 != "a-02.webm" }
        #expect(names.count == 2 && names[0] > "a-02.webm", "\(names)")
    }

    /// The room that a disk has: each look after the first one finds `gain` more.
    private final class Room: Sendable {
        let bytes: Mutex<Int64>
        let gain = Mutex<Int64>(0)
        init(bytes: Int64) { self.bytes = Mutex(bytes) }
    }

    private func record(_ name: String, _ extra: [String: ParameterValue], _ free: Room) throws
        -> NodeHarness<Record>
    {
        let registry = NodeRegistry()
        let space = DiskSpace { _ in
            let step = free.gain.withLock { $0 }
            return free.bytes.withLock { bytes in
                bytes += step
                return bytes - step
            }
        }
        registry.provide(DiskSpace.self) { space }
        return try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path(name))].merging(extra) { $1 },
            unconnected: ["audio", "data"], registry: registry)
    }

    private func items(of path: String) throws -> [MediaItem] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        return source.sink("video").received.map(\.item)
    }
}
