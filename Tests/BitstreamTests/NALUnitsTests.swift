import Bitstream
import Testing

@Suite("NAL units") struct NALUnitsTests {
    @Test func startCodesOfThreeBytesAndZerosBehindUnitsAreNotMedia() {
        let bytes: [UInt8] = [0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0x65, 0, 0, 3, 0]
        var units: [Range<Int>] = []
        bytes.withUnsafeBytes { NALUnits.splitByStartCode($0, into: &units) }
        #expect(units.map { Array(bytes[$0]) } == [[0x67, 1], [0x68, 2], [0x65, 0, 0, 3]])
    }
}
