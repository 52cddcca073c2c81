import FilesPlugin
import Foundation
import Net
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import RTPPlugin

/// Keeps what it receives where a test finds it, in real time.
final class Collector: Node {
    static let descriptor = NodeDescriptor("test-collector", summary: "Keeps what it receives")
    let input = Input<MediaItem>("in")
    @Parameter("tag", help: "under which it is found") var tag: String
    private static let all = Mutex<[String: [Kept]]>([:])

    struct Kept: Sendable {
        var bytes: [UInt8]
        var header: MediaItem.Header
        var format: MediaFormat
        var item: MediaItem
    }

    static func take(_ tag: String) -> [Kept] { all.withLock { $0.removeValue(forKey: tag) ?? [] } }
    static func count(_ tag: String) -> Int { all.withLock { $0[tag]?.count ?? 0 } }

    func process(now: Instant) {
        while let item = input.next() {
            let bytes = (item as? Packet).map { Array($0.bytes) } ?? []
            let kept = Kept(bytes: bytes, header: item.header, format: item.format, item: item)
            Collector.all.withLock { $0[tag, default: []].append(kept) }
        }
    }
}

/// Files, ports and processes of one test. Real sockets on the loopback.
final class Rig {
    let scratch: Scratch
    let port: Int
    var audioPort: Int { port + 2 }
    var sdp: String { path("stream.sdp") }

    init() throws {
        scratch = try Scratch()
        port = Ports.four()
    }

    func path(_ name: String) -> String { scratch.url.appending(path: name).path }
    var folder: URL { scratch.url }

    /// Two seconds of numbered pictures, 30 a second, a keyframe each half second, and a 440 Hz tone.
    enum Clip: String, CaseIterable, Sendable { case h264, vp8, bframes }

    func clip(_ kind: Clip) throws -> String {
        let name = kind == .vp8 ? "clip.webm" : "clip.mkv"
        try Data(Rig.clips[kind]!).write(to: folder.appending(path: name))
        return path(name)
    }

    static let size = (width: 320, height: 180, frames: 60)

