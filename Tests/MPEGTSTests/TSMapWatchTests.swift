import Sluice
import TestSupport
import Testing

@testable import MPEGTS

@Suite("Program maps in a transport stream that another demuxer reads") struct TSMapWatchTests {
    /// H.264 and Opus, then MPEG-2 and MP2 on the same PIDs, then the first again.
    private static let parts = try! {
        let first = Streams.withoutLength
        return [first, try Streams.make(["-c:v", "mpeg2video", "-c:a", "mp2"]), first]
    }()
    private static let whole = parts.flatMap { $0 }
    private static let (video, audio) = (0x100, 0x101)

    private func fed(_ bytes: [UInt8], by size: Int, at begin: Int = 0) -> TSMapWatch {
        var watch = TSMapWatch()
        feed(&watch, bytes, by: size, at: begin)
        return watch
    }

    private func feed(_ watch: inout TSMapWatch, _ bytes: [UInt8], by size: Int, at begin: Int) {
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(start + size, bytes.count)].withUnsafeBytes {
                watch.feed($0, at: Int64(begin + start))
            }
        }
    }

    private func check(_ watch: TSMapWatch, _ place: SourceLocation = #_sourceLocation) {
        let (one, two) = (
            TSMapWatchTests.parts[0].count, TSMapWatchTests.parts[0].count + TSMapWatchTests.parts[1].count
        )
        for (pid, before, after) in [
            (TSMapWatchTests.video, "h264", "mpeg2video"), (TSMapWatchTests.audio, "opus", "MPEG audio"),
        ] {
            for offset in [0, 188, one - 1, two + 4 * 188, TSMapWatchTests.whole.count] {
                #expect(watch.change(of: pid, at: Int64(offset)) == nil, sourceLocation: place)
            }
            for offset in [one + 4 * 188, two - 1] {
                #expect(
                    watch.change(of: pid, at: Int64(offset)) == .init(before: before, after: after),
                    sourceLocation: place)
            }
        }
        #expect(watch.change(of: 0x1000, at: Int64(one) * 2) == nil, sourceLocation: place)
    }

    @Test(arguments: [65_536, 1_316, 188, 187, 1_000_000_000]) func aCodecThatChangesIsToldFromThereOn(size: Int) {
        check(fed(TSMapWatchTests.whole, by: size))
    }

    /// As libavformat reads: the beginning, the end for its length, then the beginning again.
    @Test func bytesMayComeInAnyOrderAndAgain() {
        var watch = TSMapWatch()
        let bytes = TSMapWatchTests.whole
        feed(&watch, Array(bytes.prefix(50_000)), by: 4_096, at: 0)
        feed(&watch, Array(bytes.suffix(50_000)), by: 4_096, at: bytes.count - 50_000)
        feed(&watch, bytes, by: 4_096, at: 0)
        check(watch)
    }

    @Test func anyBytesDoNoHarm() {
        var random = Dice(seed: 7)
        var bytes = TSMapWatchTests.whole
        for _ in 0..<20 {
            for _ in 0..<500 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = fed(
                bytes, by: Int.random(in: 1...5_000, using: &random), at: Int.random(in: 0...1 << 40, using: &random))
        }
    }
}
