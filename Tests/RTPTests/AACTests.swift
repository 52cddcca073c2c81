import Bitstream
import RTP
import Sluice
import TestSupport
import Testing

@Suite struct AACTests {
    private static let usual = AACFraming(clockRate: 48_000)

    private struct Sent {
        var payload: [UInt8]
        var timestamp: Int64 = 0
        var lost = 0
    }

    private func take(_ packets: [Sent], _ framing: AACFraming = usual) -> (frames: [KeptFrame], end: Depacketizer) {
        var depacketizer = Depacketizer(.aac(framing))
        var frames: [KeptFrame] = []
        for packet in packets {
            packet.payload.withUnsafeBytes {
                depacketizer.push(
                    OrderedPacket(
                        payload: $0, timestamp: packet.timestamp, isMarked: false, lost: packet.lost,
                        arrival: Instant(nanoseconds: 0))
                ) { frames.append(KeptFrame($0)) }
            }
        }
        return (frames, depacketizer)
    }

    /// Headers of 16 bits, each of a size and a number.
    private func payload(_ units: [(size: Int, number: Int)], _ data: [UInt8]) -> [UInt8] {
        let bits = units.count * 16
        return [UInt8(bits >> 8), UInt8(bits & 255)]
            + units.flatMap { [UInt8($0.size >> 5 & 255), UInt8(($0.size & 31) << 3 | $0.number)] } + data
    }

    @Test func severalUnitsOfAPacketStandOneBehindTheOther() {
        let (frames, end) = take([
            Sent(payload: payload([(2, 0), (3, 0), (1, 0)], [1, 2, 3, 4, 5, 6]), timestamp: 5_000),
            Sent(payload: payload([(2, 0)], [7, 8]), timestamp: 8_072),
        ])
        #expect(frames.map(\.bytes) == [[1, 2], [3, 4, 5], [6], [7, 8]])
        #expect(frames.map(\.timestamp) == [5_000, 6_024, 7_048, 8_072])
        #expect(end.malformedPackets == 0 && end.damagedFrames == 0)
    }

    @Test func aUnitGoesAloneAndALargeOneInEvenPiecesWithAMarkAtItsEnd() {
        var sender = StreamSender(
            .aac(AACTests.usual), payloadType: 97, ssrc: 5, sequence: 1, timestampOffset: 0, mtu: 400)
        let packets = sender.packets(of: [UInt8](repeating: 0x21, count: 1_000), at: .zero)
        #expect(packets.count == 3 && packets.map { $0[1] & 0x80 != 0 } == [false, false, true])
        // Sixteen bits of headers; the size is the whole unit's in each.
        #expect(packets.allSatisfy { Array($0[12..<16]) == [0, 16, 0x1f, 0x40] })
        #expect(packets.map(\.count).max()! - packets.map(\.count).min()! <= 2)
        let small = sender.packets(of: [0x21, 1, 2], at: .milliseconds(21))
        #expect(small.map { Array($0.dropFirst(12)) } == [[0, 16, 0, 0x18, 0x21, 1, 2]])
        #expect(small[0][1] & 0x80 != 0)
    }

