import Foundation
import TestSupport
import Testing

/// Firefox in a network of its own, since it makes no connection on a loopback alone.
@Suite("Firefox", .realPeers) struct FirefoxTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Browser")
    private static let address = "192.0.2.1"

    /// Numbers that an expression in the page gives.
    private func numbers(_ graph: String, _ settings: [String] = [], _ expression: String) throws -> [Double] {
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-firefox-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let script = """
            "$1" run "$2" --for 55s --set listen=\(Self.address):8889 --set media=\(Self.address):8189 \
            \(settings.map { "--set \($0)" }.joined(separator: " ")) >&2 &
            graph=$!
            trap 'kill $graph' EXIT
            for turn in $(seq 100); do curl -s -o /dev/null http://\(Self.address):8889/ && break; sleep 0.1; done
            /usr/bin/python3 "$3" http://\(Self.address):8889/ "$4"
            """
        let run = try PeerProcess(
            [
                "env", "SLUICE_TOKEN=none", Self.folder.appending(path: "alone.sh").path, "bash", "-c", script, "bash",
                Built.file("sluice").path, Built.root.appending(path: "graphs/\(graph).json").path,
                Self.folder.appending(path: "firefox.py").path, expression,
            ], output: output)
        try wait(for: "Firefox", atMost: 60, said: { ["run": run.said] }, { !run.isRunning })
        try #require(run.terminationStatus == 0, "\(run.said)")
        return try JSONDecoder().decode([Double].self, from: Data(contentsOf: output))
    }

    private static func statistics(_ condition: String, _ result: String) -> String {
        """
        new Promise(done => setInterval(async () => {
          if (typeof pc === "undefined") return;
          const got = {}, sent = {};
          (await pc.getStats()).forEach(one => {
            if (one.type === "inbound-rtp") got[one.kind] = one;
            if (one.type === "outbound-rtp") sent[one.kind] = one;
          });
          if (\(condition)) done([\(result)]);
        }, 50))
        """
    }

    @Test func itPlaysVideoAndAudioByWHEP() throws {
        let figures = try numbers(
            "viewer", ["video_kbps=600"],
            Self.statistics(
                "got.video?.framesDecoded >= 40 && got.audio?.packetsReceived >= 50",
                "got.video.frameWidth ?? 1280, got.video.packetsLost, got.audio.packetsLost"))
        #expect(figures == [1_280, 0, 0])
    }

    @Test func itsMicrophoneComesIntoTheGraphAndBack() throws {
        let figures = try numbers(
            "talk", [],
            Self.statistics(
                "got.audio?.packetsReceived >= 100 && sent.audio?.packetsSent >= 100 && got.audio.totalAudioEnergy > 0.001",
                "got.audio.packetsLost"))
        #expect(figures == [0])
    }

    /// The graph offers, Firefox answers.
    @Test func itTakesOurOffer() throws {
        let socket = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).sock")
        let figures = try numbers(
            "avatar", ["socket=\(socket.path)"],
            Self.statistics(
                "pc.connectionState === 'connected' && sent.audio?.packetsSent >= 50", "pc.getTransceivers().length"))
        #expect(figures == [3])
    }
}
