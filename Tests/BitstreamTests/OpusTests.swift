import Bitstream
import Testing

@Suite("An Opus packet") struct OpusPacketTests {
    @Test func itsFirstBytesTellItsLength() {
        func samples(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { OpusPacket.samples($0) } }
        // RFC 6716, table 2: SILK 10 to 60 ms, hybrid 10 and 20, CELT 2.5 to 20.
        #expect([0, 1, 2, 3].map { samples([UInt8($0 << 3)]) } == [480, 960, 1_920, 2_880])
        #expect([12, 13, 14, 15].map { samples([UInt8($0 << 3)]) } == [480, 960, 480, 960])
        #expect([16, 17, 18, 19, 31].map { samples([UInt8($0 << 3)]) } == [120, 240, 480, 960, 960])
        #expect(samples([31 << 3 | 1]) == 1_920 && samples([31 << 3 | 2]) == 1_920)
        #expect(samples([31 << 3 | 3, 6]) == 5_760 && samples([31 << 3 | 3, 7]) == nil)
        #expect(samples([31 << 3 | 3, 0]) == nil && samples([31 << 3 | 3]) == nil && samples([]) == nil)
    }
}
