import FilesPlugin
import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// Real sockets on the loopback, in real time, against Debian's senders.
@Suite("srt-input", .serialized, .realPeers) struct SRTInputTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Receives onto the tape until the connection ends.
    private func graph(_ url: String, _ parameters: [String: ParameterValue] = [:]) -> GraphBuilder {
        let all: [String: ParameterValue] = ["url": .string(url), "reconnect": false, "latency_ms": 60]
        return place.receiver(all.merging(parameters) { $1 })
    }

    /// A transport stream says it in the codec's bits alone, Matroska beside them: 720x576 that is shown as 16:9.
    @Test(arguments: ["libx264", "libx265", "mpeg2video"]) func theShapeOfPixelsIsInTheFile(codec: String) throws {
        let wide = place.file("wide.ts")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=1,setsar=64/45", "-pix_fmt",
                "yuv420p", "-c:v", codec, "-g", "12", "-bf", "0", "-b:v", "2M",
            ] + (codec == "libx265" ? ["-x265-params", "log-level=none"] : []) + [wide.path], feeding: [])
        var graph = GraphBuilder()
        graph.node("in", SRTInput.self, ["url": .string(place.listening), "latency_ms": 30, "reconnect": false])
        graph.node("tape", Record.self, ["path": .string(place.file("got.mkv").path)])
        graph.edge("in.video -> tape.video", items: 4_096, milliseconds: 60_000)
        let sender = try startPeer([
            "ffmpeg", "-v", "error", "-re", "-i", wide.path, "-c", "copy", "-f", "mpegts", place.address,
        ])
        defer { sender.terminate() }
        let (outcome, report) = try execute(graph)
        #expect(outcome == .finished, "\(report)")
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-show_entries", "stream=sample_aspect_ratio,display_aspect_ratio", "-of",
                "csv=p=0", place.file("got.mkv").path,
            ], feeding: [])
        #expect(String(decoding: told, as: UTF8.self).hasPrefix("64:45,16:9"))
    }

    @Test func itListensToFFmpeg() throws {
        let (outcome, report) = try execute(graph(place.listening, ["streamid": "camera"])) { [place] _ in
            _ = try? startPeer(place.ffmpeg(to: place.address + "?streamid=publish:camera&latency=60000"))
        }
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("sends h264 and opus"), "\(report)")
        try checkClip(place.tape, cut: 6)
    }

    /// The watchdog told of a wait for media that had long come.
    @Test func aSecondConnectionIsNotSaidToBeWaitedForWhenItsMediaHaveCome() throws {
        let (outcome, report) = try execute(place.receiver(["reconnect": true])) { [place] run in
            for number in 1...2 {
                try waitUntil("the port to be listened at", run) { isTaken(place.port) }
                let before = nodeMetrics(run.report, "tape")["bytes"] ?? 0
                let peer = try startPeer(place.ffmpeg(to: place.address))
                try waitUntil("media of connection \(number)", run) {
                    nodeMetrics(run.report, "tape")["bytes"] ?? 0 > before + 10_000
                }
                let wait = run.snapshot(.counters).node("in")?.isWaiting
                #expect(wait == nil || wait?.contains("caller at") == true, "\(wait ?? "")")
                peer.waitUntilExit()
                try waitUntil("the end of connection \(number)", run) {
                    run.report.components(separatedBy: "ended the connection").count == number + 1
                }
            }
            run.stop()
        }
        #expect(outcome != .failed && !report.contains("has waited for media"), "\(report)")
    }

    @Test func itCallsSrtLiveTransmitWithAPassphrase() throws {
        let peer = try Transmitter(place, to: place.listening + "?passphrase=correct-horse&pbkeylen=32&latency=200")
        try waitUntil("srt-live-transmit to listen") { isTaken(place.port) }
        let (outcome, report) = try execute(
            graph(place.address, ["passphrase": "correct-horse"]), on: ["connected to": { _ in peer.feed() }])
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("latency 60 ms; the peer asks for more: 200 ms, AES-256"), "\(report)")
        #expect(!report.contains("correct-horse"))
        try checkClip(place.tape, cut: 6)
    }

    @Test func whatSrtOutputSendsArrivesWithItsTimes() throws {
        let sending = place.sender(["latency_ms": 60])
        let run = GraphRun(sending.plan, registry: sending.registry, options: boundedRun)
        let (outcome, report) = try execute(graph(place.listening)) { _ in _ = try? run.execute() }
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape)
        func times(_ file: String) throws -> [Double] {
            let text = try FFmpeg.run(
                [
                    "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of",
                    "csv=p=0",
                    file,
                ], feeding: [])
            return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap {
                Double($0.prefix { $0.isNumber || $0 == "." })
            }
        }
        // The recording begins at 0 as the source does; between them is one constant.
        let (sent, received) = (try times(place.clip), try times(place.tape.path))
        #expect(sent.count == 60 && received.count == 60)
        let shift = received[0] - sent[0]
        for (a, b) in zip(sent, received) { #expect(abs(b - a - shift) < 0.000_02) }
    }
}
