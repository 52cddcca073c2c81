import RTP
import SRTP
import Sluice
import TestSupport
import Testing

/// Frames are cut once and shared by viewers, each with its own numbers, and go out again where they are missed.
@Suite struct SendingAgainTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func viewer(_ ssrc: UInt32, sequence: UInt16, keep: Int64 = 500) -> StreamSender {
        StreamSender(
            .vp8, payloadType: 96, ssrc: ssrc, sequence: sequence, timestampOffset: ssrc &* 1_000,
            extensions: SenderExtensions(transportSequence: 1, captureTime: 2),
            keeping: SentPackets(keep: .milliseconds(keep)))
    }

    private func packets(_ sender: inout StreamSender, _ frame: PacketizedFrame, _ index: Int64) -> [[UInt8]] {
        sender.begin(frame, at: .milliseconds(index * 33), captured: NTPTime(bits: UInt64(index) << 32))
        var all: [[UInt8]] = []
        var room = [UInt8](repeating: 0, count: 1_400)
        while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: at(index * 33)) }) {
            all.append(Array(room.prefix(size)))
        }
        return all
    }

    private func again(_ sender: inout StreamSender, _ sequence: UInt16, now: Int64) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_400)
        let size = room.withUnsafeMutableBytes { sender.again(sequence, into: $0, now: at(now)) }
        return size.map { Array(room.prefix($0)) }
    }

    @Test func viewersShareFramesAndHaveNumbersOfTheirOwn() {
        var packetizer = FramePacketizer(.vp8, limit: 1_000)
        var viewers = [viewer(5, sequence: 65_530), viewer(6, sequence: 7)]
        let benches = viewers.map { _ in ReceiverBench(.vp8, isAuthenticated: true) }
        var sent: [[UInt8]] = []
        for index in 0..<40 {
            let bytes = MadeFrames.vp8(300 + index * 150, isKeyframe: index % 10 == 0, seed: index)
            sent.append(bytes)
            let frame = bytes.withUnsafeBytes { packetizer.frame($0, isKeyframe: index % 10 == 0) }
            for viewer in viewers.indices {
                for packet in packets(&viewers[viewer], frame, Int64(index)) {
                    benches[viewer].receive(packet, at: Double(index) * 33)
                }
            }
        }
        for (bench, ssrc) in zip(benches, [UInt32(5), 6]) {
            #expect(bench.frames.map(\.bytes) == sent && bench.receiver.source == ssrc)
            #expect(bench.frames[1].timestamp - bench.frames[0].timestamp == 2_970)
        }
        #expect(viewers[0].packets == viewers[1].packets && viewers[0].sequence &- 65_530 == viewers[1].sequence - 7)
    }

    @Test func whatIsMissedGoesOutAgainToTheBitAndNotTooOften() {
        var packetizer = FramePacketizer(.vp8, limit: 1_000)
        var sender = viewer(5, sequence: 65_534)
        var all: [[UInt8]] = []
        for index in 0..<10 {
            let bytes = MadeFrames.vp8(2_500, isKeyframe: index == 0, seed: index)
            all += packets(
                &sender, bytes.withUnsafeBytes { packetizer.frame($0, isKeyframe: index == 0) }, Int64(index))
        }
        #expect(all.count == 30)
        for (index, packet) in all.enumerated() {
            #expect(again(&sender, 65_534 &+ UInt16(index), now: 330) == packet)
        }
        // Asked for at once again; a little later; when it is kept no more; what never was.
        #expect(again(&sender, 65_534, now: 340) == nil)
        #expect(again(&sender, 65_534, now: 350) == all[0])
        #expect(again(&sender, 65_534, now: 501) == nil && again(&sender, 5, now: 501) != nil)
        #expect(again(&sender, 65_533, now: 501) == nil && again(&sender, 40, now: 501) == nil)
    }

    @Test func whatIsKeptIsBoundedInPacketsAndBytes() {
        for (capacity, bytes, most) in [(16, 1 << 20, 16), (1_024, 10_000, 10)] {
            var sender = StreamSender(
                .vp8, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0,
                keeping: SentPackets(keep: .milliseconds(60_000), capacity: capacity, mostBytes: bytes))
            for index in 0..<100 {
                _ = sender.packets(of: MadeFrames.vp8(2_000, isKeyframe: true, seed: index), at: .zero)
            }
            #expect((1...most).contains(sender.sent?.count ?? 0))
        }
    }

    @Test(arguments: CryptoSuite.allCases) func protectedPacketsGoOutAgainUnderTheSameNumbers(_ suite: CryptoSuite)
        throws
    {
        let key = (0..<suite.keyLength).map { UInt8($0) }
        let (out, back) = (
            try SRTPContext(suite, key: key, .sending, repeats: true), try SRTPContext(suite, key: key, .receiving)
        )
        var packetizer = FramePacketizer(.vp8, limit: 1_000)
        var sender = viewer(5, sequence: 100)
        func protect(_ packet: [UInt8]) -> [UInt8] {
            var room = packet + [UInt8](repeating: 0, count: SRTPContext.trailer)
            let size = room.withUnsafeMutableBytes { out.protect($0, count: packet.count) }
            return Array(room.prefix(size ?? 0))
        }
        let bytes = MadeFrames.vp8(5_000, isKeyframe: true, seed: 1)
        let frame = bytes.withUnsafeBytes { packetizer.frame($0, isKeyframe: true) }
        let plain = packets(&sender, frame, 1)
        let first = plain.map(protect)
        let second = try (0..<plain.count).map { protect(try #require(again(&sender, 100 + UInt16($0), now: 60))) }
        // The same bytes, so the key stands for nothing twice.
        #expect(first == second && first.allSatisfy { $0.count > 500 })
        var lost = second[2]
        let size = lost.count
        let verdict = lost.withUnsafeMutableBytes { back.unprotect($0, count: size) }
        #expect(verdict == .packet(plain[2].count) && Array(lost.prefix(plain[2].count)) == plain[2])
    }
}
