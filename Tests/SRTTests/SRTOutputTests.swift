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
    /// Two seconds of the pattern as H.264 in Annex B, with Opus.
    private static let clip: [UInt8] = try! {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self, ["open": "pattern", "width": 320, "height": 180, "duration_s": 2, "pace": "fast"])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> sink.in")
        let harness = try GraphHarness(graph)
        harness.run()
        let pictures = harness.sink("sink").received.flatMap { ($0.item as! VideoFrame).packed }
        return try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180", "-r", "30", "-i",
                "pipe:0",
                "-f", "lavfi", "-i", "sine=r=48000:d=2", "-c:v", "libx264", "-preset", "ultrafast", "-tune",
                "zerolatency", "-g",
                "30", "-c:a", "libopus", "-shortest", "-f", "mpegts", "pipe:1",
            ], feeding: pictures)
    }()

    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    private let port = freePort()

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(SRTOutputTests.clip).write(to: folder.appending(path: "clip.ts"))
    }

    private func graph(
        _ url: String, _ parameters: [String: ParameterValue] = [:], pace: String = "live", restarts: Bool = false
    ) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            ["open": .string(folder.appending(path: "clip.ts").path), "decode": false, "pace": .string(pace)])
        graph.node(
            "out", SRTOutput.self, ["url": .string(url)].merging(parameters) { $1 },
            onError: restarts ? .restart : .fail)
        graph.edge("source.video -> out.video")
        graph.edge("source.audio -> out.audio")
        return graph
    }

    private func run(_ graph: GraphBuilder, during: (@Sendable (GraphRun) -> Void)? = nil) throws -> (
        outcome: GraphRun.Outcome, report: String
    ) {
        let run = GraphRun(graph.plan, registry: graph.registry)
        if let during { Thread.detachNewThread { during(run) } }
        return (try run.execute(), run.report)
    }

    /// A receiver that ends by itself, or after 20 s.
    private func start(_ command: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "-k", "1", "20"] + command
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func check(_ file: URL) throws {
        let pictures = try FFmpeg.run(
            [
                "ffmpeg", "-v", "fatal", "-i", file.path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                "passthrough", "pipe:1",
            ],
            feeding: [])
        #expect(numbers(pictures, width: 320, height: 180) == Array(0..<60))
        let sound = try FFmpeg.run(
            ["ffmpeg", "-v", "fatal", "-i", file.path, "-vn", "-f", "s16le", "-ac", "1", "pipe:1"], feeding: [])
        #expect(abs(sound.count / 2 - 2 * 48_000) < 4_000)
    }

    @Test func ffmpegReceivesEveryFrame() throws {
        let file = folder.appending(path: "got.ts")
        let receiver = try start([
            "ffmpeg", "-y", "-i", "srt://127.0.0.1:\(port)?mode=listener", "-map", "0", "-c", "copy", file.path,
        ])
        let (outcome, report) = try run(graph("srt://127.0.0.1:\(port)?latency=40&streamid=publish:demo"))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("connected to srt://127.0.0.1:\(port), latency"))
        #expect(receiver.terminationStatus == 0)
        try check(file)
    }

    @Test func srtLiveTransmitReceivesEveryFrameEncryptedAndAtOnce() throws {
        let file = folder.appending(path: "got.ts")
        FileManager.default.createFile(atPath: file.path, contents: nil)
        let receiver = try start([
            "sh", "-c",
            "exec srt-live-transmit -q -a:no 'srt://:\(port)?passphrase=correct-horse' file://con > '\(file.path)'",
        ])
        let (outcome, report) = try run(
            graph("srt://127.0.0.1:\(port)", ["passphrase": "correct-horse", "latency_ms": 30], pace: "fast"))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(!report.contains("correct-horse"))
        try check(file)
    }

    @Test func aWrongPassphraseIsRefused() throws {
        let receiver = try start([
            "sh", "-c",
            "exec srt-live-transmit -q -a:no 'srt://:\(port)?passphrase=correct-horse' file://con > /dev/null",
        ])
        defer { receiver.terminate() }
        let (outcome, report) = try run(graph("srt://127.0.0.1:\(port)", ["passphrase": "wrong-wrong-wrong"]))
        #expect(outcome == .failed)
        #expect(report.contains("refuses the call: its passphrase is another"), "\(report)")
    }

    @Test func anUnreachablePeerIsNamedInTime() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try run(graph("srt://127.0.0.1:\(port)", ["connect_timeout_ms": 300]))
        #expect(outcome == .failed)
        #expect(report.contains("srt://127.0.0.1:\(port) does not answer"))
        #expect(report.contains("Start the listener first"))
        #expect(ContinuousClock().now - began < .seconds(10))
        let (second, told) = try run(graph("srt://no-such-host.invalid:9000"))
        #expect(second == .failed)
        #expect(told.contains("cannot find host"))
    }

    @Test func aPeerThatComesLateIsCalledAgain() throws {
        let file = folder.appending(path: "late.ts")
        let (folder, port) = (folder, port)
        _ = folder
        // The first call fails before the receiver is there.
        let receiver = Mutex<Process?>(nil)
        let plan = graph(
            "srt://127.0.0.1:\(port)", ["connect_timeout_ms": 200, "latency_ms": 30], pace: "fast", restarts: true)
        var options = RunOptions()
        let begin: @Sendable () -> Void = {
            receiver.withLock { process in
                guard process == nil else { return }
                process = try? start([
                    "ffmpeg", "-y", "-i", "srt://127.0.0.1:\(port)?mode=listener", "-map", "0", "-c", "copy", file.path,
                ])
            }
        }
        options.onEvent = { if $0.what.contains("restarting") { begin() } }
        let run = GraphRun(plan.plan, registry: plan.registry, options: options)
        #expect(try run.execute() == .finished, "\(run.report)")
        receiver.withLock { $0 }?.waitUntilExit()
        try check(file)
    }

    @Test func aGraphThatStopsWhileItCallsEnds() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try run(graph("srt://127.0.0.1:\(port)", ["connect_timeout_ms": 60_000])) { $0.stop() }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("before srt://127.0.0.1:\(port) answered"))
        #expect(ContinuousClock().now - began < .seconds(10))
    }

    @Test func virtualTimeRefusesIt() {
        #expect(throws: GraphError.self) { try GraphHarness(graph("srt://127.0.0.1:9")) }
    }
}

/// A UDP port that nobody has just now.
private func freePort() -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, size)
            getsockname(descriptor, $0, &size)
        }
        return Int(UInt16(bigEndian: $0.pointee.sin_port))
    }
}
