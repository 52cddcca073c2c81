import Glibc
import Testing

@testable import Spool

@Suite struct SpoolAudioTests {
    @Test func aHashDoesNotDependOnThePieces() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var whole = SpoolHash()
        whole.take(bytes)
        for size in [1, 2, 3, 7, 8, 9, 64, 999] {
            var hash = SpoolHash()
            for first in stride(from: 0, to: bytes.count, by: size) {
                hash.take(bytes[first..<min(bytes.count, first + size)])
            }
            #expect(hash.text == whole.text, "pieces of \(size)")
        }
        // Each bit counts, and so do zeros at the end.
        var seen: Set<String> = [whole.text]
        for bit in 0..<8_000 {
            var other = bytes
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            var hash = SpoolHash()
            hash.take(other)
            seen.insert(hash.text)
        }
        var longer = whole
        longer.take([0])
        seen.insert(longer.text)
        #expect(seen.count == 8_002)
    }

    @Test func samplesAreTheirBytes() {
        let samples: [Int16] = [0, 1, -1, .min, .max, 258]
        let bytes = WaveHeader.bytes(samples)
        #expect(bytes.suffix(2) == [2, 1] && WaveHeader.samples(bytes[...]) == samples)
        #expect(WaveHeader.samples(bytes[1...]).count == 5)
    }

    private func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1_000 + Double(time.tv_nsec) / 1e6
    }

    /// Five minutes: reading, looking for damage, and joining.
    @Test func joiningTenChunksTakesLessThan20msOfCPU() throws {
        let disk = MemoryDisk()
        let session = try SpoolSession("talk", origin: 0, disk)
        for number in 0..<10 {
            try session.begin(at: Int64(number) * 480_000)
            try session.append((0..<480_000).map { Int16(truncatingIfNeeded: $0) })
            try session.endChunk()?()
            try session.closed(cut: Int64(number + 1) * 480_000)
        }
        try session.finish()
        let job = try #require(try session.plan(of: 10))
        let took = (0..<3).map { _ in
            let before = cpu()
            #expect(session.audio(of: job)().samples.count == 4_800_000)
            return cpu() - before
        }
        #expect(took.min()! < 20, "\(took) ms")
    }
}
