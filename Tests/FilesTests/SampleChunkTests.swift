import TestSupport
import Testing

@testable import FilesPlugin

@Suite("How many samples a header tells") struct SampleChunkTests {
    private func chunk(_ bytes: [UInt8], size: Int64) -> SampleChunk? {
        SampleChunk(ofFileOf: size) { offset, count in
            let start = Int(clamping: offset)
            return start < bytes.count ? Array(bytes[start..<min(bytes.count, start + count)]) : []
        }
    }

    private func wav(_ length: UInt32, before: [UInt8] = []) -> [UInt8] {
        Array("RIFF....WAVEfmt ".utf8) + [16, 0, 0, 0] + [UInt8](repeating: 0, count: 16) + before
            + Array("data".utf8) + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }

    @Test func aChunkOfOddLengthIsPadded() {
        let list = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
        let found = chunk(wav(1_000, before: list), size: 556)
        #expect(found == chunk(wav(1_000), size: 544))
        #expect(found?.told == 1_000 && found?.there == 500 && found?.isCut == true)
        #expect(chunk(wav(1_000), size: 44 + 1_000)?.isCut == false)
        #expect(chunk(wav(1_000), size: 44 + 5_000)?.there == 1_000)
    }

    @Test(arguments: [0, 0xffff_ffff, 0x7fff_ffff, 0x7fff_f000] as [UInt32])
    func aPipesLengthSaysNothing(_ length: UInt32) {
        #expect(chunk(wav(length), size: 5_000) == nil)
    }

    @Test func anyBytesAreRead() {
        var dice = Dice(seed: 5)
        for start in ["RIFF....WAVE", "riff", "caff", "RIFX"] {
            for _ in 0..<2_000 {
                let bytes =
                    Array(start.utf8)
                    + (0..<60).map { _ in [0, 0xff, 0x7f, .random(in: 0...255, using: &dice)][.random(in: 0...3)] }
                if let found = chunk(bytes, size: 72) { #expect(found.there >= 0 && found.there <= found.told) }
            }
        }
    }
}
