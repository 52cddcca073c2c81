import FilesPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// Real sockets on the loopback, in real time, against Debian's senders.
@Suite("srt-input", .serialized) struct SRTInputTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    private let port = freePort()

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Clip.bytes).write(to: folder.appending(path: "clip.ts"))
    }

    private var clip: String { folder.appending(path: "clip.ts").path }
    private var tape: URL { folder.appending(path: "tape.ts") }

    /// Receives into `tape.ts` until the connection ends.
    private func graph(_ url: String, _ parameters: [String: ParameterValue] = [:]) -> GraphBuilder {
        var graph = GraphBuilder()
        let all: [String: ParameterValue] = ["url": .string(url), "reconnect": false, "latency_ms": 60]
        graph.node("in", SRTInput.self, all.merging(parameters) { $1 })
        graph.node("tape", Record.self, ["path": .string(tape.path)])
        graph.edge("in.video -> tape.video", items: 4_096, milliseconds: 60_000)
        graph.edge("in.audio -> tape.audio", items: 4_096, milliseconds: 60_000)
        return graph
    }

    private func ffmpeg(to url: String) -> [String] {
        ["ffmpeg", "-v", "error", "-re", "-i", clip, "-map", "0", "-c", "copy", "-f", "mpegts", url]
    }

    @Test func itListensToFFmpeg() throws {
        let (outcome, report) = try execute(graph("srt://:\(port)", ["streamid": "camera"])) { [self] _ in
            _ = try? startPeer(ffmpeg(to: "srt://127.0.0.1:\(port)?streamid=publish:camera&latency=60000"))
        }
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("sends h264 and opus"), "\(report)")
        try checkClip(tape, cut: 6)
    }

    @Test func itCallsSrtLiveTransmitWithAPassphrase() throws {
        let datagrams = freePort()
        // It takes no notice of the end of what it reads, and is killed: libsrt finds that out after five seconds.
        let peer = try startPeer([
            "timeout", "-s", "KILL", "5", "srt-live-transmit", "-q", "udp://127.0.0.1:\(datagrams)",
            "srt://:\(port)?passphrase=correct-horse&pbkeylen=32&latency=200",
        ])
        defer { peer.terminate() }
        let (outcome, report) = try execute(
            graph("srt://127.0.0.1:\(port)", ["passphrase": "correct-horse"]),
            on: [
                "connected to": { [self] _ in
                    _ = try? startPeer(ffmpeg(to: "udp://127.0.0.1:\(datagrams)?pkt_size=1316"))
                }
            ])
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("latency 60 ms; the peer asks for more: 200 ms"), "\(report)")
        #expect(!report.contains("correct-horse"))
        try checkClip(tape)
    }

    @Test func itListensToGStreamer() throws {
        let (outcome, report) = try execute(graph("srt://127.0.0.1:\(port)?mode=listener")) { [self] _ in
            _ = try? startPeer([
                "gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "num-buffers=60", "!",
                "video/x-raw,width=320,height=180,framerate=30/1", "!", "x264enc", "tune=zerolatency",
                "speed-preset=ultrafast", "key-int-max=30", "!", "mpegtsmux", "alignment=7", "!", "srtsink",
                "uri=srt://127.0.0.1:\(port)?mode=caller", "latency=60",
            ])
        }
        #expect(outcome == .finished, "\(report)")
        let count = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-show_entries",
                "stream=nb_read_packets", "-of", "csv=p=0", tape.path,
            ], feeding: [])
        #expect((Int(String(decoding: count, as: UTF8.self).prefix { $0.isNumber }) ?? 0) >= 58)
    }

    @Test func whatSrtOutputSendsArrivesWithItsTimes() throws {
        var sending = GraphBuilder()
        sending.node("source", Source.self, ["open": .string(clip), "decode": false])
        sending.node("out", SRTOutput.self, ["url": .string("srt://127.0.0.1:\(port)"), "latency_ms": 60])
        sending.edge("source.video -> out.video")
        sending.edge("source.audio -> out.audio")
        let run = GraphRun(sending.plan, registry: sending.registry)
        let (outcome, report) = try execute(graph("srt://:\(port)")) { _ in _ = try? run.execute() }
        #expect(outcome == .finished, "\(report)")
        try checkClip(tape)
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
        let (sent, received) = (try times(clip), try times(tape.path))
        #expect(sent.count == 60 && received.count == 60)
        let shift = received[0] - sent[0]
        for (a, b) in zip(sent, received) { #expect(abs(b - a - shift) < 0.000_02) }
    }
}
