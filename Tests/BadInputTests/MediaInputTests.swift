import Foundation
import TestSupport
import Testing

/// Media that are missing, damaged, something else, or never come.
@Suite(.realPeers, .timeLimit(.minutes(3))) struct MediaInputTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func record(_ input: String, _ more: String...) throws -> Ended {
        try Running(["run", "record", "--set", "input=\(input)", "--set", "output=out.webm"] + more, in: scratch).end()
    }

    private var place: String { "\(Built.root.path)/graphs/record.json:16:5: node \"source\" (source): " }

    @Test func whatIsNoMediaFileIsRefused() throws {
        try scratch.write("notes.txt", "These are notes.\n")
        try scratch.write("empty.mp4", "")
        let relative = "Give a media file, \"-\", \"pattern\" or \"tone\"; paths are relative to the working directory."
        try record("none.mp4").check(
            2, saysOnly: place + "cannot open \"none.mp4\": No such file or directory.\n  \(relative)")
        try record("/tmp").check(2, saysOnly: place + "cannot open \"/tmp\": it is a directory.\n  Give a media file.")
        try record("").check(
            2, saysOnly: place + "cannot open \"\": the path is empty.\n  Give a media file, \"pattern\" or \"tone\".")
        try record("empty.mp4").check(2, saysOnly: place + "cannot read \"empty.mp4\": it is empty.")
        try record("notes.txt").check(
            2,
            saysOnly: place
                + """
                "notes.txt" is no media file that libavformat knows: Invalid data found when processing input.
                  It may be truncated, or another kind of file. `ffprobe` tells more.
                """)
        try record("/dev/zero").check(1, says: "error: source: \"/dev/zero\" is no media file that libavformat knows")
        try record("/dev/null").check(1, says: "error: source: cannot read \"/dev/null\": its writer closed it")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("out.webm")))
    }

    @Test func aPathWithAZeroByteIsRefused() throws {
        let graph = try scratch.graph(
            [#""a": { "type": "source", "open": "clip\u0000.mp4" }"#, #""b": { "type": "null-sink" }"#],
            [#""a.audio -> b""#])
        try scratch.run(graph).check(2, says: "./graph.json:2:39: found \\u0000 in a string.")
    }

    /// The whole part of it is recorded; where there is none, the file is refused.
    @Test(arguments: Clips.all, [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99999])
    func aFileThatIsCut(_ name: String, _ share: Double) throws {
        let size = try Clips.size(name)
        let cut = try Clips.cut(name, to: Int(Double(size) * share), in: scratch)
        let run = try record(cut)
        guard run.status == 0 else {
            run.check(2, says: "node \"source\" (source): ")
            #expect(run.errors.contains("\"\(cut)\""))
            return
        }
        run.check(0, says: "wrote out.webm")
        #expect(try playable(scratch.path("out.webm")) >= 4 * share - 1)
        if name == "clip.mkv" && share < 0.7 {
            #expect(run.errors.contains("though its header tells 4.0"), "\(run.errors)")
        }
    }

    @Test func aFileWithoutAStreamThatAnEdgeWants() throws {
        let graph = try scratch.graph(
            [
                "\"a\": { \"type\": \"source\", \"open\": \"\(Clips.path("silent.mp4"))\", \"pace\": \"fast\" }",
                #""video": { "type": "null-sink" }"#, #""audio": { "type": "null-sink" }"#,
            ], [#""a.video -> video""#, #""a.audio -> audio""#])
        try scratch.run(graph).check(
            2,
            saysOnly: """
                ./graph.json:7:1: edge "a.audio -> audio.in": what a opened has no audio.
                  Choose another input, or write the edge as {"from": "a.audio", "to": "audio.in", "optional": true}.
                """)
        try record(Clips.path("silent.mp4")).check(
            0, says: "source: has no audio: edge \"source.audio -> audio.in\" left out")
        try record(Clips.path("clip.wav")).check(
            0, says: "source: has no video: edge \"source.video -> video.in\" left out")
        try Running(["run", "relay-audio", "--set", "input=\(Clips.path("silent.mp4"))"], in: scratch).end().check(
            2, says: "silent.mp4\" holds no audio.\n  Choose another input")
    }

    // MARK: FIFOs

    @Test func aFIFOWhoseWriterNeverComes() throws {
        scratch.fifo("pipe")
        try record("pipe", "--for", "500ms").check(
            1, says: "error: source: nobody wrote to \"pipe\" before the graph stopped\n  Start the writer first.")
    }

    @Test func aFIFOThatIsWaitedForIsLeftAtCtrlC() throws {
        scratch.fifo("pipe")
        let run = try Running(["run", "record", "--set", "input=pipe", "--set", "output=out.webm"], in: scratch)
        try run.wait(for: "has waited for a writer of \"pipe\"")
        run.signal(SIGINT)
        run.end().check(1, says: "nobody wrote to \"pipe\"")
    }

    @Test func aFIFOWhoseWriterDies() throws {
        scratch.fifo("pipe")
        let run = try Running(["run", "record", "--set", "input=pipe", "--set", "output=out.webm"], in: scratch)
        try run.wait(for: "has waited for a writer of \"pipe\"")
        let writer = try FileHandle(forWritingTo: URL(filePath: scratch.path("pipe")))
        let clip = try Data(contentsOf: URL(filePath: Clips.path("clip.ts")))
        try writer.write(contentsOf: clip.prefix(clip.count / 2))
        try writer.close()
        run.end().check(0, says: "wrote out.webm")
        #expect(try playable(scratch.path("out.webm")) > 1)
    }

    @Test(arguments: ["raw-audio-source", "raw-video-source"])
    func aRawSourceWhoseWriterNeverComesOrDies(_ type: String) throws {
        scratch.fifo("pipe")
        let size = type == "raw-video-source" ? #", "width": 16, "height": 16"# : ""
        let graph = try scratch.graph(
            ["\"a\": { \"type\": \"\(type)\", \"path\": \"pipe\"\(size) }", #""b": { "type": "null-sink" }"#],
            [#""a -> b""#])
        let never = try Running(["run", graph], in: scratch)
        try never.wait(for: "a has waited for a writer on pipe")
        never.signal(SIGTERM)
        never.end().check(0, says: "graph stopped after")
        let dies = try Running(["run", graph], in: scratch)
        try dies.wait(for: "a has waited for a writer on pipe")
        let writer = try FileHandle(forWritingTo: URL(filePath: scratch.path("pipe")))
        try writer.write(contentsOf: Data(repeating: 7, count: 5_001))
        try writer.close()
        dies.end().check(0, says: "the stream ended within a frame")
    }

    @Test func aRawSourceOfNothing() throws {
        let graph = try scratch.graph(
            [#""a": { "type": "raw-audio-source", "path": "none.pcm" }"#, #""b": { "type": "null-sink" }"#],
            [#""a -> b""#])
        try scratch.run(graph).check(
            2,
            saysOnly: """
                ./graph.json:2:1: node "a" (raw-audio-source): there is no none.pcm.
                  Name a file, or make a FIFO with mkfifo before the start.
                """)
    }
}
