import Foundation
import TestSupport
import Testing

/// A stranger's plugin that throws, or does not return.
@Suite(.realPeers, .timeLimit(.minutes(3))) struct FaultTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        _ = try scratch.copy("libFaults.so", as: "libFaultsPlugin.so")
    }

    private func throwing(_ parameters: String) throws -> [String] {
        let graph = try scratch.graph(
            [
                #""s": { "type": "source", "open": "tone", "duration_s": 0.5 }"#,
                "\"bad\": { \"type\": \"fault\"\(parameters) }", #""f": { "type": "record", "path": "out.wav" }"#,
            ],
            [#""s.audio -> bad -> f.audio""#])
        return ["run", graph, "--plugin-path", ".", "--report", "report.json"]
    }

    private func report() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: try scratch.bytes("report.json")) as? [String: Any])
    }

    // MARK: Throws

    @Test(arguments: ["", #", "on_error": "restart""#])
    func oneThatThrowsInPrepareDoesNotStart(_ policy: String) throws {
        try Running(throwing(#", "stage": "prepare""# + policy), in: scratch).end().check(
            1, saysOnly: "./graph.json:3:1: node \"bad\" (fault): the valve is stuck at item 0.\n  Oil it.")
        let report = try report()
        #expect(report["outcome"] as? String == "failed")
        #expect((report["events"] as? [[String: Any]])?.count == 1)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("out.wav")))
    }

    @Test func oneThatThrowsSomethingElseIsNamedAllTheSame() throws {
        try Running(throwing(#", "stage": "prepare", "foreign": true"#), in: scratch).end().check(
            1, saysOnly: "./graph.json:3:1: node \"bad\" (fault): Foreign().")
        try Running(throwing(#", "foreign": true"#), in: scratch).end().check(1, says: "error: bad: Foreign()\n")
    }

    @Test(arguments: ["process", "finish"]) func oneThatThrowsEndsTheRunAndTheFileIsFinished(_ stage: String) throws {
        let run = try Running(throwing(", \"stage\": \"\(stage)\""), in: scratch).end()
        run.check(1, says: "error: bad: the valve is stuck at item \(stage == "process" ? 10 : 25)\n  Oil it.\n")
        #expect(run.errors.components(separatedBy: "the valve is stuck").count == 2)
        #expect(run.lines.contains { $0.hasPrefix("f: wrote out.wav: 0.") })
        #expect(try report()["outcome"] as? String == "failed")
        #expect(try playable(scratch.path("out.wav")) > 0.15)
    }

    @Test func oneThatIsRestartedGoesOnAndIsGivenUpInTheEnd() throws {
        let arguments = try throwing(#", "after": 2, "on_error": "restart""#)
        let run = try Running(arguments, in: scratch)
        try run.wait(for: "restarting in 0.9 s (3 of 5 in a minute): the valve is stuck at item 2\n  Oil it.")
        run.signal(SIGINT)
        let ended = run.end()
        ended.check(1, says: "error: bad: given up after 3 restarts: the valve is stuck at item 2\n  Oil it.\n")
        #expect(try playable(scratch.path("out.wav")) > 0.1)
    }

    // MARK: Does not return

    private func stuck(_ parameters: String) throws -> [String] {
        let graph = try scratch.graph(
            [
                #""s": { "type": "source", "open": "tone" }"#, #""r": { "type": "relay" }"#,
                #""f": { "type": "record", "path": "out.wav" }"#,
                "\"bad\": { \"type\": \"stuck-fault\"\(parameters) }",
            ],
            [#""s.audio -> r -> bad""#, #""r -> f.audio""#])
        return ["run", graph, "--plugin-path", ".", "--stop-deadline", "500ms", "--report", "report.json"]
    }

    @Test(arguments: ["process", "finish", "close"]) func oneThatBlocksIsNamedAndLeft(_ stage: String) throws {
        let run = try Running(stuck(", \"stage\": \"\(stage)\"") + ["--for", "300ms"], in: scratch).end()
        run.check(
            1,
            says:
                "error: bad: did not finish within its deadline: bad is in a call that has not returned; the graph ends without it"
        )
        #expect(try report()["stuck"] as? [String] == ["bad"])
        #expect(run.lines.contains { $0.hasPrefix("f: wrote out.wav") })
        #expect(try playable(scratch.path("out.wav")) > 0.2)
    }

    @Test(arguments: ["process", "finish", "close"]) func oneThatCanBeInterruptedIs(_ stage: String) throws {
        let arguments = try stuck(", \"stage\": \"\(stage)\", \"interruptible\": true")
        try Running(arguments + ["--for", "300ms"], in: scratch).end().check(0, says: "graph finished after")
    }

    /// Returns when the node is in the call that does not return.
    private func isTold(_ fifo: String) throws {
        // Opened for both, it does not wait for the node (fifo(7)); the wait is bounded.
        let reader = open(scratch.path(fifo), O_RDWR)
        defer { close(reader) }
        var entry = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, Int32(Running.limit * 1_000)) == 1)
    }

    @Test func aSecondCtrlCLeavesAtOnce() throws {
        scratch.fifo("told")
        var arguments = try stuck(#", "tells": "told""#)
        arguments[arguments.firstIndex(of: "500ms")!] = "1h"
        let run = try Running(arguments, in: scratch)
        try isTold("told")
        run.signal(SIGINT)
        // The file is done: the first one was heard.
        try run.wait(for: "f: wrote out.wav")
        run.signalUntilItEnds(SIGINT)
        run.end().check(
            1, says: "error: bad: had not finished: bad is in a call that has not returned; the graph ends without it")
        #expect(try playable(scratch.path("out.wav")) >= 0)
    }

    @Test func aSecondCtrlCLeavesAlsoWhileTheGraphIsBuilt() throws {
        scratch.fifo("prepared")
        let run = try Running(stuck(#", "stage": "prepare", "tells": "prepared""#), in: scratch)
        try isTold("prepared")
        run.signalUntilItEnds(SIGINT)
        run.end().check(
            1,
            saysOnly:
                "stopping; again to end at once\nleft at once: node \"bad\" does not return from its preparation.")
    }
}
