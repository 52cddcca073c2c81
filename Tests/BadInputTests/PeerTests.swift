import Foundation
import TestSupport
import Testing

/// An SRT peer that is not there.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct PeerTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func contribute(_ url: String) throws -> Ended {
        try Running(["run", "contribute", "--set", "url=\(url)", "--for", "5s"], in: scratch).end()
    }

    @Test func aPeerThatDoesNotAnswerIsSaidOnceAndCalledUntilTheEnd() throws {
        let run = try contribute("srt://127.0.0.1:1")
        run.check(
            0,
            says: """
                warning: srt: srt://127.0.0.1:1 does not answer; calling again
                  Start the listener first, and check address and port.
                """)
        run.check(0, says: "the graph stopped before srt://127.0.0.1:1 answered: nothing was sent")
        #expect(run.errors.components(separatedBy: "does not answer").count == 2, "\(run.errors)")
        // The nodes that are held behind it are not told one by one.
        #expect(run.errors.components(separatedBy: "warning").count <= 5, "\(run.errors)")
    }

    @Test func aHostThatIsNot() throws {
        try contribute("srt://none.invalid:9000").check(
            0, says: "warning: srt: cannot find host \"none.invalid\": ")
    }

    @Test(arguments: [
        ("rtmp://host/live", "url \"rtmp://host/live\": it does not begin with srt://."),
        ("srt://127.0.0.1", "url \"srt://127.0.0.1\": it names no port."),
        ("srt://127.0.0.1:99999", "url \"srt://127.0.0.1:99999\": the port is no number from 1 to 65535."),
        ("srt://:9000?mode=caller", "url \"srt://:9000\": mode caller needs a host."),
        (
            "srt://h:9000?latency=120000000&passphrase=hush",
            "url \"srt://h:9000\": latency 120000000 is over a minute, in milliseconds as in ffmpeg's microseconds."
        ),
    ])
    func anAddressThatIsNone(_ url: String, _ words: String) throws {
        let run = try contribute(url)
        run.check(
            2,
            says:
                "node \"srt\" (srt-output): \(words)\n  Write srt://HOST:PORT?streamid=NAME&latency=MILLISECONDS to call, srt://:PORT to listen."
        )
        #expect(!run.errors.contains("hush"))
    }
}
