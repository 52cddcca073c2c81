import Foundation
import TestSupport
import Testing

/// The project's SRT graphs by the built command, with Debian's senders and receivers.
@Suite("The SRT graphs", .serialized) struct SRTGraphTests {
    private let place: Place

    init() throws { place = try Place() }

    private func graph(_ name: String) -> String { Built.root.appending(path: "graphs/\(name).json").path }

    /// The command, at most a minute.
    private func sluice(_ arguments: [String], during: @escaping @Sendable () -> Void) throws -> CommandRun {
        try CommandRun(
            ["-k", "5", "60", Built.file("sluice").path] + arguments, executable: URL(filePath: "/usr/bin/timeout")
        ) { _ in during() }
    }

    @Test func srtRelayServesTwoReceivers() throws {
        let (from, to) = (freePort(), [freePort(), freePort()])
        let files = ["one", "two"].map { place.file("\($0).ts") }
        let receivers = try zip(to, files).map { port, file in
            try startPeer(place.transmit(from: "srt://:\(port)"), output: file)
        }
        let run = try sluice(
            [
                "run", graph("srt-relay"), "--set", "from=srt://:\(from)", "--set", "to=srt://127.0.0.1:\(to[0])",
                "--set",
                "also_to=srt://127.0.0.1:\(to[1])", "--for", "7s",
            ]
        ) { [place] in _ = try? startPeer(place.ffmpeg(to: "srt://127.0.0.1:\(from)")) }
        for receiver in receivers { receiver.waitUntilExit() }
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("receiver.2/out: connected to srt://127.0.0.1:\(to[1])"), "\(run.errors)")
        for file in files { try checkClip(file, cut: 6) }
    }

    @Test func srtToFileRecordsWhatComes() throws {
        let (port, file) = (freePort(), place.file("tape.mkv"))
        let run = try sluice(
            [
                "run", graph("srt-to-file"), "--set", "from=srt://:\(port)", "--set", "output=\(file.path)", "--set",
                "reconnect=false", "--for", "20s",
            ]
        ) { [place] in _ = try? startPeer(place.ffmpeg(to: "srt://127.0.0.1:\(port)")) }
        #expect(run.status == 0, "\(run.errors)")
        try checkClip(file, cut: 6)
    }
}
