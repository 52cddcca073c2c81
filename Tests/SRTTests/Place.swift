import FilesPlugin
import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport

@testable import SRTPlugin

/// The beginning of a test on the loopback: a folder of its own with the clip in it, gone with it, and a free port.
final class Place: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    let port = freePort()

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Clip.bytes).write(to: file("clip.ts"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func file(_ name: String) -> URL { folder.appending(path: name) }
    var clip: String { file("clip.ts").path }
    /// Where a receiver writes.
    var tape: URL { file("tape.ts") }

    /// `port` as others call it.
    var address: String { "srt://127.0.0.1:\(port)" }
    /// `port` to listen at.
    var listening: String { "srt://:\(port)" }

    /// The clip by `srt-output`; calls `port` unless `parameters` say otherwise.
    func sender(
        _ parameters: [String: ParameterValue] = [:], loop: Bool = false, pace: String = "live"
    ) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            ["open": .string(clip), "decode": false, "loop": .boolean(loop), "pace": .string(pace)])
        let all: [String: ParameterValue] = ["url": .string(address), "latency_ms": 30]
        graph.node("out", SRTOutput.self, all.merging(parameters) { $1 })
        graph.edge("source.video -> out.video")
        graph.edge("source.audio -> out.audio")
        return graph
    }

    /// The media of `srt-input` go into `file`, without it into the tape; it listens at `port` unless `parameters` say
    /// otherwise.
    func receiver(_ parameters: [String: ParameterValue] = [:], into file: URL? = nil) -> GraphBuilder {
        var graph = GraphBuilder()
        let all: [String: ParameterValue] = ["url": .string(listening), "latency_ms": 30]
        graph.node("in", SRTInput.self, all.merging(parameters) { $1 })
        graph.node("tape", Record.self, ["path": .string((file ?? tape).path)])
        graph.edge("in.video -> tape.video", items: 4_096, milliseconds: 60_000)
        graph.edge("in.audio -> tape.audio", items: 4_096, milliseconds: 60_000)
        return graph
    }

    /// ffmpeg that sends the clip to `url` at its pace.
    func ffmpeg(to url: String) -> [String] {
        ["ffmpeg", "-v", "warning", "-re", "-i", clip, "-map", "0", "-c", "copy", "-f", "mpegts", url]
    }

    /// srt-live-transmit that writes to its output what `url` brings.
    func transmit(from url: String) -> [String] { ["srt-live-transmit", "-q", "-a:no", url, "file://con"] }
}

/// The bound of every run of the tests: a peer that never comes, or hangs, must not hold them.
var boundedRun: RunOptions {
    var options = RunOptions()
    options.duration = .milliseconds(60_000)
    return options
}

/// Starts a graph that runs beside the test.
func begin(_ graph: GraphBuilder) -> GraphRun {
    let run = GraphRun(graph.plan, registry: graph.registry, options: boundedRun)
    Thread.detachNewThread { _ = try? run.execute() }
    return run
}

/// srt-live-transmit that sends what comes to a UDP port of its own: the clip, when it is fed.
final class Transmitter: Sendable {
    private let place: Place
    private let datagrams = freePort()
    private let process = Mutexed<PeerProcess>()

    init(_ place: Place, to url: String) throws {
        self.place = place
        process.set(try startPeer(["srt-live-transmit", "-q", "-a:no", "udp://127.0.0.1:\(datagrams)", url]))
    }

    /// In the background; it takes no notice of the clip's end, and is told to end.
    func feed() {
        Thread.detachNewThread { [self] in
            let feeder = try? startPeer(place.ffmpeg(to: "udp://127.0.0.1:\(datagrams)?pkt_size=1316"))
            feeder?.waitUntilExit()
            process.get()?.terminate()
        }
    }
}
