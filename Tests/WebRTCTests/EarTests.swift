import COpus
import Foundation
import ICE
import Net
import RTP
import SRTP
import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import OpusPlugin
@testable import PacerPlugin
@testable import SegmentsPlugin
@testable import SyncPlugin
@testable import WebRTCPlugin

/// From an interruption at `av-segments` to the packets that a peer is sent, in virtual time: through the nodes of the
/// graph `avatar`, and the sender of `webrtc-output`.
@Suite("Interruptions, heard by a peer") struct EarTests {
    /// Takes what is sent.
    private final class Ear: PortSender, Sendable {
        let datagrams = Mutex<[[UInt8]]>([])

        func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome {
            var outcome = DatagramBatch.Outcome()
            batch.withEach { datagram in
                datagrams.withLock { $0.append(Array(datagram)) }
                outcome.sent += 1
            }
            batch.clear()
            return outcome
        }
    }

    /// One packet, when it was sent, and its sound.
    private struct Heard {
        let at: Double
        let header: RTPHeader
        let bytes: Int
        let samples: [Int16]
    }

    private static let turns = 40
    private static let rate = 48_000

    /// Turns of a loud tone, each interrupted at a moment that is no multiple of anything, in ms; the next one begins
    /// 600 ms later.
    private static let take: (bytes: [UInt8], calls: [Double], begins: [Double]) = {
        var dice = Dice(seed: 11)
        let tone = (0..<48_000).flatMap { index -> [UInt8] in
            let value = Int16(12_000 * sin(2 * .pi * 440 * Double(index) / Double(rate)))
            return [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        }
        var take: [UInt8] = []
        func add(_ kind: UInt8, _ json: String, _ payload: [UInt8] = []) {
            take += Array("AVS1".utf8) + [kind, 0, 0, 0]
            for count in [json.utf8.count, payload.count] {
                take += (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
            }
            take += Array(json.utf8) + payload
        }
        var (calls, begins): ([Double], [Double]) = ([], [])
        var time = 0.0
        for turn in 1...turns {
            begins.append(time)
            for sequence in 1...2 {
                add(
                    2, #"{"epoch":\#(turn),"segment_seq":\#(sequence),"audio_samples":48000,"sample_rate":48000}"#, tone
                )
            }
            calls.append(time + Double.random(in: 400...900, using: &dice))
            add(1, #"{"type":"interrupt","epoch":\#(turn + 1),"at_ms":\#(calls[turn - 1])}"#)
            time = calls[turn - 1] + 600
            add(1, #"{"type":"calibration","on":false,"at_ms":\#(time)}"#)
        }
        return (take, calls, begins)
    }()

    private func listen() throws -> [Heard] {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "take.avs")
        try Data(Self.take.bytes).write(to: file)
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        PacerPlugin.provideServices(to: registry)
        var graph = GraphBuilder(registry: registry)
        graph.node("avatar", AVSegments.self, ["file": .string(file.path)])
        graph.node("late", AVDelay.self)
        graph.node("voice", Pacer.self, ["frame_ms": 20, "status_s": 0])
        graph.node("opus", OpusEncoderNode.self)
        graph.node("peer", TestSink.self)
        graph.edge("avatar.audio -> late.in")
        graph.edge("late.out -> voice.in", items: 50, milliseconds: 1_000)
        graph.edge("voice.out -> opus.in")
        graph.edge("opus.out -> peer.in")
        let harness = try GraphHarness(graph)
        // Until just behind the last interruption: at the end of the take the voice would end as well.
        let end = Self.take.calls[Self.turns - 1] + 500
        harness.advance(to: Instant(nanoseconds: Int64(end * 1e6)))
        let context = try #require(harness.context(of: "opus"))
        return try sent(harness.sink("peer").received.map { ($0.item as! Packet, $0.at) }, context)
    }

    /// The packets to a peer that is connected, read as it reads them.
    private func sent(_ packets: [(packet: Packet, at: Instant)], _ context: NodeContext) throws -> [Heard] {
        let ear = Ear()
        let link = PeerLink(1, ear) { _ in }
        link.take(.route(ICERoute(SocketAddress(numeric: "192.0.2.7", port: 5_000)!)))
        let stream = SharedStream(.opus, limit: PeerSession.payloadLimit, line: SharedLine())
        let medium = PeerSession.SentMedium(
            payloadType: 111, repair: nil, redundantType: nil, ssrc: 5, extensions: SenderExtensions(),
            isRepaired: false, stream: stream)
        let suite = CryptoSuite.aesGCM128
        let key = Array(UInt8(0)..<UInt8(suite.keyLength))
        let protect = try SRTPContext(suite, key: key, .sending, repeats: true)
        let open = try SRTPContext(suite, key: key, .receiving)
        let sender = SentStream(medium, protect, PeerWay(link), SentStream.Metrics(context, "audio"))
        sender.begin(now: Instant(nanoseconds: 0))
        var code: Int32 = 0
        let decoder = try #require(opus_decoder_create(Int32(Self.rate), 1, &code))
        defer { opus_decoder_destroy(decoder) }
        var heard: [Heard] = []
        for (packet, at) in packets {
            sender.send(packet, now: at)
            let datagrams = ear.datagrams.withLock { all in
                defer { all = [] }
                return all
            }
            for var datagram in datagrams {
                try datagram.withUnsafeMutableBytes { room in
                    guard case .packet(let count) = open.unprotect(room, count: room.count),
                        let (header, payload) = RTPHeader.parse(UnsafeRawBufferPointer(rebasing: room[..<count]))
                    else {
                        Issue.record("a packet that is none")
                        return
                    }
                    var samples = [Int16](repeating: 0, count: 5_760)
                    let bytes = room.baseAddress! + payload.lowerBound
                    let got = opus_decode(
                        decoder, bytes.assumingMemoryBound(to: UInt8.self), Int32(payload.count), &samples, 5_760, 0)
                    try #require(got > 0)
                    heard.append(
                        Heard(
                            at: Double(at.nanoseconds) / 1e6, header: header, bytes: payload.count,
                            samples: Array(samples[..<Int(got)])))
                }
            }
        }
        return heard
    }

    @Test func theStreamNeverStopsAndSilenceFollowsTheFadedFrameOnTheSameGrid() throws {
        let heard = try listen()
        #expect(heard.count > 1_500)
        // One packet every 20 ms, 960 samples further, with something in it.
        var faults: [String] = []
        for (before, packet) in zip(heard, heard.dropFirst()) {
            let step = packet.header.timestamp &- before.header.timestamp
            if abs(packet.at - before.at - 20) > 0.001 || step != 960
                || packet.header.sequence != before.header.sequence &+ 1
            {
                faults.append("at \(packet.at): \(packet.at - before.at) ms, \(step) samples")
            }
        }
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(5))")
        #expect(heard.allSatisfy { $0.bytes > 0 && $0.samples.count == 960 })

        for (turn, call) in Self.take.calls.enumerated() {
            let next = turn + 1 < Self.turns ? Self.take.begins[turn + 1] : .infinity
            // The tone is there until the call.
            let before = heard.filter { $0.at > call - 200 && $0.at <= call - 20 }
            #expect(before.allSatisfy { loudness($0) > 8_000 }, "turn \(turn + 1)")
            // The last one that is louder than a tenth of it is sent within two frames of the call: the one that fades,
            // and the one that the encoder's delay reaches into.
            let behind = heard.filter { $0.at > call && $0.at < next }
            #expect(!behind.isEmpty)
            let loud = behind.last { loudness($0) > 1_200 }
            #expect((loud?.at ?? call) <= call + 40, "turn \(turn + 1): \((loud?.at ?? call) - call) ms")
            // Then nothing at all.
            let quiet = behind.filter { $0.at > call + 60 }
            #expect(quiet.allSatisfy { loudness($0) < 40 }, "turn \(turn + 1)")
        }
    }

    private func loudness(_ heard: Heard) -> Int { heard.samples.reduce(0) { max($0, Int($1.magnitude)) } }
}
