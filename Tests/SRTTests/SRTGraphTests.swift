import Foundation
import TestSupport
import Testing

/// The project's SRT graphs by the built command, with Debian's senders and receivers.
@Suite("The SRT graphs", .serialized) struct SRTGraphTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Clip.bytes).write(to: folder.appending(path: "clip.ts"))
    }

    private func graph(_ name: String) -> String { Built.root.appending(path: "graphs/\(name).json").path }

    private func sender(to port: Int) -> [String] {
        [
            "ffmpeg", "-v", "quiet", "-re", "-i", folder.appending(path: "clip.ts").path, "-map", "0", "-c", "copy",
            "-f",
            "mpegts", "srt://127.0.0.1:\(port)",
        ]
    }

    @Test func srtRelayServesTwoReceivers() throws {
        let (from, to) = (freePort(), [freePort(), freePort()])
        let files = ["one", "two"].map { folder.appending(path: "\($0).ts") }
        let receivers = try zip(to, files).map { port, file in
            try startPeer(["srt-live-transmit", "-q", "-a:no", "srt://:\(port)", "file://con"], output: file)
        }
        let run = try CommandRun(
            [
                "run", graph("srt-relay"), "--set", "from=srt://:\(from)", "--set", "to=srt://127.0.0.1:\(to[0])",
                "--set",
                "also_to=srt://127.0.0.1:\(to[1])", "--for", "7s",
            ]
        ) { _ in startSender(sender(to: from)) }
        for receiver in receivers { receiver.waitUntilExit() }
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("receiver.2/out: connected to srt://127.0.0.1:\(to[1])"), "\(run.errors)")
        for file in files { try checkClip(file, cut: 6) }
    }

    @Test func srtToFileRecordsWhatComes() throws {
        let (port, file) = (freePort(), folder.appending(path: "tape.mkv"))
        let run = try CommandRun(
            [
                "run", graph("srt-to-file"), "--set", "from=srt://:\(port)", "--set", "output=\(file.path)", "--set",
                "reconnect=false", "--for", "20s",
            ]
        ) { _ in startSender(sender(to: port)) }
        #expect(run.status == 0, "\(run.errors)")
        try checkClip(file, cut: 6)
    }
}

private func startSender(_ command: [String]) { _ = try? startPeer(command) }
