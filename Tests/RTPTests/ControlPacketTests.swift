import RTP
import Sluice
import Testing

/// RTCP beyond reports: estimates of receivers, farewells, and datagrams without a report.
@Suite struct ControlPacketTests {
    private func parsed(_ bytes: [UInt8]) -> [RTCPPacket]? { bytes.withUnsafeBytes { RTCPPacket.parse($0) } }

    private func written(_ packets: RTCPPacket...) -> [UInt8] {
        packets.reduce(into: []) { $1.append(to: &$0) }
    }

    @Test func anEstimateIsWrittenAsTheDraftDrawsIt() {
        // Section 2.2: sender, a media source of zero, "REMB", the number of sources, exponent and mantissa.
        let estimate = ReceiverEstimate(sender: 1, bitsPerSecond: 0x3_ffff << 5, sources: [0x1234_5678])
        let bytes = written(.estimate(estimate))
        let name = Array("REMB".utf8)
        #expect(
            bytes == [0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0] + name + [1, 5 << 2 | 3, 0xff, 0xff]
                + [0x12, 0x34, 0x56, 0x78])
        #expect(parsed(bytes) == [.estimate(estimate)])
    }

    @Test(arguments: [0, 1, 0x3_ffff, 0x4_0000, 1_800_000, 2_500_001, 123_456_789_012, .max])
    func aRateComesBackWithinEighteenBitsAndNeverHigher(_ rate: Int) throws {
        let bytes = written(.estimate(.init(sender: 1, bitsPerSecond: rate, sources: [])))
        guard case .estimate(let read)? = parsed(bytes)?.first else {
            Issue.record("no estimate")
            return
        }
        #expect(read.bitsPerSecond <= rate && read.bitsPerSecond >= rate - rate >> 17 && read.sources.isEmpty)
    }

    @Test func aRateBeyondAllNumbersIsTheGreatestAndOtherMessagesAreNone() {
        var bytes = written(.estimate(.init(sender: 1, bitsPerSecond: 5, sources: [2])))
        bytes.replaceSubrange(17..<20, with: [0xff, 0xff, 0xff])
        #expect(parsed(bytes) == [.estimate(.init(sender: 1, bitsPerSecond: .max, sources: [2]))])
        var cut = bytes
        cut[16] = 2
        #expect(parsed(cut) == [.other(type: 206)])
        bytes[12] = 0x51
        #expect(parsed(bytes) == [.other(type: 206)])
        #expect(parsed([0x8f, 206, 0, 2] + [UInt8](repeating: 0, count: 8)) == [.other(type: 206)])
    }

    @Test func anEstimateOfTooManySourcesTellsTheFirst255() {
        let bytes = written(.estimate(.init(sender: 1, bitsPerSecond: 5, sources: (0..<300).map { UInt32($0) })))
        #expect(parsed(bytes) == [.estimate(.init(sender: 1, bitsPerSecond: 5, sources: (0..<255).map { UInt32($0) }))])
    }

    @Test func feedbackNeedsNoReportBeforeIt() {
        // RFC 5506, section 3.4.1: any packet may stand first, and alone.
        let all: [RTCPPacket] = [
            .lost(sender: 1, media: 2, [7, 9]), .pictureLoss(sender: 1, media: 2), .bye([2]),
            .estimate(.init(sender: 1, bitsPerSecond: 300_000, sources: [2])),
        ]
        for packet in all { #expect(parsed(written(packet)) == [packet]) }
        #expect(parsed(all.flatMap { written($0) }) == all)
    }

    @Test func aFarewellMayTellItsReasonAndNoSource() {
        // RFC 3550, section 6.6: the reason's length, the reason, filled up to a word.
        #expect(parsed([0x81, 203, 0, 3, 0, 0, 0, 9, 4] + Array("gone".utf8) + [0, 0, 0]) == [.bye([9])])
        #expect(parsed([0x80, 203, 0, 0]) == [.bye([])])
        let many = (0..<40).map { UInt32($0) }
        #expect(parsed(written(.bye(many))) == [.bye(Array(many.prefix(31)))])
    }

    @Test func theRoundTripIsWhatTheReceiverDidNotKeep() {
        // RFC 3550, section 6.4.1, figure 2: 0xb710:8000 − 0x0005:4000 − 0xb705:2000 = 6.125 s.
        var block = RTCPPacket.ReportBlock(
            ssrc: 1, fractionLost: 0, lost: 0, highest: 0, jitter: 0, lastReport: 0xb705_2000, delay: 0x0005_4000)
        let now = NTPTime(bits: 0x1_b710_8000_0000)
        #expect(block.roundTrip(at: now) == .milliseconds(6_125))
        block.delay = .max
        #expect(block.roundTrip(at: now).map { $0 >= .zero } == true)
        block.delay = 0x000b_7000
        #expect(block.roundTrip(at: now) == .zero)
        block.lastReport = 0
        #expect(block.roundTrip(at: now) == nil)
    }
}
