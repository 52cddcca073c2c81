import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// The inputs that source opens, and the tracks that it chooses.
@Suite("Tracks and inputs of source") struct SourceTracksTests {
    /// Three audio tracks of 1, 2 and 6 channels, in German, English and without a language.
    private func film(_ folder: Folder) throws -> String {
        let path = folder.path("film.mkv")
        let sine = ["-f", "lavfi", "-i", "sine=r=48000:d=1"]
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", Clips.webm] + sine
                + [
                    "-map", "0:v", "-map", "1", "-map", "1", "-map", "1", "-t", "1", "-c:v", "copy", "-c:a", "flac",
                    "-ac:a:0", "1", "-ac:a:1", "2", "-ac:a:2", "6", "-metadata:s:a:0", "language=ger",
                    "-metadata:s:a:1", "language=eng", "-metadata:s:a:1", "title=Commentary", path,
                ], feeding: [])
        return path
    }

    private func source(_ path: String, _ more: [String: ParameterValue] = [:]) throws -> NodeHarness<Source> {
        let all: [String: ParameterValue] = ["open": .string(path), "pace": "fast"]
        return try NodeHarness(Source.self, parameters: all.merging(more) { $1 })
    }

    @Test(arguments: [
        ("", 6), ("1", 1), ("2", 2), ("3", 6), ("deu", 1), ("ger", 1), ("DE", 1), ("en", 2), ("en-GB", 2),
    ])
    func anAudioTrackIsChosenByNumberOrLanguageAndSaid(name: String, channels: Int) throws {
        let folder = try Folder()
        let source = try source(film(folder), ["audio_track": .string(name)])
        #expect(source.graph.run() == .finished)
        let frame = try #require(source.sink("audio").received.first?.item as? AudioFrame)
        if !name.isEmpty { #expect(frame.format.audio?.channels == channels) }
        let said = source.events.filter { $0.what.contains("of 3 audio tracks takes") }
        #expect(said.count == 1 && said[0].what.contains("audio_track chooses"), "\(source.events.map(\.what))")
    }

    @Test(arguments: ["0", "4", "fra", "-1", "99999999999999999999"]) func oneThatIsNotThereNamesThoseThatAre(
        name: String
    ) throws {
        let folder = try Folder()
        let path = try film(folder)
        let said = message { try source(path, ["audio_track": .string(name)]) }
        #expect(said.contains("has no audio track \"\(name)\""), "\(said)")
        #expect(said.contains("1 (ger, flac 48000 Hz") && said.contains("\"Commentary\""), "\(said)")
        #expect(message { try source(path, ["video_track": "2"]) }.contains("has no video track \"2\""))
    }

    @Test(arguments: [
        ("srt://h:9000", "srt-input"), ("rtp://h:5004", "rtp-input"), ("https://h/a.mp4", "curl"),
        ("rtmp://h/live", "srt-input"), ("none.mp4", "\"pattern\""),
    ])
    func anAddressIsToldWhereItBelongs(path: String, words: String) {
        let said = message { try source(path) }
        #expect(said.contains("cannot open \"\(path)\"") && said.contains(words), "\(said)")
    }

    // MARK: Lists of segments

    private func list(_ folder: Folder, _ options: [String] = []) throws -> String {
        let path = folder.path("list.m3u8")
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", Clips.ts, "-c:v", "copy", "-c:a", "aac", "-f", "hls", "-hls_time", "1"]
                + ["-hls_list_size", "0"] + options + [path], feeding: [])
        return path
    }

    @Test(arguments: [
        [], ["-hls_segment_type", "fmp4"], ["-hls_flags", "single_file"],
        ["-hls_segment_type", "fmp4", "-hls_flags", "single_file"],
    ])
    func aListOfSegmentsPlaysAsOneFile(options: [String]) throws {
        let folder = try Folder()
        let source = try source(list(folder, options), ["decode": false, "loop": true, "duration_s": 5.5])
        #expect(source.graph.run() == .finished)
        let times = source.sink("video").received.map(\.item.header.pts.seconds).sorted()
        #expect(abs(times.count - 165) < 8)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 > 0.01 && $1 - $0 < 0.12 })
        #expect(source.events.allSatisfy { $0.level != .warning }, "\(source.events.map(\.what))")
    }

    @Test func aSegmentThatIsNotThereIsNamed() throws {
        let folder = try Folder()
        let path = try list(folder)
        try FileManager.default.removeItem(atPath: folder.path("list1.ts"))
        #expect(message { try source(path) }.contains("\"list1.ts\": No such file"))
        try FileManager.default.createSymbolicLink(atPath: folder.path("list1.ts"), withDestinationPath: Clips.ts)
        #expect(message { try source(path) }.contains("names \"list1.ts\""))
    }

    @Test(arguments: [
        ("/etc/passwd", "own folder"), ("../a.ts", "own folder"), ("a/../../a.ts", "own folder"),
        ("http://h/a.ts", "own folder"), (".ssh/a.ts", "own folder"), ("a//b.ts", "own folder"),
        ("passwd", "no segment"), ("key.pem", "no segment"), ("a\u{1b}[2J", "no segment"),
    ])
    func aListThatNamesOtherFilesIsRefused(name: String, words: String) {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n\(name)\n#EXT-X-ENDLIST\n"
        do throws(SegmentList.Fault) {
            _ = try SegmentList(text)
            Issue.record("\(name) was taken")
        } catch {
            guard case .refused(let why) = error else { return #expect(Bool(false), "\(error)") }
            #expect(why.contains(words) && !why.contains("\u{1b}"), "\(why)")
        }
    }

    @Test func listsAreRead() throws {
        let text = """
            #EXTM3U\r
            #EXT-X-MAP:URI="a/init.mp4",BYTERANGE="800@0"
            #EXT-X-KEY:METHOD=NONE
            #EXT-X-BYTERANGE:100@800
              a/all.mp4
            #EXT-X-BYTERANGE:200
            a/all.mp4
            #EXT-X-ENDLIST
            """
        let list = try SegmentList(text)
        #expect(list.isComplete && list.parts.map(\.name) == ["a/init.mp4", "a/all.mp4", "a/all.mp4"])
        #expect(list.parts.map(\.offset) == [0, 800, 900] && list.parts.map(\.length) == [800, 100, 200])
        for (text, fault) in [
            ("", SegmentList.Fault.notOne), ("#EXTM3U\n", .refused("names no segments")),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\na.ts\n", .refused("names encrypted segments")),
            (
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n",
                .refused("names other playlists: open one of those")
            ),
        ] { #expect(throws: fault) { _ = try SegmentList(text) } }
    }
}