    @Test func theHeaderOfATransportStreamIsLeftOut() {
        var sender = StreamSender(.aac(AACTests.usual), payloadType: 97, ssrc: 5, sequence: 1, timestampOffset: 0)
        let adts: [UInt8] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc]
        #expect(
            sender.packets(of: adts + [0x21, 7], at: .zero).map { Array($0.dropFirst(12)) } == [
                [0, 16, 0, 0x10, 0x21, 7]
            ])
        let withCheck: [UInt8] = [0xff, 0xf0, 0x4c, 0x80, 0x01, 0x7f, 0xfc, 0, 0]
        #expect(sender.packets(of: withCheck + [0x21, 7], at: .zero).first?.suffix(2) == [0x21, 7])
    }

    @Test func aUnitWhoseSizeCannotBeToldTakesNoNumber() {
        var sender = StreamSender(.aac(AACTests.usual), payloadType: 97, ssrc: 5, sequence: 1, timestampOffset: 0)
        #expect(sender.packets(of: [UInt8](repeating: 1, count: 8_192), at: .zero).count == 1)
        #expect(sender.packets == 0 && sender.sequence == 1)
        #expect(sender.packets(of: [UInt8](repeating: 1, count: 8_191), at: .zero).count == 7)
    }

    @Test func everySingleLossDropsItsUnitAndNoOther() {
        var sender = StreamSender(.aac(AACTests.usual), payloadType: 96, ssrc: 5, sequence: 9, timestampOffset: 0)
        let units = (0..<12).map { MadeFrames.frame(.aac(AACTests.usual), $0, size: $0 % 3 == 0 ? 300 : 3_000).bytes }
        var packets: [(bytes: [UInt8], unit: Int)] = []
        for (index, unit) in units.enumerated() {
            let time = MediaTime(Int64(index) * 1_024, timescale: 48_000)
            packets += sender.packets(of: unit, at: time).map { ($0, index) }
        }
        for lost in packets.indices where (1..<11).contains(packets[lost].unit) {
            let bench = ReceiverBench(.aac(AACTests.usual), isAuthenticated: true)
            for (index, packet) in packets.enumerated() where index != lost {
                bench.receive(packet.bytes, at: Double(packet.unit) * 21.3)
            }
            bench.release(at: 1_000)
            bench.drain()
            let expected = (0..<12).filter { $0 != packets[lost].unit }
            #expect(bench.frames.map { Int($0.timestamp) / 1_024 } == expected, "packet \(lost)")
            #expect(bench.frames.map(\.bytes) == expected.map { units[$0] }, "packet \(lost)")
            #expect(bench.receiver.counts.lost == 1)
            // A unit in one packet is lost and not damaged.
            #expect(bench.receiver.depacketizer.damagedFrames == (packets[lost].unit % 3 == 0 ? 0 : 1))
            #expect(bench.receiver.depacketizer.malformedPackets == 0)
        }
    }

    @Test func piecesThatDoNotFitEachOtherAreNoUnit() {
        let piece = payload([(6, 0)], [1, 2, 3])
        // The other half is of another time, or of another size, or too long, or a whole unit comes between.
        for second in [
            Sent(payload: piece, timestamp: 1_024), Sent(payload: payload([(7, 0)], [4, 5, 6])),
            Sent(payload: payload([(6, 0)], [4, 5, 6, 7])), Sent(payload: payload([(2, 0)], [4, 5])),
            Sent(payload: piece, lost: 1), Sent(payload: [0, 9]),
        ] {
            let (frames, end) = take([Sent(payload: piece), second])
            #expect(frames.isEmpty && end.damagedFrames == 1, "\(second)")
        }
        #expect(take([Sent(payload: piece), Sent(payload: piece)]).frames.map(\.bytes) == [[1, 2, 3, 1, 2, 3]])
        // A unit is counted once, whatever still comes of it.
        let (frames, end) = take([
            Sent(payload: piece), Sent(payload: piece, lost: 1), Sent(payload: piece),
            Sent(payload: payload([(1, 0)], [9]), timestamp: 1_024),
        ])
        #expect(frames.map(\.bytes) == [[9]] && end.damagedFrames == 1 && end.malformedPackets == 0)
    }

    @Test func payloadsThatAreNotWhatTheyShouldBeAreCounted() {
        for broken in [
            [0], [0, 0], [0, 0, 1], [0, 16], [0, 16, 0, 0x18], [0xff, 0xff, 0, 0x18, 1, 2, 3],
            [0, 15, 0, 0x18, 1, 2, 3],
            // A size of 0, data behind the unit, and units that go beyond the data.
            payload([(0, 0)], [1]), payload([(2, 0)], [1, 2, 3]), payload([(2, 0), (2, 0)], [1, 2, 3]),
            // Interleaved.
            payload([(1, 0), (1, 2)], [1, 2]),
        ] as [[UInt8]] {
            let (frames, end) = take([Sent(payload: broken)])
            #expect(frames.isEmpty && end.malformedPackets == 1, "\(broken)")
        }
        // The number of the first unit says nothing.
        #expect(take([Sent(payload: payload([(1, 5)], [1]))]).frames.count == 1)
    }

    @Test func aUnitThatGrowsTooLargeIsNone() {
        var framing = AACTests.usual
        (framing.sizeLength, framing.indexLength, framing.indexDeltaLength) = (32, 0, 0)
        var depacketizer = Depacketizer(.aac(framing), largestFrame: 3_000)
        let packet: [UInt8] = [0, 32, 0x7f, 0xff, 0xff, 0xff] + [UInt8](repeating: 1, count: 1_000)
        var count = 0
        for _ in 0..<5 {
            packet.withUnsafeBytes {
                depacketizer.push(
                    OrderedPacket(
                        payload: $0, timestamp: 0, isMarked: false, lost: 0, arrival: Instant(nanoseconds: 0))
                ) { _ in count += 1 }
            }
        }
        #expect(count == 0 && depacketizer.damagedFrames == 1 && depacketizer.malformedPackets == 1)
    }

    @Test func otherHeadersAreReadAsTheyAreTold() {
        // Mode AAC-lbr: 6 bits of size, 2 of a number.
        var framing = AACTests.usual
        (framing.sizeLength, framing.indexLength, framing.indexDeltaLength) = (6, 2, 2)
        let short = take([Sent(payload: [0, 16, 2 << 2, 1 << 2, 7, 8, 9])], framing)
        #expect(short.frames.map(\.bytes) == [[7, 8], [9]])
        // A time of its own (−2, in 4 bits), a decoding time, a bit that decoding can begin, 5 bits of state: 13 bits
        // of size and 3 of number, then 1 1110 0 1 00000.
        framing = AACTests.usual
        (framing.ctsDeltaLength, framing.dtsDeltaLength, framing.stateLength) = (4, 7, 5)
        framing.tellsRandomAccess = true
        let (frames, _) = take([Sent(payload: [0, 28, 0, 0x10, 0b1111_0010, 0, 7, 8], timestamp: 100)], framing)
        #expect(frames.map(\.bytes) == [[7, 8]] && frames.map(\.timestamp) == [98])
        // Data for others behind the headers: their size in 8 bits, filled up to a byte's edge.
        framing = AACTests.usual
        framing.auxiliarySizeLength = 8
        #expect(take([Sent(payload: [0, 16, 0, 0x10, 3, 0xa0, 7, 8])], framing).frames.map(\.bytes) == [[7, 8]])
        #expect(take([Sent(payload: [0, 16, 0, 0x10, 200, 0xa0, 7, 8])], framing).end.malformedPackets == 1)
        // Headers of no bits, behind a first one that has some, would never end.
        framing = AACTests.usual
        (framing.sizeLength, framing.indexDeltaLength, framing.constantSize) = (0, 0, 1)
        #expect(take([Sent(payload: [0, 6, 0, 7, 8])], framing).end.malformedPackets == 1)
        #expect(take([Sent(payload: [0, 3, 0, 7])], framing).frames.map(\.bytes) == [[7]])
        // Units of one size need no headers at all, and may come in pieces.
        framing = AACTests.usual
        (framing.sizeLength, framing.indexLength, framing.indexDeltaLength) = (0, 0, 0)
        framing.constantSize = 2
        let (equal, end) = take(
            [
                Sent(payload: [1, 2, 3, 4], timestamp: 0), Sent(payload: [5], timestamp: 2_048),
                Sent(payload: [6], timestamp: 2_048), Sent(payload: [1, 2, 3], timestamp: 3_072),
            ], framing)
        #expect(equal.map(\.bytes) == [[1, 2], [3, 4], [5, 6]] && equal.map(\.timestamp) == [0, 1_024, 2_048])
        #expect(end.malformedPackets == 1)
    }
}
