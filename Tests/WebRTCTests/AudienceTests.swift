import ICE
import Net
import RTP
import SRTP
import Sluice
import SluiceTesting
import Synchronization
import Testing

@testable import WebRTCPlugin

/// Streams to viewers with sockets of the loopback, which hands over within the call that sends.
@Suite("A stream to its viewers") struct AudienceTests {
    /// A node for its counters alone.
    final class Counting: Node {
        static let descriptor = NodeDescriptor("counting", summary: "Has counters")
        static var metrics: [Metric] { SentStream.declared }
        let input = Input<Packet>("in")
        init() {}
        func process(now: Instant) { while input.next() != nil {} }
    }

    private final class Viewer {
        let there: UDPSocket
        let stream: SentStream
        let turn = SessionTurn()
        let member: Audience.Member
        let port: IdlePort
        private let link: PeerLink
        private let opening: SRTPContext

        init(_ shared: SharedStream, _ port: IdlePort, _ context: NodeContext, key: UInt8) throws {
            self.port = port
            there = try UDPSocket(boundTo: SocketAddress(numeric: "127.0.0.1", port: 0)!)
            let (suite, ssrc) = (CryptoSuite.aesGCM128, UInt32(key) << 8)
            let bytes = [UInt8](repeating: key, count: suite.keyLength)
            opening = try SRTPContext(suite, key: bytes, .receiving)
            link = PeerLink(Int(key), port) { _ in }
            link.take(.route(ICERoute(there.local)))
            stream = SentStream(
                PeerSession.SentMedium(
                    payloadType: 96, repair: (ssrc + 1, 97), ssrc: ssrc, extensions: SenderExtensions(),
                    isRepaired: true, stream: shared),
                try SRTPContext(suite, key: bytes, .sending, repeats: true), PeerWay(link),
                SentStream.Metrics(context, "video"))
            member = Audience.Member(stream, turn, context.handle)
        }

        /// Packets that have come, opened.
        func arrived() throws -> [(header: RTPHeader, payload: [UInt8])] {
            port.outbox.flush()
            let batch = DatagramBatch(capacity: 64, room: 2_048)
            var found: [(header: RTPHeader, payload: [UInt8])] = []
            while batch.receive(on: there) == 0, batch.count > 0 {
                for index in 0..<batch.count {
                    let (room, count) = batch.datagram(index)
                    guard case .packet(let size) = opening.unprotect(room, count: count) else {
                        Issue.record("a packet that is not authentic")
                        continue
                    }
                    let packet = UnsafeRawBufferPointer(rebasing: room[..<size])
                    let (header, payload) = try #require(RTPHeader.parse(packet))
                    found.append((header, Array(packet[payload])))
                }
            }
            return found
        }
    }

    private let harness: NodeHarness<Counting>
    private let port: IdlePort

