import Foundation
import TestSupport
import Testing

/// Values of parameters, options and the standard streams as a hurried or hostile user gives them.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct ArgumentTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    @Test(arguments: [
        ("outpu=x", "--set outpu: the graph has no parameter \"outpu\".\n  Did you mean \"output\"?"),
        ("duration_s=abc", "--set duration_s=abc: \"duration_s\" takes a number."),
        ("duration_s=", "--set duration_s=: \"duration_s\" takes a number."),
        ("duration_s=1e99", "--set duration_s=1e99: \"duration_s\" takes 0.1 to 86400."),
        ("duration_s=-1", "--set duration_s=-1: \"duration_s\" takes 0.1 to 86400."),
        ("duration_s=nan", "--set duration_s=nan: \"duration_s\" takes a number."),
        ("duration_s=inf", "--set duration_s=inf: \"duration_s\" takes a number."),
        ("duration_s=0x10", "--set duration_s=0x10: \"duration_s\" takes a number."),
        ("bitrate_kbps=1e99", "--set bitrate_kbps=1e99: \"bitrate_kbps\" takes an integer."),
        (
            "bitrate_kbps=99999999999999999999999999",
            "--set bitrate_kbps=99999999999999999999999999: \"bitrate_kbps\" takes an integer."
        ),
        ("bitrate_kbps=1.5", "--set bitrate_kbps=1.5: \"bitrate_kbps\" takes an integer."),
        ("bitrate_kbps=0", "--set bitrate_kbps=0: \"bitrate_kbps\" takes 50 to 20000."),
        ("=3", "sluice run: --set takes name=value, not \"=3\".\n  See \"sluice help run\"."),
    ])
    func aParameterThatCannotBe(_ set: String, _ words: String) throws {
        try scratch.run("demo", "--set", set).check(2, saysOnly: words)
    }

    @Test func aParameterWithChoicesNamesThem() throws {
        try scratch.run("record", "--set", "input=tone", "--set", "pace=slow").check(
            2, saysOnly: "--set pace=slow: \"pace\" takes one of \"live\", \"fast\".")
    }

    /// Of a name that is not quite the one that was given another file would be read or written.
    @Test func argumentsThatAreNotUTF8AreRefused() throws {
        for words in ["demo --set $'output=\\xff\\xfe.webm'", "$'lat\\xe9in.json'", "demo --report $'\\xe9.json'"] {
            let run = try scratch.run("demo", shell: "set -- run \(words)")
            run.check(2, says: "is not UTF-8.\n  Names of files have to be UTF-8 here")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).isEmpty)
    }

    @Test func aSecretThatIsMissingSaysWhereItComesFrom() throws {
        let graph = try scratch.graph(
            [#""a": { "type": "source", "open": "tone" }"#, #""b": { "type": "srt-output", "url": "${key}" }"#],
            [#""a.audio -> b.audio""#],
            more: #", "parameters": { "key": { "secret": true, "env": "SLUICE_TEST_KEY" } }"#)
        try scratch.run(graph).check(
            2,
            says: """
                parameter "key" has no value.
                  Set SLUICE_TEST_KEY in the environment, or SLUICE_TEST_KEY_FILE to the path of a file that holds it.
                """)
        try scratch.run(graph, environment: ["SLUICE_TEST_KEY_FILE": "/none"]).check(
            2, says: "the file \"/none\" that SLUICE_TEST_KEY_FILE names: there is no such file.")
        let onLine = try scratch.run(graph, "--set", "key=hush")
        onLine.check(2, says: "is a secret, and every process can read arguments.")
        #expect(!onLine.errors.contains("hush"))
    }

    @Test(arguments: ["-1", "-1s", "0", "0s", "10", "10x", "1e9s", "nans", "infs", "", "s", "99999999999999h", "１s"])
    func aTimeThatIsNone(_ time: String) throws {
        try scratch.run("demo", "--for", time).check(
            2,
            saysOnly: """
                sluice run: --for takes a time as 10s, 500ms, 2m or 1h, not "\(time)".
                  See "sluice help run".
                """)
    }

    @Test func lowdelayAtAnotherRateNamesTheNodeThatResamples() throws {
        let samples = scratch.path("audio.s16")
        try Data(count: 32_000).write(to: URL(fileURLWithPath: samples))
        let graph = try scratch.graph(
            [
                #""a": { "type": "raw-audio-source", "path": "\#(samples)", "sample_rate": 16000, "channels": 1 }"#,
                #""b": { "type": "opus-encoder", "profile": "lowdelay" }"#, #""c": { "type": "null-sink" }"#,
            ], ["\"a -> b -> c\""])
        try scratch.run(graph).check(
            2,
            says: """
                a.out gives audio s16 16000 Hz 1 ch, b.in takes audio s16/f32 48000 Hz 1/2 ch.
                  Put a node of type "audio-convert" with "sample_rate": 48000 between them: "a -> audio-convert -> b".
                """)
    }

    // MARK: Numbers that no node takes

    @Test(arguments: [
        ("\"width\": 0", "width takes 64 to 8192, found 0."),
        ("\"width\": 1e99", "width takes an integer, found 1e+99."),
        ("\"height\": -1", "height takes 36 to 8192, found -1."),
        ("\"fps\": 0", "fps takes 1 to 240, found 0."),
        ("\"channels\": 99", "channels takes 1 to 8, found 99."),
        ("\"sample_rate\": 1", "sample_rate takes 8000 to 192000, found 1."),
    ])
    func aParameterOfANodeOutOfItsRange(_ parameter: String, _ words: String) throws {
        let graph = try scratch.graph(
            [
                "\"a\": { \"type\": \"source\", \"open\": \"pattern\", \(parameter) }",
                #""b": { "type": "null-sink" }"#,
            ],
            [#""a.video -> b""#])
        try scratch.run(graph).check(
            2,
            saysOnly:
                "./graph.json:2:\(47 + parameter.firstIndex(of: ":")!.utf16Offset(in: parameter)): node \"a\": \(words)"
        )
    }

    @Test func aFrameLengthThatTheCodecLacksIsNamed() throws {
        let graph = try scratch.graph(
            [
                #""a": { "type": "source", "open": "tone" }"#,
                #""o": { "type": "opus-encoder", "frame_ms": 3 }"#, #""b": { "type": "null-sink" }"#,
            ], [#""a.audio -> o -> b""#])
        try scratch.run(graph).check(2, says: "./graph.json:3:")
    }

    // MARK: Standard streams

    @Test func aReportThatCannotBeWrittenIsSaidBeforeTheRun() throws {
        let run = try scratch.run("demo", "--report", "none/report.json", "--set", "output=a.webm")
        run.check(
            2,
            saysOnly: """
                sluice run: --report none/report.json: the file cannot be written: No such file or directory.
                  Name one in a directory that exists and that you may write in.
                """)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("a.webm")))
    }

    @Test func aReportIntoAFIFOThatNobodyReadsIsNotWaitedFor() throws {
        scratch.fifo("report")
        try scratch.run("demo", "--report", "report").check(
            2,
            saysOnly: """
                sluice run: --report report: the file cannot be written: nobody reads that FIFO.
                  Start its reader first.
                """)
    }

    @Test func aReportOnAFullDiskFailsTheRunAndLeavesTheRecording() throws {
        try scratch.run(
            "demo", "--report", "/dev/full", "--set", "output=a.webm", "--set", "duration_s=0.5", "--clock", "virtual"
        ).check(1, says: "/dev/full: the file could not be written: No space left on device.")
        #expect(try playable(scratch.path("a.webm")) > 0.4)
    }

    @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    func aRunNeedsNoStandardStream(_ closed: String) throws {
        let run = try scratch.run(
            "demo", "--set", "output=a.webm", "--set", "duration_s=0.5", "--clock", "virtual", shell: "exec \(closed)")
        run.check(0)
        // Nothing that was said went into the file.
        #expect(try playable(scratch.path("a.webm")) > 0.4)
    }

    @Test func anErrorWithoutAStandardErrorStillHasItsStatus() throws {
        try scratch.run("none", shell: "exec 2>&-").check(2)
        try scratch.run("none", shell: "exec 2>/dev/full").check(2)
    }

    @Test func anAnswerThatCannotBeWrittenIsAnError() throws {
        try Running(["list"], in: scratch, shell: "exec >/dev/full").end().check(
            1, saysOnly: "standard output cannot be written: No space left on device.")
        try Running(["schema"], in: scratch, shell: "exec >&-").end().check(
            1, saysOnly: "standard output cannot be written: Bad file descriptor.")
    }

    @Test func aReaderThatHasEnoughIsNoError() throws {
        try Running(["schema"], in: scratch, shell: "exec > >(exec <&-)").end().check(0)
    }

    @Test func standardErrorThatNobodyReadsEndsNoRun() throws {
        let run = try scratch.run(
            "demo", "--set", "output=a.webm", "--set", "duration_s=1", shell: "exec 2> >(exec <&-)")
        run.check(0)
        #expect(try playable(scratch.path("a.webm")) > 0.9)
    }
}
