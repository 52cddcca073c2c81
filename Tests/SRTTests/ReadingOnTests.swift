import FilesPlugin
import Foundation
@_spi(Host) import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import SRTPlugin

/// Takes nothing for a time after the start, then everything, and notes when it had come.
private final class Sleeper: Node {
    static let descriptor = NodeDescriptor("sleeper", summary: "Takes nothing for a time")
    let input = Input<Packet>("in", .codedVideo | .codedAudio)
    @Parameter("sleep_ms", default: 0, range: 0...60_000, help: "for so long after the first packet") var sleep: Int
    private var context: NodeContext!
    private var wakes: Instant?

    struct Seen {
        var pts: MediaTime
        var captured: Instant
        var taken: Instant
        var isKeyframe: Bool
    }
    static let all = Mutex<[String: [Seen]]>([:])

    init() {}
    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        guard input.peek() != nil else { return }
        let until = wakes ?? now + .milliseconds(Int64(sleep))
        wakes = until
        guard now >= until else { return context.wake(at: until) }
        while let packet = input.next() {
            let seen = Seen(
                pts: packet.header.pts, captured: packet.header.captured, taken: now,
                isKeyframe: packet.header.flags.contains(.keyframe))
            Sleeper.all.withLock { $0[context.name, default: []].append(seen) }
        }
    }
}

/// `srt-input` and nodes behind it that take nothing.
@Suite("srt-input reads on", .serialized, .realPeers) struct ReadingOnTests {
    private let place: Place

    init() throws {
        place = try Place()
        Sleeper.all.withLock { $0 = [:] }
    }

    private func graph(_ parameters: [String: ParameterValue] = [:], sleep: Int) -> GraphBuilder {
        var graph = GraphBuilder()
        let all: [String: ParameterValue] = ["url": .string(place.listening), "latency_ms": 60, "reconnect": false]
        graph.node("in", SRTInput.self, all.merging(parameters) { $1 })
        graph.node("video", Sleeper.self, ["sleep_ms": .integer(sleep)])
        graph.node("audio", Sleeper.self)
        graph.edge("in.video -> video.in", items: 2)
        graph.edge("in.audio -> audio.in", items: 2)
        return graph
    }

    private func seen(_ name: String) -> [Sleeper.Seen] { Sleeper.all.withLock { $0[name] ?? [] } }

    @Test func whateverItsOutputsTakeAndStampsArrivalWhenItIsThere() throws {
        let (outcome, report) = try execute(graph(sleep: 1_200)) { [place] _ in
            _ = try startPeer(place.ffmpeg(to: place.address))
        }
        #expect(outcome == .finished, "\(report)")
        let (video, audio) = (seen("video"), seen("audio"))
        #expect(video.count >= 54 && nodeMetrics(report, "in")["video_dropped"] == 0, "\(video.count)\n\(report)")
        // The pictures lay behind the node for over a second; their arrival tells nothing of it.
        let first = try #require(video.first)
        #expect((first.taken - first.captured).seconds > 1, "\((first.taken - first.captured).seconds)")
        let last = try #require(video.last)
        let spread = (last.captured - first.captured).seconds - (last.pts - first.pts).seconds
        #expect(abs(spread) < 0.5, "\(spread)")
        // The audio went on.
        let waited = audio.map { ($0.taken - $0.captured).seconds }.max() ?? 9
        #expect(audio.count > 80 && waited < 0.8, "\(audio.count), \(waited)")
    }

    @Test func withinBoundsAndCountsWhatItLeavesOut() throws {
        let (outcome, report) = try execute(graph(["hold_ms": 300], sleep: 1_500)) { [place] _ in
            _ = try startPeer(place.ffmpeg(to: place.address))
        }
        #expect(outcome == .finished, "\(report)")
        let left = nodeMetrics(report, "in")["video_dropped"] ?? 0
        #expect(left >= 10 && seen("video").count + left >= 54, "\(left), \(seen("video").count)")
        #expect(nodeMetrics(report, "in")["audio_dropped"] == 0)
        #expect(report.contains("video is left out, since the node behind takes none for longer than hold_ms"))
    }

    @Test func whatHasArrivedWhenTheGraphStopsIsHandedOn() throws {
        let arrived = Mutexed<Int>()
        let sending = place.sender(["latency_ms": 800, "url": .string(place.address)], loop: true)
        let sender = begin(sending)
        let (outcome, report) = try execute(place.receiver(["latency_ms": 800])) { run in
            try waitUntil("media", run) { nodeMetrics(run.report, "in")["packets_received_unique"] ?? 0 > 200 }
            arrived.set(nodeMetrics(run.report, "in")["packets_received_unique"])
            run.stop()
        }
        sender.stop()
        #expect(outcome != .failed, "\(report)")
        let handed = nodeMetrics(report, "in")["datagrams"] ?? 0
        #expect(handed >= arrived.get() ?? .max, "\(handed) of \(arrived.get() ?? -1)")
    }
}
