import RTP
import Sluice
import TestSupport
import Testing

/// Audio that carries the frame before (RFC 2198).
@Suite struct RedundantAudioTests {
    private func blocks(_ payload: [UInt8]) -> [RedundantAudio.Block]? {
        var found: [RedundantAudio.Block] = []
        // The bytes live as long as `payload`; only facts are looked at behind the call.
        let isWhole = payload.withUnsafeBytes { RedundantAudio.read($0) { found.append($0) } }
        return isWhole ? found : nil
    }

    private func sender(isRedundant: Bool = true) -> StreamSender {
        var sender = StreamSender(
            .opus, payloadType: 111, ssrc: 5, sequence: 65_530, timestampOffset: 0xffff_f000,
            keeping: SentPackets(keep: .milliseconds(1_000)), redundantType: 63)
        sender.isRedundant = isRedundant
        return sender
    }

    private func receiver(deep: Bool = false) -> ReceiverBench {
        var settings = StreamReceiver.Settings(format: .opus, payloadType: 111, delay: .milliseconds(100))
        settings.sources.isTrusting = true
        settings.redundantType = 63
        settings.asksAgain = true
        return ReceiverBench(settings)
    }

    private func frame(_ index: Int, size: Int = 80) -> [UInt8] {
        [0xf8] + (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index &* 31) }
    }

    @Test func aPayloadIsReadAsTheRFCDrawsIt() throws {
        // Section 3: F, block PT, timestamp offset and length of each earlier block, then F = 0 and the own PT.
        let payload: [UInt8] = [0x80 | 111, 0x1e, 0x00, 0x03, 0x80 | 111, 0x0f, 0x00, 0x02, 111, 1, 2, 3, 4, 5, 6]
        let found = try #require(blocks(payload))
        #expect(found.map(\.payloadType) == [111, 111, 111] && found.map(\.following) == [2, 1, 0])
        #expect(found.map(\.timestampOffset) == [1_920, 960, 0] && found.map(\.payload.count) == [3, 2, 1])
        #expect(try #require(blocks([111])).map(\.payload.count) == [0])
        for cut in 0..<14 { #expect(blocks(Array(payload.prefix(cut))) == nil || cut >= 14) }
    }

    @Test func aPacketCarriesTheFrameBefore() throws {
        var sender = sender()
        let (first, second) = (frame(0), frame(1))
        let plain = sender.packets(of: first, at: .zero)[0]
        #expect(plain[1] & 127 == 111 && plain.dropFirst(12).elementsEqual(first))
        let packet = sender.packets(of: second, at: .milliseconds(20))[0]
        #expect(packet[1] & 127 == 63)
        #expect(Array(packet[12..<17]) == [0x80 | 111, 0x0f, 0, 81, 111])
        #expect(packet.dropFirst(17).elementsEqual(first + second))
        #expect(sender.octets == UInt32(first.count + 5 + first.count + second.count))
        var room = [UInt8](repeating: 0, count: 1_200)
        let size = room.withUnsafeMutableBytes { sender.again(65_531, into: $0, now: Instant(nanoseconds: 0)) }
        #expect(size == packet.count && room.prefix(packet.count).elementsEqual(packet))
    }

    @Test func aFrameThatNoHeaderCanTellOrThatDoesNotFitStaysAtHome() {
        var sender = sender()
        let types = [
            // Too long ago: 14 bits are 341 ms.
            (frame(0), Int64(0)), (frame(1), 342), (frame(2), 362),
            // Too long for 10 bits.
            (frame(3, size: 1_023), 382), (frame(4), 402),
            // Together longer than a packet.
            (frame(5, size: 1_000), 422), (frame(6, size: 190), 442), (frame(7), 462),
        ].map { frame, time in sender.packets(of: frame, at: .milliseconds(time)).map { $0[1] & 127 } }
        #expect(types == [[111], [111], [63], [63], [111], [63], [111], [63]])
        sender.isRedundant = false
        #expect(sender.packets(of: frame(8), at: .milliseconds(482))[0][1] & 127 == 111)
        sender.isRedundant = true
        #expect(sender.packets(of: frame(9), at: .milliseconds(502))[0][1] & 127 == 63)
    }

    @Test func everySingleLossIsFilledAtOnceAndNothingComesTwice() {
        for lost in 1..<19 {
            var sender = sender()
            let bench = receiver()
            for index in 0..<20 {
                let packet = sender.packets(of: frame(index), at: .milliseconds(Int64(index) * 20))[0]
                if index != lost { bench.receive(packet, at: Double(index) * 20) }
                if index != lost { #expect(bench.frames.count == index + 1) }
                // The frame has come: it needs not be sent again.
                #expect(bench.receiver.missing?.due == nil)
            }
            #expect(bench.frames.map(\.bytes).elementsEqual((0..<20).map { frame($0) }))
            #expect(zip(bench.frames, bench.frames.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == 960 })
            let counts = bench.receiver.counts
            #expect(counts.filled == 1 && counts.lost == 0 && counts.duplicates == 0 && counts.packets == 19)
            #expect(bench.receiver.statistics.lost == 1)
        }
    }

    @Test func aPacketThatComesBehindItsCopyIsADuplicate() {
        var sender = sender()
        let bench = receiver()
        var packets = (0..<6).map { sender.packets(of: frame($0), at: .milliseconds(Int64($0) * 20))[0] }
        packets.swapAt(2, 3)
        for (index, packet) in packets.enumerated() { bench.receive(packet, at: Double(index) * 20) }
        #expect(bench.frames.map(\.bytes).elementsEqual((0..<6).map { frame($0) }))
        #expect(bench.receiver.counts.filled == 1)
        #expect(bench.receiver.counts.duplicates + bench.receiver.counts.late == 1)
    }

    /// A packet with the frames `distances` before it.
    private func packet(_ index: Int, _ distances: [Int]) -> [UInt8] {
        let earlier = distances.filter { $0 <= index }
        var packet: [UInt8] = [0x80, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]
        let (sequence, timestamp) = (UInt16(truncatingIfNeeded: 65_530 + index), UInt32(index * 960))
        (packet[2], packet[3]) = (UInt8(sequence >> 8), UInt8(sequence & 255))
        for byte in 0..<4 { packet[4 + byte] = UInt8(timestamp >> UInt32(24 - 8 * byte) & 255) }
        for distance in earlier {
            let word = 0x8000_0000 | 111 << 24 | UInt32(distance * 960) << 10 | UInt32(frame(0).count)
            packet += (0..<4).map { UInt8(word >> UInt32(24 - 8 * $0) & 255) }
        }
        return packet + [111] + earlier.flatMap { frame(index - $0) } + frame(index)
    }

    @Test(arguments: [[2, 1], [3, 2, 1], [2], [3]]) func deepOnesAreReadAndSoAreThoseThatLeaveSomeOut(
        _ distances: [Int]
    ) {
        let bench = receiver()
        // As many in a row as the depth reaches, or one where packets between are not repeated.
        let run = distances.count > 1 ? distances.count : 1
        var lost = 0
        for index in 0..<60 {
            if index % 10 >= 4, index % 10 < 4 + run {
                lost += 1
                continue
            }
            bench.receive(packet(index, distances), at: Double(index) * 20)
        }
        #expect(bench.frames.map(\.bytes).elementsEqual((0..<60).map { frame($0) }), "\(bench.frames.count)")
        #expect(bench.frames.map(\.timestamp).elementsEqual((0..<60).map { $0 * 960 }))
        #expect(bench.receiver.counts.filled == lost && bench.receiver.counts.lost == 0)
    }

    @Test func aPayloadThatMakesNoSenseIsCountedAndNoLoss() {
        var sender = sender()
        let bench = receiver()
        for index in 0..<10 {
            var packet = sender.packets(of: frame(index), at: .milliseconds(Int64(index) * 20))[0]
            // Longer than the packet.
            if index == 5 { packet[14] |= 3 }
            bench.receive(packet, at: Double(index) * 20)
        }
        #expect(bench.receiver.counts.malformedRedundancy == 1 && bench.receiver.counts.lost == 0)
        #expect(bench.frames.count == 9)
    }
}