    init() throws {
        harness = try NodeHarness(Counting.self)
        port = IdlePort(try UDPSocket(boundTo: SocketAddress(numeric: "127.0.0.1", port: 0)!))
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func viewer(_ shared: SharedStream, key: UInt8) throws -> Viewer {
        try Viewer(shared, port, harness.context, key: key)
    }

    @Test func eachHasItsOwnKeyAndNumbersAndTheSamePayload() throws {
        let shared = SharedStream(.opus, limit: 1_100, line: SharedLine())
        let (one, other) = (try viewer(shared, key: 1), try viewer(shared, key: 2))
        shared.audience.add(one.member)
        shared.audience.add(other.member)
        for (number, packet) in TestMedia.packets(TestMedia.codedAudio(), count: 3).enumerated() {
            let now = at(20 * Int64(number))
            shared.audience.send(shared.frame(of: packet, now: now), now: now)
        }
        let (first, second) = (try one.arrived(), try other.arrived())
        #expect(first.count == 3 && second.count == 3)
        #expect(first.allSatisfy { $0.header.ssrc == 0x100 } && second.allSatisfy { $0.header.ssrc == 0x200 })
        #expect(zip(first, second).allSatisfy { $0.payload == $1.payload })
        for all in [first, second] {
            #expect(zip(all, all.dropFirst()).allSatisfy { $1.header.sequence == $0.header.sequence &+ 1 })
            #expect(zip(all, all.dropFirst()).allSatisfy { $1.header.timestamp == $0.header.timestamp &+ 960 })
        }
    }

    @Test func whoHasLeftGetsNothingMore() throws {
        let shared = SharedStream(.opus, limit: 1_100, line: SharedLine())
        let (one, other) = (try viewer(shared, key: 1), try viewer(shared, key: 2))
        shared.audience.add(one.member)
        shared.audience.add(other.member)
        shared.audience.remove(one.member)
        let packet = TestMedia.packets(TestMedia.codedAudio(), count: 1)[0]
        shared.audience.send(shared.frame(of: packet, now: at(0)), now: at(0))
        #expect(try one.arrived().isEmpty && other.arrived().count == 1)
    }

    @Test func whatHasTimeIsDoneBehindTheNextFrame() throws {
        let shared = SharedStream(.opus, limit: 1_100, line: SharedLine())
        let done = Mutex<[Int]>([])
        for number in 0..<3 { shared.audience.afterNextFrame(at(0)) { done.withLock { $0.append(number) } } }
        #expect(done.withLock { $0 } == [])
        for packet in TestMedia.packets(TestMedia.codedAudio(), count: 2) {
            shared.audience.send(shared.frame(of: packet, now: at(0)), now: at(0))
            #expect(done.withLock { $0 } == [0, 1, 2])
        }
    }

    /// As where the audio of a session pauses and its video goes on.
    @Test func withoutAFrameNothingWaitsLongerThanASecond() {
        let audience = Audience()
        let done = Mutex<[Int]>([])
        for number in 0..<4 {
            audience.afterNextFrame(at(400 * Int64(number))) { done.withLock { $0.append(number) } }
            #expect(done.withLock { $0 } == (number < 3 ? [] : [0, 1, 2, 3]))
        }
        audience.afterNextFrame(at(1_300)) { done.withLock { $0.append(4) } }
        #expect(done.withLock { $0 }.count == 4)
    }

    @Test func aPacketThatIsAskedForIsALossWhileAViewerCatchesUp() throws {
        let shared = SharedStream(.vp8, limit: 1_100, line: SharedLine(), cached: .milliseconds(4_000))
        let packets = TestMedia.packets(count: 90, group: 80, bytes: 5_000)
        for number in 0..<60 { _ = shared.frame(of: packets[number], now: at(20 * Int64(number))) }
        let viewer = try viewer(shared, key: 1)
        shared.audience.add(viewer.member)
        viewer.stream.begin(now: at(1_200))
        viewer.stream.pump(now: at(1_200))
        let first = try viewer.arrived()
        #expect(!first.isEmpty && viewer.stream.needsNode)
        viewer.stream.sendAgain([first[0].header.sequence], now: at(1_230))
        let sequence = try viewer.arrived().last?.header
        #expect(sequence?.payloadType == 97)
        // The picture that has begun ends; then nothing until the keyframe, which is asked for.
        viewer.stream.pump(now: at(1_240))
        let isAsked = viewer.stream.keyframes.take(now: at(1_240))
        #expect(isAsked)
        for number in 60..<80 {
            let now = at(20 * Int64(number) + 100)
            shared.audience.send(shared.frame(of: packets[number], now: now), now: now)
        }
        let between = try viewer.arrived()
        #expect(Set(between.map(\.header.timestamp)).count <= 1, "\(between.count) packets")
        shared.audience.send(shared.frame(of: packets[80], now: at(1_700)), now: at(1_700))
        #expect(try viewer.arrived().count == 5)
    }

    @Test func oneWhoAsksForEverythingForEverIsBoundedAndTold() throws {
        let shared = SharedStream(.vp8, limit: 1_100, line: SharedLine(), cached: .milliseconds(4_000))
        let viewer = try viewer(shared, key: 1)
        let packets = TestMedia.packets(count: 10, bytes: 1_000)
        _ = shared.frame(of: packets[0], now: at(0))
        shared.audience.add(viewer.member)
        viewer.stream.begin(now: at(0))
        viewer.stream.pump(now: at(0))
        for (number, packet) in packets.enumerated().dropFirst() {
            let now = at(20 * Int64(number))
            shared.audience.send(shared.frame(of: packet, now: now), now: now)
        }
        let sent = try viewer.arrived()
        #expect(sent.count == 10)
        var (told, again) = (0, 0)
        for round in 0..<20 {
            viewer.stream.sendAgain(sent.map(\.header.sequence), now: at(300 + 30 * Int64(round)))
            again += try viewer.arrived().count
            if viewer.stream.takeExcess() { told += 1 }
        }
        // As much again as was sent, and 32 KiB.
        #expect((30...43).contains(again) && told == 1, "\(again) packets, told \(told) times")
        let counted = harness.context.counter("video_sent_again").count
        #expect(counted == again && harness.context.counter("video_not_sent_again").count == 200 - again)
    }
}
