import Foundation
import Glibc
import TestSupport
import Testing

/// The project's SRT graphs by the built command, with Debian's senders and receivers.
@Suite("The SRT graphs", .serialized, .realPeers) struct SRTGraphTests {
    private let place: Place

    init() throws { place = try Place() }

    private func graph(_ name: String) -> String { Built.root.appending(path: "graphs/\(name).json").path }

    /// The words of the command until now.
    private var said: String { (try? String(contentsOf: place.file("said"), encoding: .utf8)) ?? "" }

    private func sluice(_ graph: String, _ settings: [String]) throws -> PeerProcess {
        let command = [Built.file("sluice").path, "run", self.graph(graph)]
        return try startPeer(command + settings.flatMap { ["--set", $0] }, errors: place.file("said"))
    }

    @Test func srtRelayServesTwoReceivers() throws {
        let (from, to) = (place.port, [freePort(), freePort()])
        let files = ["one", "two"].map { place.file("\($0).ts") }
        let receivers = try zip(to, files).map { port, file in
            try startPeer(place.transmit(from: "srt://:\(port)"), output: file)
        }
        let run = try sluice(
            "srt-relay",
            ["from=srt://:\(from)", "to=srt://127.0.0.1:\(to[0])", "also_to=srt://127.0.0.1:\(to[1])"])
        for (number, port) in zip(1..., to) {
            try waitUntil("receiver \(number) to be connected") {
                said.contains("receiver.\(number)/out: connected to srt://127.0.0.1:\(port)")
            }
        }
        let sender = try startPeer(place.ffmpeg(to: place.address))
        try waitUntil("the sender to end the connection") { said.contains("ended the connection") }
        // To the command itself: `timeout` would pass it on twice, and the second one stops at once.
        run.signal(SIGINT)
        for process in receivers + [sender, run] { process.waitUntilExit() }
        #expect(run.terminationStatus == 0, "\(said)")
        for file in files { try checkClip(file, cut: 6) }
    }

    @Test func srtToFileRecordsWhatComes() throws {
        let file = place.file("tape.mkv")
        let run = try sluice(
            "srt-to-file", ["from=\(place.listening)", "output=\(file.path)", "reconnect=false"])
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        let sender = try startPeer(place.ffmpeg(to: place.address))
        for process in [sender, run] { process.waitUntilExit() }
        #expect(run.terminationStatus == 0, "\(said)")
        try checkClip(file, cut: 6)
    }
}
