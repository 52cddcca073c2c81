import FilesPlugin
import Foundation
import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

/// Two seconds of the pattern, 320x180 at 30/s, as H.264 in Annex B with a keyframe each second, and Opus, in MPEG-TS.
enum Clip {
    static let bytes: [UInt8] = try! {
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

}

/// A program that ends by itself, or after a minute. `output` and `errors` get what it writes.
@discardableResult
func startPeer(_ words: [String], output: URL? = nil, errors: URL? = nil) throws -> PeerProcess {
    try PeerProcess(words, output: output, errors: errors)
}

/// Whether somebody on this machine has the UDP port.
func isTaken(_ port: Int) -> Bool { Ports.isBound(port) }

/// Runs a graph to its end on the calling thread. `during` is called beside it at the start, each of `events` on the
/// first event whose text holds its words. An error of `during` is thrown at the end.
func execute(
    _ graph: GraphBuilder, on events: [String: @Sendable (EventLog.Event) -> Void] = [:],
    during: (@Sendable (GraphRun) throws -> Void)? = nil
) throws -> (
    outcome: RunOutcome, report: String
) {
    var options = boundedRun
    let pending = Mutexed<[String: @Sendable (EventLog.Event) -> Void]>(events)
    options.onEvent = { event in
        for (words, action) in events where event.what.contains(words) && pending.get()?[words] != nil {
            pending.change { $0?[words] = nil }
            action(event)
        }
    }
    let run = GraphRun(graph.plan, registry: graph.registry, options: options)
    let (failure, done) = (Mutexed<any Error>(), DispatchSemaphore(value: 0))
    if let during {
        Thread.detachNewThread {
            do { try during(run) } catch {
                failure.set(error)
                run.stop()
            }
            done.signal()
        }
    }
    let outcome = try run.execute()
    if during != nil { _ = done.wait(timeout: .now() + 30) }
    if let error = failure.get() { throw error }
    return (outcome, run.report)
}

/// Waits for `condition`; a failure tells what all runs and peers said.
func waitUntil(_ what: String, _ runs: GraphRun..., condition: () -> Bool) throws {
    try wait(
        for: what,
        said: {
            var all = PeerProcess.allSaid
            for (number, run) in runs.enumerated() { all["run \(number + 1)"] = eventLines(run.report) }
            return all
        }, condition)
}

/// A report's events, a line each.
func eventLines(_ report: String) -> String {
    let json = try? JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
    let events = json?["events"] as? [[String: Any]] ?? []
    return events.map { "\($0["t_s"] ?? "") \($0["node"] ?? ""): \($0["what"] ?? "")" }.joined(separator: "\n")
}

/// Every picture of the clip once and in order, and its audio; else the peers' words are told. `cut`: so many may be
/// missing at the end, since the sender, on a busy machine, has closed its socket before they left it.
func checkClip(_ file: URL, cut: Int = 0) throws {
    let pictures = try FFmpeg.run(
        [
            "ffmpeg", "-v", "fatal", "-i", file.path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
            "passthrough", "pipe:1",
        ],
        feeding: [])
    let found = numbers(pictures, width: 320, height: 180)
    let name = file.lastPathComponent
    #expect(
        found == Array(0..<found.count) && found.count <= 60 && found.count >= 60 - cut,
        "\(name) has the pictures \(found)\n\(PeerProcess.allSaid)")
    let audio = try FFmpeg.run(
        ["ffmpeg", "-v", "fatal", "-i", file.path, "-vn", "-f", "s16le", "-ac", "1", "pipe:1"], feeding: [])
    #expect(
        abs(audio.count / 2 - 2 * 48_000) < 4_000 + cut * 1_600,
        "\(name) has \(audio.count / 2) samples of 96000\n\(PeerProcess.allSaid)")
}

/// A UDP port that nobody has, and no other test gets.
func freePort() -> Int { Ports.one() }

/// A UDP socket at a port of this machine; nil where somebody else has it.
func openPort(_ port: Int) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    let code = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    if code == 0 { return descriptor }
    close(descriptor)
    return nil
}

/// A value that several threads use.
final class Mutexed<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value?
    init(_ value: Value? = nil) { self.value = value }
    func set(_ new: Value?) { lock.withLock { value = new } }
    func get() -> Value? { lock.withLock { value } }
    func change(_ body: (inout Value?) -> Void) { lock.withLock { body(&value) } }
}
