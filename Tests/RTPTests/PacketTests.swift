import RTP
import Sluice
import Testing

@Suite struct PacketTests {
    private func parse(_ bytes: [UInt8]) -> (header: RTPHeader, payload: Range<Int>)? {
        bytes.withUnsafeBytes { RTPHeader.parse($0) }
    }

    @Test func aHeaderComesBack() throws {
        let header = RTPHeader(
            isMarked: true, payloadType: 111, sequence: 65_535, timestamp: 0xdead_beef, ssrc: 0x1234_5678)
        var bytes = [UInt8](repeating: 7, count: 20)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        let found = try #require(parse(bytes))
        #expect(found.header == header && found.payload == 12..<20)
        #expect(bytes.prefix(2) == [0x80, 0x80 | 111])
    }

    @Test func sourcesExtensionAndPaddingAreNotPayload() throws {
        let fixed: [UInt8] = [0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        var bytes = fixed + [UInt8](repeating: 9, count: 8) + [0xbe, 0xde, 0, 1, 1, 2, 3, 4] + [5, 6] + [0, 0, 3]
        bytes[0] = 0x80 | 0x20 | 0x10 | 2
        let found = try #require(parse(bytes))
        #expect(Array(bytes[found.payload]) == [5, 6])
        bytes[bytes.count - 1] = 5
        #expect(try #require(parse(bytes)).payload.isEmpty)
        bytes[bytes.count - 1] = 6
        #expect(parse(bytes) == nil)
        bytes[bytes.count - 1] = 0
        #expect(parse(bytes) == nil)
        bytes[23] = 200
        #expect(parse(bytes) == nil)
    }

    @Test func everyShorterOrForeignPacketIsRefused() {
        var bytes: [UInt8] = [0x9f, 96] + [UInt8](repeating: 0, count: 100)
        for count in 0..<12 { #expect(parse(Array(bytes.prefix(count))) == nil) }
        // 15 sources need 60 bytes, an extension 4.
        for count in 12..<76 { #expect(parse(Array(bytes.prefix(count))) == nil) }
        #expect(parse(Array(bytes.prefix(76))) != nil)
        for version: UInt8 in [0, 1, 3] {
            bytes[0] = version << 6
            #expect(parse(bytes) == nil)
        }
    }

    private let block = RTCPPacket.ReportBlock(
        ssrc: 9, fractionLost: 64, lost: -3, highest: 0x1_0005, jitter: 17, lastReport: 0x1122_3344, delay: 65_536)

    @Test func everyReportComesBack() throws {
        let packets: [RTCPPacket] = [
            .senderReport(
                .init(
                    ssrc: 1, ntp: NTPTime(bits: 0x0123_4567_89ab_cdef), timestamp: 5, packets: 6, octets: 7,
                    reports: [block, block])),
            .receiverReport(ssrc: 2, reports: []), .receiverReport(ssrc: 2, reports: [block]),
            .sourceDescription([.init(ssrc: 3, cname: "a"), .init(ssrc: 4, cname: "abcd"), .init(ssrc: 5, cname: "")]),
            .bye([1, 2]), .pictureLoss(sender: 1, media: 2),
            .fullIntraRequest(sender: 1, [.init(ssrc: 2, number: 0), .init(ssrc: 3, number: 255)]),
            .estimate(.init(sender: 1, bitsPerSecond: 1_800_000, sources: [2, 3])),
        ]
        var datagram: [UInt8] = []
        for packet in packets {
            packet.append(to: &datagram)
            #expect(datagram.count % 4 == 0)
        }
        #expect(datagram.withUnsafeBytes { RTCPPacket.parse($0) } == packets)
        #expect(datagram.withUnsafeBytes { RTPHeader.isRTCP($0) })
        for cut in 1..<datagram.count where cut % 4 != 0 {
            #expect(Array(datagram[..<cut]).withUnsafeBytes { RTCPPacket.parse($0) } == nil)
        }
    }

    @Test func lossOf24BitsKeepsItsSignAndItsBounds() throws {
        for (lost, told) in [(0, 0), (-1, -1), (0x7f_ffff, 0x7f_ffff), (1 << 24, 0x7f_ffff), (-(1 << 24), -0x80_0000)] {
            var block = block
            block.lost = Int32(lost)
            var datagram: [UInt8] = []
            RTCPPacket.receiverReport(ssrc: 1, reports: [block]).append(to: &datagram)
            guard case .receiverReport(_, let found) = datagram.withUnsafeBytes({ RTCPPacket.parse($0) })?.first else {
                Issue.record("no report")
                return
            }
            #expect(found.first?.lost == Int32(told))
        }
    }

    @Test func unknownPacketsArePassedOverAndBrokenFramingIsRefused() {
        let app: [UInt8] = [0x80, 204, 0, 2, 0, 0, 0, 1, 65, 66, 67, 68]
        #expect(app.withUnsafeBytes { RTCPPacket.parse($0) } == [.other(type: 204)])
        for bytes: [UInt8] in [
            [], [0x80], [0x80, 200, 0, 1, 0, 0, 0, 0], [0x80, 200, 0, 6] + [UInt8](repeating: 0, count: 20),
            [0x81, 201, 0, 1, 0, 0, 0, 1], [0x81, 202, 0, 1, 0, 0, 0, 1], [0x82, 203, 0, 1, 0, 0, 0, 1],
            [0x40, 200, 0, 0], [0xa0, 201, 0, 1, 0, 0, 0, 0], [0xa0, 201, 0, 1, 0, 0, 0, 8],
        ] {
            #expect(bytes.withUnsafeBytes { RTCPPacket.parse($0) } == nil, "\(bytes)")
        }
    }
}
