import FilesPlugin
import Foundation
import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import SRTPlugin

/// Real sockets on the loopback, in real time, against Debian's receivers.
@Suite("srt-output", .serialized) struct SRTOutputTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    private let port = freePort()

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Clip.bytes).write(to: folder.appending(path: "clip.ts"))
    }

    private func graph(
        _ url: String, _ parameters: [String: ParameterValue] = [:], pace: String = "live"
    ) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            ["open": .string(folder.appending(path: "clip.ts").path), "decode": false, "pace": .string(pace)])
        graph.node(
            "out", SRTOutput.self, ["url": .string(url)].merging(parameters) { $1 })
        graph.edge("source.video -> out.video")
        graph.edge("source.audio -> out.audio")
        return graph
    }

    @Test func ffmpegReceivesEveryFrame() throws {
        let file = folder.appending(path: "got.ts")
        let receiver = try startPeer([
            "ffmpeg", "-y", "-i", "srt://127.0.0.1:\(port)?mode=listener", "-map", "0", "-c", "copy", file.path,
        ])
        let (outcome, report) = try execute(graph("srt://127.0.0.1:\(port)?latency=40&streamid=publish:demo"))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("connected to srt://127.0.0.1:\(port), latency"))
        #expect(receiver.terminationStatus == 0)
        try checkClip(file)
    }

    @Test func srtLiveTransmitReceivesEveryFrameEncryptedAndAtOnce() throws {
        let file = folder.appending(path: "got.ts")
        let receiver = try startPeer(
            ["srt-live-transmit", "-q", "-a:no", "srt://:\(port)?passphrase=correct-horse", "file://con"], output: file)
        let (outcome, report) = try execute(
            graph(
                "srt://127.0.0.1:\(port)",
                ["passphrase": "correct-horse", "key_length": 32, "latency_ms": 30, "hold_ms": 20_000], pace: "fast"))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(!report.contains("correct-horse"))
        try checkClip(file)
    }

    @Test func aWrongPassphraseIsRefused() throws {
        let receiver = try startPeer([
            "srt-live-transmit", "-q", "-a:no", "srt://:\(port)?passphrase=correct-horse", "file://con",
        ])
        defer { receiver.terminate() }
        let (outcome, report) = try execute(
            graph("srt://127.0.0.1:\(port)", ["passphrase": "wrong-wrong-wrong", "reconnect": false]))
        #expect(outcome == .failed)
        #expect(report.contains("refuses the call: its passphrase is another"), "\(report)")
        #expect(report.contains("Give both sides the same passphrase."), "\(report)")
    }

    @Test func anUnreachablePeerIsNamedInTime() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try execute(
            graph("srt://127.0.0.1:\(port)", ["connect_timeout_ms": 300, "reconnect": false]))
        #expect(outcome == .failed)
        #expect(report.contains("srt://127.0.0.1:\(port) does not answer"))
        #expect(report.contains("Start the listener first"))
        #expect(ContinuousClock().now - began < .seconds(10))
        let (second, told) = try execute(graph("srt://no-such-host.invalid:9000", ["reconnect": false]))
        #expect(second == .failed)
        #expect(told.contains("cannot find host"))
    }

    @Test func aPeerThatComesLateIsCalledAgain() throws {
        let file = folder.appending(path: "late.ts")
        let port = port
        let plan = graph(
            "srt://127.0.0.1:\(port)", ["connect_timeout_ms": 200, "latency_ms": 30, "hold_ms": 20_000], pace: "fast")
        // The first call fails before the receiver is there.
        let receiver = Mutexed<Process>()
        var options = RunOptions()
        options.onEvent = {
            guard $0.what.contains("calling again") else { return }
            receiver.set(
                try? startPeer([
                    "ffmpeg", "-y", "-i", "srt://127.0.0.1:\(port)?mode=listener", "-map", "0", "-c", "copy", file.path,
                ]))
        }
        let run = GraphRun(plan.plan, registry: plan.registry, options: options)
        #expect(try run.execute() == .finished, "\(run.report)")
        receiver.get()?.waitUntilExit()
        // "does not answer" is said once, however often it is true.
        #expect(run.report.components(separatedBy: "does not answer").count == 2, "\(run.report)")
        try checkClip(file)
    }

    @Test func aGraphThatStopsWhileItCallsEnds() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try execute(graph("srt://127.0.0.1:\(port)", ["connect_timeout_ms": 60_000])) {
            $0.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("before srt://127.0.0.1:\(port) answered"))
        #expect(ContinuousClock().now - began < .seconds(10))
    }

    @Test func virtualTimeRefusesIt() {
        #expect(throws: GraphError.self) { try GraphHarness(graph("srt://127.0.0.1:9")) }
    }
}
