import Foundation
import Net
import RTP
import SRTP
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import WebRTCPlugin

/// `webrtc-microphone` and viewers whose microphones come and go.
@Suite("A microphone that stays") struct MicrophoneTests {
    /// A viewer that is connected and speaks.
    private final class Viewer {
        let link: PeerLink
        let medium: PeerSession.ReceivedMedium
        private let protection: SRTPContext
        private var voice: StreamSender
        private var count = 0
        var said: Int { count }

        init(_ number: Int) throws {
            link = PeerLink(number, NoPeer()) { _ in }
            let answer = try PublisherAnswer(to: Offers.publisher, codecs: [.vp8], candidates: [])
            medium = try #require(answer.session(link, peer: "192.0.2.7:5000").receivedAudio)
            let rig = try TransportRig()
            rig.check()
            rig.shakeHands()
            let keys = try #require(rig.keys)
            protection = try SRTPContext(keys.suite, key: keys.receiving, .sending)
            voice = StreamSender(.opus, payloadType: 111, ssrc: 7, sequence: 1, timestampOffset: 0)
            link.take(.connected(keys))
        }

        func say(_ frames: Int) {
            for _ in 0..<frames {
                [0xf8, 1, 2].withUnsafeBytes { voice.begin($0, at: .milliseconds(Int64(20 * count)), isKeyframe: true) }
                count += 1
                var room = [UInt8](repeating: 0, count: 1_300)
                room.withUnsafeMutableBytes { room in
                    guard let size = voice.next(into: room), let whole = protection.protect(room, count: size) else {
                        return
                    }
                    link.take(UnsafeRawBufferPointer(rebasing: room[..<whole]), at: SystemClock.monotonic)
                }
            }
        }
    }

    /// Counts what it gets.
    private final class Counter: Node {
        static let descriptor = NodeDescriptor("test-counter", summary: "Counts what it gets")
        static let heard = Mutex<[String: [MediaTime]]>([:])
        let input = Input<Packet>("in")
        @Parameter("tag", help: "The name of the count.") var tag: String
        init() {}
        func process(now: Instant) {
            while let packet = input.next() {
                Counter.heard.withLock { $0[tag, default: []].append(packet.header.pts) }
            }
        }
    }

    /// A graph of the microphone alone, which runs beside the test.
    private final class Rig: @unchecked Sendable {
        let microphones = ViewerMicrophones()
        private let tag = UUID().uuidString
        private let run: GraphRun
        private let done = DispatchSemaphore(value: 0)

        init() throws {
            let (registry, microphones) = (NodeRegistry(), microphones)
            registry.provide(ViewerMicrophones.self) { microphones }
            var graph = GraphBuilder(registry: registry)
            graph.node("ear", WebRTCMicrophone.self, ["of": "stage"])
            graph.node("count", Counter.self, ["tag": .string(tag)])
            graph.edge("ear.audio -> count.in", items: 512, milliseconds: 60_000)
            run = GraphRun(graph.plan, registry: registry, options: RunOptions())
            Thread.detachNewThread { [self] in
                _ = try? run.execute()
                done.signal()
            }
            try wait(for: "the microphone") { microphones["stage"] != nil }
        }

        var line: ViewerMicrophones.Line { get throws { try #require(microphones["stage"]) } }
        var heard: [MediaTime] { Counter.heard.withLock { $0[tag] ?? [] } }

        /// The viewer speaks until so many packets more were heard: before the graph listens nothing is kept.
        func hear(_ viewer: Viewer, _ count: Int) throws {
            for _ in 0..<count {
                let before = heard.count
                try wait(
                    for: "a packet", said: { ["the graph": run.report] },
                    {
                        viewer.say(1)
                        return heard.count > before
                    })
            }
        }

        /// Ends it, and gives what it has counted.
        func end() throws -> (packets: Int, notAuthentic: Int) {
            run.stop()
            done.wait()
            let all = try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any]
            let node = (all?["nodes"] as? [String: Any])?["ear"] as? [String: Any]
            let metrics = node?["metrics"] as? [String: Any]
            return (metrics?["audio_packets"] as? Int ?? -1, metrics?["not_authentic"] as? Int ?? -1)
        }
    }

    @Test func aSecondBeginningOfOneViewerIsHeardOnce() throws {
        let (rig, viewer) = (try Rig(), try Viewer(1))
        try rig.line.begin(viewer.link, viewer.medium, cname: "us")
        try rig.hear(viewer, 10)
        // It begins anew on the same connection, and goes and comes back.
        for _ in 0..<2 { try rig.line.begin(viewer.link, viewer.medium, cname: "us") }
        try rig.hear(viewer, 10)
        try rig.line.end(1)
        try rig.line.begin(viewer.link, viewer.medium, cname: "us")
        try rig.hear(viewer, 10)
        let counted = try rig.end()
        let times = rig.heard
        #expect(counted.packets == times.count && counted.notAuthentic == 0, "\(counted)")
        #expect(times.count >= 30 && zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func anotherViewerTakesThePlaceOfTheOneBefore() throws {
        let (rig, one, other) = (try Rig(), try Viewer(1), try Viewer(2))
        try rig.line.begin(one.link, one.medium, cname: "us")
        try rig.hear(one, 5)
        try rig.line.begin(other.link, other.medium, cname: "us")
        try rig.hear(other, 5)
        // From here on all that is heard is the other's.
        let (before, said) = (rig.heard.count, other.said)
        one.say(50)
        try rig.hear(other, 5)
        let counted = try rig.end()
        #expect(rig.heard.count - before <= other.said - said + 5 && counted.notAuthentic == 0, "\(counted)")
    }
}
