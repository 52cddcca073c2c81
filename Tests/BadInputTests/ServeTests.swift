import Foundation
import TestSupport
import Testing

/// `sluice serve`: a graph that fails is started again, and wrong input ends it at once.
@Suite(.realPeers, .timeLimit(.minutes(3))) struct ServeTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        _ = try scratch.copy("libFaults.so", as: "libFaultsPlugin.so")
    }

    private func graph(_ fault: String) throws -> String {
        try scratch.graph(
            [
                #""s": { "type": "source", "open": "tone", "duration_s": 0.5 }"#,
                "\"bad\": { \"type\": \"fault\"\(fault) }", #""f": { "type": "null-sink" }"#,
            ],
            [#""s.audio -> bad -> f"#.appending("\"")])
    }

    @Test func aGraphThatFailsIsStartedAgainUntilItIsAskedToEnd() throws {
        let run = try Running(["serve", try graph(#", "after": 2"#), "--plugin-path", "."], in: scratch)
        try run.wait(for: "starts again in 1 s")
        try run.wait(for: "starts again in 2 s")
        run.signal(SIGTERM)
        let ended = run.end()
        ended.check(0, says: "error: bad: the valve is stuck at item 2\n")
        #expect(ended.errors.components(separatedBy: "the valve is stuck").count >= 3)
    }

    @Test func aGraphThatEndsByItselfEndsTheProcess() throws {
        try Running(["serve", try graph(#", "after": 100000"#), "--plugin-path", "."], in: scratch).end().check(
            0, says: "finished after 0.5 s")
    }

    @Test func wrongInputEndsItAtOnce() throws {
        try scratch.write("none.json", "{}")
        try Running(["serve", "none.json"], in: scratch).end().check(2, says: "none.json:1:1")
        try Running(["serve", "nothing"], in: scratch).end().check(2, says: "there is no graph \"nothing\"")
    }
}
