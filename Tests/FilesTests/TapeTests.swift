import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// When `record` begins a file, when the next one goes on, and what containers are told of streams that describe
/// themselves in their packets alone.
@Suite("Files of a recording") struct TapeTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    // MARK: Media

    /// A file made by ffmpeg from pictures and a tone.
    private func clip(_ name: String, size: String = "64x48", seconds: Int = 2, _ arguments: [String]) throws -> String
    {
        let path = folder.path(name)
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=\(size):r=25:d=\(seconds)", "-f",
                "lavfi",
                "-i", "sine=f=440:r=48000:d=\(seconds)",
            ] + arguments + [path], feeding: [])
        return path
    }

    private func items(of path: String, _ port: String, decode: Bool = false) throws -> [MediaItem] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": .boolean(decode), "pace": "fast"],
            unconnected: [port == "video" ? "audio" : "video"])
        source.graph.run()
        return source.sink(port).received.map(\.item)
    }

    private func moved(_ items: [MediaItem], by seconds: Double) -> [MediaItem] {
        for item in items {
            item.header.pts = item.header.pts + .seconds(seconds)
            if item.header.dts.isKnown { item.header.dts = item.header.dts + .seconds(seconds) }
        }
        return items
    }

    private func record(_ name: String, unconnected: Set<String> = ["data"], _ extra: [String: ParameterValue] = [:])
        throws -> NodeHarness<Record>
    {
        try NodeHarness(
            Record.self, parameters: ["path": .string(folder.path(name))].merging(extra) { $1 },
            unconnected: unconnected)
    }

    private func remux(_ from: String, to name: String) throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(from), "decode": false, "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(folder.path(name))])
        graph.edge("source.video -> record.video", optional: true)
        graph.edge("source.audio -> record.audio", optional: true)
        return try GraphHarness(graph)
    }

    /// Presentation times that ffprobe finds in a stream, in s.
    private func times(_ name: String, _ stream: String) throws -> [Double] {
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of",
                "default=nw=1:nk=1", folder.path(name),
            ], feeding: [])
        return String(decoding: told, as: UTF8.self).split(separator: "\n").compactMap { Double($0) }
    }

    private func decodes(_ name: String) throws -> String {
        let result = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", folder.path(name), "-f", "framehash", "pipe:1"], feeding: [])
        return String(decoding: result, as: UTF8.self)
    }

    // MARK: The beginning

    @Test func aStreamWhoseFormatIsKnownIsInTheFileHoweverLateItBegins() throws {
        let late = folder.path("late.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=8", "-itsoffset", "6",
                "-f",
                "lavfi", "-i", "sine=f=440:r=48000:d=2", "-c:v", "libvpx", "-c:a", "libopus", late,
            ], feeding: [])
        #expect(try remux(late, to: "out.webm").run() == .finished)
        #expect(try times("out.webm", "v").count == 200)
        let audio = try times("out.webm", "a")
        #expect(audio.count >= 95 && abs(audio[0] - 6) < 0.05, "\(audio.count) from \(audio.prefix(2))")
    }

    @Test func aFormatThatIsNotKnownIsWaitedForAndNothingOfTheOthersIsLost() throws {
        let record = try record("a.webm")
        record.push(try items(of: Clips.webm, "video"), into: "video")
        record.settle()
        record.advance(by: .milliseconds(14_000))
        #expect(try folder.bytes("a.webm").isEmpty)
        record.push(try items(of: Clips.webm, "audio"), into: "audio")
        #expect(record.finish() == .finished)
        #expect(try probe(folder.path("a.webm")) == ["vp8", "opus"])
        #expect(try numbers(in: folder.path("a.webm")) == Array(0..<90))
    }

    @Test func aStreamThatComesAfterThatIsInTheNextFileFromAKeyframeOn() throws {
        let record = try record("a.webm", ["begin_wait_ms": 1_000])
        let video = try items(of: Clips.webm, "video")
        record.push(video.prefix(10), into: "video")
        record.settle()
        record.advance(by: .milliseconds(1_000))
        #expect(record.events.contains { $0.what.contains("audio sent nothing for 1000 ms") })
        record.push(try items(of: Clips.webm, "audio").suffix(60), into: "audio")
        record.push(video.dropFirst(10), into: "video")
        #expect(record.finish() == .finished)
        #expect(record.events.contains { $0.what.contains("audio came late: \"\(folder.path("a.webm"))\" ends") })
        let (first, second) = (
            try numbers(in: folder.path("a.webm")), try numbers(in: folder.path("a.2.webm"))
        )
        #expect(first + second == Array(0..<90))
        #expect(!first.isEmpty && !second.isEmpty)
        #expect(try probe(folder.path("a.webm")) == ["vp8"])
        #expect(try probe(folder.path("a.2.webm")) == ["vp8", "opus"])
        #expect(try times("a.2.webm", "a").count == 60)
    }

    // MARK: Formats that change

    @Test func vp8OfAnotherSizeGoesOnInTheFile() throws {
        let small = try items(of: clip("s.webm", ["-an", "-c:v", "libvpx"]), "video")
        let large = try items(of: clip("l.webm", size: "96x64", ["-an", "-c:v", "libvpx"]), "video")
        let record = try record("a.webm", unconnected: ["audio", "data"])
        record.push(small, into: "video")
        record.push(moved(large, by: 2), into: "video")
        #expect(record.finish() == .finished)
        #expect(try times("a.webm", "v").count == 100)
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.2.webm")))
    }

    @Test func h264OfAnotherSizeGoesOnInTheNextFileWithItsAudio() throws {
        let words = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"]
        let record = try record("a.mp4")
        for (index, size) in ["64x48", "96x64"].enumerated() {
            let path = try clip("\(index).ts", size: size, words)
            for port in ["video", "audio"] {
                record.push(moved(try items(of: path, port), by: Double(index) * 2.1), into: port)
            }
        }
        #expect(record.finish() == .finished, "\(record.events)")
        #expect(record.events.contains { $0.what.contains("video changed from video h264 64x48") })
        #expect(try times("a.mp4", "v").count == 50)
        #expect(try times("a.2.mp4", "v").count == 50)
        let audio = try times("a.mp4", "a").count + times("a.2.mp4", "a").count
        #expect(audio >= 186, "\(audio)")
        #expect(try probe(folder.path("a.2.mp4"), "stream=width,height").first == "96,64")
    }

    /// A caller that comes back with other codecs.
    @Test(arguments: ["mkv", "ts"]) func whereBothFormatsChangeTheNextFileHasBoth(ending: String) throws {
        let record = try record("a.\(ending)")
        for (index, words) in [["libx264", "aac"], ["mpeg2video", "mp2"]].enumerated() {
            let path = try clip("\(index).ts", ["-c:v", words[0], "-g", "25", "-c:a", words[1]])
            for port in ["video", "audio"] {
                record.push(moved(try items(of: path, port), by: Double(index) * 2.1), into: port)
            }
        }
        #expect(record.finish() == .finished, "\(record.events)")
        #expect(try probe(folder.path("a.\(ending)")) == ["h264", "aac"])
        // ffprobe writes a comma behind a stream of MPEG-2.
        let second = try probe(folder.path("a.2.\(ending)")).map { $0.replacing(",", with: "") }
        #expect(second == ["mpeg2video", "mp2"], "\(second) \(record.events.map(\.what))")
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.3.\(ending)")))
        #expect(try times("a.2.\(ending)", "v").count == 50)
        #expect(try times("a.2.\(ending)", "a").count >= 80)
    }

    @Test func aStreamThatIsSilentWhenTheOtherChangesIsWaitedForTwoSecondsAlone() throws {
        let words = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"]
        let (small, large) = (try clip("s.ts", words), try clip("l.ts", size: "96x64", words))
        let record = try record("a.mkv")
        for port in ["video", "audio"] { record.push(try items(of: small, port), into: port) }
        record.push(moved(try items(of: large, "video"), by: 2.1), into: "video")
        for _ in 0..<2 {
            record.settle()
            #expect(!FileManager.default.fileExists(atPath: folder.path("a.2.mkv")))
            record.advance(by: .milliseconds(1_900))
        }
        record.advance(by: .milliseconds(400))
        #expect(FileManager.default.fileExists(atPath: folder.path("a.2.mkv")))
        #expect(record.finish() == .finished, "\(record.events)")
        #expect(try probe(folder.path("a.2.mkv")) == ["h264", "aac"])
        #expect(try times("a.2.mkv", "v").count == 50)
    }

    @Test func aPipeHasNoNextFile() throws {
        let fifo = folder.path("pipe.mkv")
        mkfifo(fifo, 0o600)
        let reader = open(fifo, O_RDWR | O_NONBLOCK)
        defer { close(reader) }
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(fifo)], unconnected: ["audio", "data"])
        record.push(try items(of: Clips.webm, "video").prefix(5), into: "video")
        record.push(try items(of: Clips.mp4, "video").prefix(1), into: "video")
        #expect(record.finish() == .failed)
        #expect("\(record.error!)".contains("video changed from video vp8 320x180 30/s to video h264 320x180 30/s"))
    }

    // MARK: Configuration that only packets carry

    /// The codec, then the words for ffmpeg, the file that it makes, the one that is recorded, and what ffprobe calls
    /// the stream there.
    @Test(arguments: [
        (["-an", "-c:v", "libx265", "-x265-params", "log-level=none"], "ts", "mp4", "hevc,hvc1"),
        (["-an", "-c:v", "libx265", "-x265-params", "log-level=none"], "ts", "mkv", "hevc,[0][0][0][0]"),
        (["-an", "-c:v", "libx264"], "ts", "mp4", "h264,avc1"),
        (["-vn", "-c:a", "aac"], "ts", "mp4", "aac,mp4a"),
        (["-vn", "-c:a", "aac"], "ts", "mkv", "aac,[0][0][0][0]"),
        (["-vn", "-c:a", "ac3"], "mkv", "mp4", "ac3,ac-3"),
        (["-vn", "-c:a", "pcm_mulaw", "-ar", "8000"], "mkv", "mkv", "pcm_mulaw,[7][0][0][0]"),
    ]) func isInTheHeader(words: [String], from: String, to: String, tag: String) throws {
        let path = folder.path("in.\(from)")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=2", "-f", "lavfi", "-i",
                "sine=f=440:r=48000:d=2",
            ] + words + [path], feeding: [])
        let harness = try remux(path, to: "out.\(to)")
        #expect(harness.run() == .finished, "\(harness.events)")
        #expect(try probe(folder.path("out.\(to)"), "stream=codec_name,codec_tag_string").first?.hasPrefix(tag) == true)
        let count = try decodes("out.\(to)").split(separator: "\n").count { !$0.hasPrefix("#") }
        #expect(count >= 40, "\(count) pictures or frames decode")
    }

    /// Television that is shown as 16:9 has pixels of 64:45.
    @Test(arguments: [("libx264", "mkv"), ("libx264", "mp4"), ("libvpx", "webm")])
    func theShapeOfPixelsIsKept(codec: String, ending: String) throws {
        let path = try clip("in.mkv", size: "720x576", seconds: 1, ["-vf", "setsar=64/45", "-an", "-c:v", codec])
        #expect(try remux(path, to: "out.\(ending)").run() == .finished)
        #expect(try probe(folder.path("out.\(ending)"), "stream=sample_aspect_ratio").first == "64:45")
    }

    // MARK: Times

    /// At one picture a second B-frames are decoded two seconds before they are shown.
    @Test(arguments: ["mkv", "mp4"]) func picturesOfOneASecondBeginWithTheFile(ending: String) throws {
        let clip = try clip(
            "in.mp4", seconds: 6, ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-r", "1", "-bf", "2"])
        let harness = try remux(clip, to: "slow.\(ending)")
        #expect(harness.run() == .finished)
        let found = try times("slow.\(ending)", "v").sorted()
        #expect(found.count >= 6 && found == found.indices.map(Double.init), "\(found)")
    }

    /// Pictures with B-frames begin two of them after their decoding, the audio 57 ms after the video.
    @Test func mp4KeepsTheOffsetBetweenItsTracks() throws {
        let path = folder.path("offset.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=2", "-itsoffset", "0.057",
                "-f", "lavfi", "-i", "sine=f=440:r=48000:d=2", "-c:v", "libx264", "-bf", "2", "-c:a", "libopus",
                "-max_interleave_delta", "0", path,
            ], feeding: [])
        #expect(try remux(path, to: "out.mp4").run() == .finished)
        func offset(_ name: String) throws -> Double { try times(name, "a")[0] - times(name, "v").min()! }
        let (wanted, found) = (try offset("offset.mkv"), try offset("out.mp4"))
        #expect(abs(wanted - found) < 0.002, "\(wanted) s became \(found) s")
    }

    /// Encoders begin before 0 by their delay, and a WAV file has no times to say so.
    @Test func aWavBeginsWithTheSampleOfTimeZero() throws {
        let frames = try items(of: Clips.wav, "audio", decode: true).compactMap { $0 as? AudioFrame }
        let whole = frames.reduce(0) { $0 + $1.sampleCount }
        let record = try record("early.wav", unconnected: ["video", "data"])
        record.push(moved(frames, by: -0.15), into: "audio")
        #expect(record.finish() == .finished)
        let rate = frames[0].layout.rate
        let bytes = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", folder.path("early.wav"), "-f", "s16le", "pipe:1"], feeding: [])
        let wanted = try FFmpeg.run(["ffmpeg", "-v", "error", "-i", Clips.wav, "-f", "s16le", "pipe:1"], feeding: [])
        #expect(bytes.count / frames[0].layout.bytesPerSample == whole - rate * 15 / 100)
        #expect(bytes.elementsEqual(wanted.suffix(bytes.count)))
    }

    @Test func aHoleInAWavIsSilenceAndIsSaid() throws {
        let frames = try items(of: Clips.wav, "audio", decode: true).compactMap { $0 as? AudioFrame }
        let record = try record("a.wav", unconnected: ["video", "data"])
        for frame in frames where !(1.0..<2).contains(frame.header.pts.seconds) { record.push(frame, into: "audio") }
        #expect(record.finish() == .finished)
        let seconds = try Double(probe(folder.path("a.wav"), "format=duration").first ?? "") ?? 0
        #expect(abs(seconds - 3) < 0.05, "\(seconds) s")
        #expect(record.events.contains { $0.what.contains("s of silence where audio was missing") })
        #expect(abs(record.context.counter("silence_ms").count - 1_000) <= 45)
    }

    /// Sizes of 32 bits end at 4 GiB: the header has room for those of RF64.
    @Test func aWavHasRoomForLargeSizes() throws {
        let record = try record("a.wav", unconnected: ["video", "data"])
        record.push(try items(of: Clips.wav, "audio", decode: true), into: "audio")
        #expect(record.finish() == .finished)
        let head = try folder.bytes("a.wav").prefix(20)
        #expect(Array(head.prefix(4)) == Array("RIFF".utf8) && Array(head.suffix(8).prefix(4)) == Array("JUNK".utf8))
    }
}
