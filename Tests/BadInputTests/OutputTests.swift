import Foundation
import TestSupport
import Testing

/// Recordings that are cut off: by a full disk, a limit, a signal, the end of the process.
@Suite(.realPeers, .timeLimit(.minutes(3))) struct OutputTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    static let containers = ["webm", "mkv", "ts", "mp4", "wav"]

    /// Pattern and tone into `path`; wav holds the tone alone.
    private func recording(
        _ kind: String, to path: String, pace: String, seconds: Double = 0, more: String = ""
    ) throws -> String {
        let source =
            "\"s\": { \"type\": \"source\", \"open\": \"pattern\", \"width\": 320, \"height\": 180, \"pace\": \"\(pace)\", \"duration_s\": \(seconds) }"
        let file = "\"f\": { \"type\": \"record\", \"path\": \"\(path)\", \"format\": \"\(kind)\"\(more) }"
        guard kind != "wav" else { return try scratch.graph([source, file], [#""s.audio -> f.audio""#]) }
        let encoder = kind == "webm" ? "vp8-encoder" : "h264-encoder"
        return try scratch.graph(
            [source, "\"v\": { \"type\": \"\(encoder)\" }", #""o": { "type": "opus-encoder" }"#, file],
            [#""s.video -> v -> f.video""#, #""s.audio -> o -> f.audio""#])
    }

    // MARK: No room

    @Test(arguments: containers) func aFileAtItsLimitStaysPlayable(_ kind: String) throws {
        let graph = try recording(kind, to: "out.\(kind)", pace: "fast", seconds: 60)
        // bash counts blocks of 1,024 bytes.
        let run = try scratch.run(graph, shell: "ulimit -f 800")
        run.check(1, says: "error: f: writing \"out.\(kind)\" failed after ")
        #expect(run.errors.contains(": File too large\n  The file stays playable as far as it was written."))
        #expect(try playable(scratch.path("out.\(kind)")) > 0.5)
    }

    @Test func aRecordingThatIsRestartedGoesOnInAnotherFile() throws {
        let graph = try scratch.graph(
            [
                #""s": { "type": "source", "open": "tone", "pace": "fast", "duration_s": 8 }"#,
                #""f": { "type": "record", "path": "out.wav", "on_error": "restart" }"#,
            ], [#""s.audio -> f.audio""#])
        // 8 s are 1.5 MB.
        try scratch.run(graph, shell: "ulimit -f 800").check(
            0, says: "warning: f: restarting in 0.1 s (1 of 5 in a minute): writing \"out.wav\" failed after ")
        #expect(try playable(scratch.path("out.wav")) > 3.9)
        #expect(try playable(scratch.path("out.2.wav")) > 3)
    }

    /// A file system of its own needs root; the limit above goes the same way through the node.
    @Test(.enabled(if: getuid() == 0), arguments: containers)
    func aFullDiskLeavesWhatWasWritten(_ kind: String) throws {
        try FileManager.default.createDirectory(atPath: scratch.path("small"), withIntermediateDirectories: false)
        guard shell("mount -t tmpfs -o size=800k tmpfs '\(scratch.path("small"))'") == 0 else { return }
        defer { _ = shell("umount '\(scratch.path("small"))'") }
        let graph = try recording(
            kind, to: "small/out.\(kind)", pace: "fast", seconds: 60, more: ", \"min_free_mb\": 0")
        let run = try scratch.run(graph)
        run.check(
            1, says: "No space left on device\n  Free some space. The file stays playable as far as it was written.")
        #expect(try playable(scratch.path("small/out.\(kind)")) > 0.5)
    }

    /// Unless the graph says otherwise some of the room is left, so that the file can end as it should.
    @Test(.enabled(if: getuid() == 0)) func onASmallDiskAFileEndsWhole() throws {
        try FileManager.default.createDirectory(atPath: scratch.path("small"), withIntermediateDirectories: false)
        guard shell("mount -t tmpfs -o size=3m tmpfs '\(scratch.path("small"))'") == 0 else { return }
        defer { _ = shell("umount '\(scratch.path("small"))'") }
        let run = try scratch.run(try recording("wav", to: "small/out.wav", pace: "fast", seconds: 60))
        run.check(1, says: "196 kB are to stay free: the file is whole, and ends\n  Make room")
        #expect(try playable(scratch.path("small/out.wav")) > 10)
    }

    @Test(arguments: ["bench-log", "bench-dump"], [10, 10_000])
    func aBenchFileThatCannotBeWrittenIsTheErrorOfItsNode(_ type: String, _ frames: Int) throws {
        let graph = try scratch.graph(
            [
                "\"s\": { \"type\": \"bench-source\", \"frames\": \(frames) }", #""o": { "type": "opus-encoder" }"#,
                "\"f\": { \"type\": \"\(type)\", \"path\": \"/dev/full\" }",
            ], [#""s -> o -> f""#])
        try scratch.run(graph).check(1, says: "error: f: /dev/full cannot be written to: No space left on device")
    }

    private func shell(_ script: String) -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test func aDeviceThatIsFull() throws {
        let graph = try recording("wav", to: "/dev/full", pace: "fast", seconds: 1)
        let run = try scratch.run(graph, "--report", "report.json")
        run.check(
            1,
            says: """
                error: f: writing "/dev/full" failed after 0 bytes: No space left on device
                  Free some space.
                graph failed after
                """)
        let report = String(decoding: try scratch.bytes("report.json"), as: UTF8.self)
        #expect(report.contains("\"outcome\": \"failed\""))
        #expect(report.contains("No space left on device"))
    }

    @Test func aReportThatCannotBeWrittenIsSaidOnce() throws {
        let graph = try recording("wav", to: "out.wav", pace: "fast", seconds: 1)
        let run = try scratch.run(graph, "--report", "/dev/full")
        run.check(1, says: "/dev/full: the file could not be written: No space left on device.")
        #expect(run.errors.components(separatedBy: "could not be written").count == 2, "\(run.errors)")
    }

    @Test func rawMediaOnAFullDevice() throws {
        let graph = try scratch.graph(
            [
                #""a": { "type": "source", "open": "tone", "pace": "fast", "duration_s": 1 }"#,
                #""b": { "type": "raw-audio-output", "path": "/dev/full" }"#,
            ],
            [#""a.audio -> b""#])
        try scratch.run(graph).check(1, says: "error: b: /dev/full is full: No space left on device")
    }

    @Test func framesMadeBeforehandAreSilence() throws {
        let graph = try scratch.graph(
            [
                #""a": { "type": "bench-source", "frames": 64 }"#,
                #""b": { "type": "raw-audio-output", "path": "out.pcm" }"#,
            ], [#""a -> b""#])
        try scratch.run(graph).check(0)
        #expect(try scratch.bytes("out.pcm") == Data(count: 64 * 64))
    }

    @Test func aRateThatIsNextToNothingIsNoCrash() throws {
        let graph = try scratch.graph(
            [
                #""a": { "type": "bench-source", "rate_per_s": 1e-300 }"#,
                #""b": { "type": "null-sink" }"#,
            ], [#""a -> b""#])
        try scratch.run(graph, "--for", "1s", "--clock", "virtual").check(0)
    }

    // MARK: Places that cannot be written

    @Test(arguments: [
        ("none/out.webm", "cannot write \"none/out.webm\": its directory does not exist.\n  Make the directory first."),
        (
            "out.txt",
            "\"out.txt\" does not tell the kind of file.\n  Let it end in .webm, .mkv, .ts, .wav or .mp4, for data .jsonl, or give \"format\"."
        ),
        ("", "the path is empty.\n  Name a file ending in .webm, .mkv, .ts, .wav or .mp4, for data .jsonl."),
        ("dir.webm", "cannot write \"dir.webm\": Is a directory."),
        ("pipe.webm", "cannot write \"pipe.webm\": it is a FIFO that nobody reads.\n  Start the reader first."),
    ])
    func aPlaceThatCannotBeRecordedTo(_ path: String, _ words: String) throws {
        try FileManager.default.createDirectory(atPath: scratch.path("dir.webm"), withIntermediateDirectories: false)
        scratch.fifo("pipe.webm")
        try scratch.run("demo", "--set", "output=\(path)").check(
            2, saysOnly: "\(Built.root.path)/graphs/demo.json:15:5: node \"file\" (record): \(words)")
    }

    @Test func aCodecThatTheFileDoesNotHoldIsRefusedBeforeTheRun() throws {
        try scratch.run("demo", "--set", "output=out.mp4").check(
            2,
            says: """
                vp8.out gives video vp8, file.video takes video h264/hevc/av1/vp9.
                  Put a node of type "video-decoder" and a node of type "h264-encoder" between them: \
                "vp8 -> video-decoder -> h264-encoder -> file.video". Or: let "path" end in .webm or .mkv.
                """)
    }

    @Test func theFileThatIsReadIsNotWritten() throws {
        try FileManager.default.copyItem(atPath: Clips.path("clip.mkv"), toPath: scratch.path("clip.mkv"))
        try FileManager.default.linkItem(atPath: scratch.path("clip.mkv"), toPath: scratch.path("alias.mkv"))
        for output in ["clip.mkv", "./clip.mkv", "alias.mkv"] {
            try scratch.run("record", "--set", "input=clip.mkv", "--set", "output=\(output)").check(
                2, says: "cannot write \"\(output)\": this run reads that file already.\n  Write to another file.")
        }
        try Data(count: 10_000).write(to: scratch.url.appending(path: "tone.pcm"))
        let graph = try scratch.graph(
            [
                #""a": { "type": "raw-audio-source", "path": "tone.pcm" }"#,
                #""b": { "type": "raw-audio-output", "path": "./tone.pcm" }"#,
            ],
            [#""a -> b""#])
        try scratch.run(graph).check(2, says: "cannot write \"./tone.pcm\": this run reads that file already.")
        #expect(try scratch.bytes("tone.pcm").count == 10_000)
        #expect(try playable(scratch.path("clip.mkv")) > 3.9)
    }

    @Test func twoNodesDoNotWriteOneFile() throws {
        let graph = try scratch.graph(
            [
                #""s": { "type": "source", "open": "tone", "pace": "fast", "duration_s": 1 }"#,
                #""r": { "type": "relay", "lossless": true }"#, #""f": { "type": "record", "path": "x.wav" }"#,
                #""g": { "type": "record", "path": "./x.wav" }"#,
            ], [#""s.audio -> r -> f.audio""#, #""r -> g.audio""#])
        try scratch.run(graph).check(
            2,
            saysOnly: """
                ./graph.json:5:1: node "g" (record): cannot write "./x.wav": this run writes that file already.
                  Write to another file.
                """)
        try scratch.run("demo", "--set", "output=x.webm", "--report", "x.webm").check(
            2, says: "cannot write \"x.webm\": this run writes that file already.")
    }

    @Test func anOlderRecordingOutlivesARunThatDoesNotStart() throws {
        try scratch.write("old.webm", "an older recording")
        try scratch.run("record", "--set", "input=none.mp4", "--set", "output=old.webm").check(2)
        #expect(try scratch.bytes("old.webm") == Data("an older recording".utf8))
    }

    // MARK: Ends that nobody asked for

    @Test(arguments: containers) func whatAKilledProcessHasWrittenPlays(_ kind: String) throws {
        let graph = try recording(kind, to: "out.\(kind)", pace: "live")
        let run = try Running(["run", graph], in: scratch)
        try grows("out.\(kind)", to: kind == "wav" ? 150_000 : 200_000)
        run.signal(SIGKILL)
        let ended = run.end()
        #expect(ended.status == -SIGKILL)
        #expect(try playable(scratch.path("out.\(kind)"), isCut: true) > 0.4)
    }

    @Test func aSignalEndsARunInVirtualTimeToo() throws {
        let run = try Running(
            ["run", "demo", "--set", "output=out.webm", "--set", "duration_s=86400", "--clock", "virtual"], in: scratch)
        try grows("out.webm", to: 200_000)
        run.signal(SIGINT)
        run.end().check(0, says: "demo stopped after ")
        #expect(try playable(scratch.path("out.webm")) > 1)
    }

    /// Waits by inotify(7) until a file has so many bytes.
    private func grows(_ name: String, to size: Int) throws {
        let watch = inotify_init()
        defer { close(watch) }
        inotify_add_watch(watch, scratch.url.path, UInt32(IN_MODIFY | IN_CREATE))
        var room = [UInt8](repeating: 0, count: 4_096)
        let limit = Date.now + Running.limit
        while (try? scratch.bytes(name).count) ?? 0 < size {
            var entry = pollfd(fd: watch, events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 10_000) > 0 && Date.now < limit)
            _ = read(watch, &room, room.count)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP], containers)
    func aSignalFinishesTheFile(_ signal: Int32, _ kind: String) throws {
        let graph = try recording(kind, to: "out.\(kind)", pace: "live")
        let run = try Running(["run", graph, "--report", "report.json"], in: scratch)
        try grows("out.\(kind)", to: 20_000)
        // As `timeout` and a terminal that closes do: a second one at once is the same wish.
        run.signal(signal)
        run.signal(signal == SIGTERM ? SIGINT : SIGTERM)
        run.end().check(0, says: "f: wrote out.\(kind): ")
        #expect(try playable(scratch.path("out.\(kind)")) > 0.05)
        #expect(String(decoding: try scratch.bytes("report.json"), as: UTF8.self).contains("\"outcome\": \"stopped\""))
        guard kind == "webm" || kind == "mkv" else { return }
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0",
                scratch.path("out.\(kind)"),
            ],
            feeding: [])
        #expect(Double(String(decoding: told, as: UTF8.self).dropLast()) != nil, "its header tells no duration")
    }
}