    private static let pictures: [UInt8] = try! {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            [
                "open": "pattern", "width": .integer(size.width), "height": .integer(size.height), "duration_s": 2,
                "pace": "fast",
            ])
        graph.node("sink", TestSink.self)
        graph.edge("source.video -> sink.in")
        let harness = try GraphHarness(graph)
        harness.run()
        return harness.sink("sink").received.flatMap { ($0.item as! VideoFrame).packed }
    }()

    static let clips: [Clip: [UInt8]] = try! Dictionary(
        uniqueKeysWithValues: Clip.allCases.map { kind in
            let codec =
                switch kind {
                case .vp8:
                    [
                        "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "1M", "-g", "15",
                        "-keyint_min", "15",
                    ]
                case .h264:
                    [
                        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline",
                        "-b:v", "2M", "-g", "15",
                    ]
                case .bframes: ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "1M", "-g", "15", "-bf", "2"]
                }
            let bytes = try FFmpeg.run(
                [
                    "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
                    "\(size.width)x\(size.height)",
                    "-r", "30", "-i", "pipe:0", "-f", "lavfi", "-i", "sine=frequency=440:r=48000:d=2",
                ] + codec + [
                    "-ac", "2", "-c:a", "libopus", "-b:a", "96k", "-frame_duration", "20", "-shortest", "-f",
                    kind == .vp8 ? "webm" : "matroska", "pipe:1",
                ], feeding: pictures)
            return (kind, bytes)
        })

    // MARK: Graphs

    /// A clip, packet by packet and in real time, into rtp-output.
    func sending(_ clip: Clip, _ parameters: [String: ParameterValue] = [:], media: String = "both") throws
        -> GraphBuilder
    {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(try self.clip(clip)), "decode": false, "pace": "live"])
        graph.node(
            "out", RTPOutput.self,
            ["video_port": .integer(port), "audio_port": .integer(audioPort), "sdp": .string(sdp)].merging(parameters) {
                $1
            })
        if media != "audio" { graph.edge("source.video -> out.video") }
        if media != "video" { graph.edge("source.audio -> out.audio") }
        return graph
    }

    /// rtp-input into collectors `TAG.video` and `TAG.audio`.
    func receiving(_ tag: String, _ parameters: [String: ParameterValue] = [:], media: String = "both") -> GraphBuilder
    {
        var graph = GraphBuilder()
        graph.node("in", RTPInput.self, ["sdp": .string(sdp)].merging(parameters) { $1 })
        for kind in media == "both" ? ["video", "audio"] : [media] {
            graph.node(kind, Collector.self, ["tag": .string("\(tag).\(kind)")])
            graph.edge("in.\(kind) -> \(kind).in", items: 512, milliseconds: 60_000, optional: true)
        }
        return graph
    }

    struct Ran: Sendable {
        var outcome: RunOutcome
        var report: String

        func metric(_ node: String, _ name: String) -> Int {
            let all = try? JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
            let found = ((all?["nodes"] as? [String: Any])?[node] as? [String: Any])?["metrics"] as? [String: Any]
            return found?[name] as? Int ?? -1
        }
    }

    /// Runs a graph to its end, or a minute. `onEvent` gets every line.
    @discardableResult
    static func run(
        _ graph: GraphBuilder, onEvent: (@Sendable (GraphRun, String) -> Void)? = nil,
        started: (@Sendable (GraphRun) -> Void)? = nil
    ) throws -> Ran {
        var options = RunOptions()
        let holder = Mutex<GraphRun?>(nil)
        options.onEvent = { event in holder.withLock { $0 }.map { onEvent?($0, event.what) } }
        let run = GraphRun(graph.plan, registry: graph.registry, options: options)
        holder.withLock { $0 = run }
        let isOver = Mutex(false)
        Thread.detachNewThread {
            started?(run)
            for _ in 0..<600 where !isOver.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.1) }
            if !isOver.withLock({ $0 }) { run.stop() }
        }
        defer {
            isOver.withLock { $0 = true }
            holder.withLock { $0 = nil }
        }
        return Ran(outcome: try run.execute(), report: run.report)
    }

    private struct Handed: @unchecked Sendable { let graph: GraphBuilder }

    /// Runs a graph beside the test.
    final class Beside: @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)
        private var result: Result<Ran, any Error>?
        private let run = Mutex<GraphRun?>(nil)

        init(_ graph: GraphBuilder) {
            let handed = Handed(graph: graph)
            Thread.detachNewThread { [self] in
                result = Result { try Rig.run(handed.graph, started: { run in self.run.withLock { $0 = run } }) }
                done.signal()
            }
        }

        func stop() { run.withLock { $0 }?.stop() }
        func wait() throws -> Ran {
            done.wait()
            return try result!.get()
        }
    }

    // MARK: Others

    /// Debian's tools. They end by themselves, or after a minute.
    func start(_ words: [String], saying: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "-k", "1", "60"] + words
        process.currentDirectoryURL = folder
        let log = folder.appending(path: saying ?? "said.txt")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardOutput = try FileHandle(forWritingTo: log)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    func said(_ name: String = "said.txt") -> String {
        (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }

    /// Waits for a condition of another process or thread.
    func wait(for what: String, _ condition: () -> Bool) throws {
        try TestSupport.wait(for: what, said: { ["the peer": said()] }, condition)
    }

    /// Whether some process has bound that UDP port.
    static func isBound(_ port: Int) -> Bool { Ports.isBound(port) }

    func pictures(of file: String) throws -> [Int?] {
        let raw = try FFmpeg.run(
            [
                "ffmpeg", "-v", "fatal", "-i", path(file), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                "passthrough", "pipe:1",
            ],
            feeding: [])
        return numbers(raw, width: Rig.size.width, height: Rig.size.height)
    }

    func samples(of file: String) throws -> Int {
        try FFmpeg.run(
            ["ffmpeg", "-v", "fatal", "-i", path(file), "-vn", "-f", "s16le", "-ar", "48000", "-ac", "1", "pipe:1"],
            feeding: []
        ).count / 2
    }

    /// 20 ms from packet to packet, less where the encoder's delay is cut off the first; the clip counts milliseconds.
    static func isEven(_ audio: [Collector.Kept]) -> Bool {
        zip(audio.dropFirst(), audio.dropFirst(2)).allSatisfy {
            abs(($1.header.pts - $0.header.pts).milliseconds - 20) <= 1.01
        }
    }

    /// The numbers go up one by one to the clip's last picture, and began no later than with its second keyframe.
    static func isWhole(_ numbers: [Int?], from latest: Int = 30) -> Bool {
        guard let first = numbers.first ?? nil, first <= latest else { return false }
        return numbers == Array(first..<size.frames)
    }
}
