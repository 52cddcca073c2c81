import Sluice
import TestSupport
import Testing

@testable import MPEGTS

/// Transport streams that do not give every picture a time.
@Suite("Pictures without times in MPEG-TS") struct PictureTimesTests {
    private static func stream(_ codec: [String]) throws -> [UInt8] {
        try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=3"] + codec
                + ["-f", "mpegts", "pipe:1"], feeding: [])
    }

    /// Times are taken out of all pictures but those that `keeps` tells by their numbers. The header of the others is
    /// as long, filled with stuffing.
    private func sparse(_ bytes: [UInt8], keeps: (Int) -> Bool) -> [UInt8] {
        var (all, count) = (bytes, 0)
        for start in stride(from: 0, to: all.count, by: 188) {
            guard Int(all[start + 1] & 0x1f) << 8 | Int(all[start + 2]) == 256, all[start + 1] & 0x40 != 0 else {
                continue
            }
            let at = start + (all[start + 3] & 0x20 != 0 ? 5 + Int(all[start + 4]) : 4)
            if !keeps(count) {
                let size = Int(all[at + 8])
                all[at + 7] &= 0x3f
                for index in at + 9..<at + 9 + size { all[index] = 0xff }
            }
            count += 1
        }
        return all
    }

    @Test(
        arguments: [
            ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25"],
            ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "20"],
            ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=3:keyint=20"],
            ["-c:v", "mpeg2video", "-bf", "2", "-g", "12"],
        ], [1, 5, 15])
    func getThoseThatTheSenderLeftOut(codec: [String], each: Int) throws {
        let whole = try Self.stream(codec)
        let expected = Findings.of(whole).0.video.map(\.header)
        let found = Findings.of(sparse(whole) { $0 % each == 0 || $0 == 3 }).0.video.map(\.header)
        #expect(expected.count == 75 && found.count == 75)
        #expect(expected.filter { $0.flags.contains(.keyframe) }.count >= 3)
        for (index, (a, b)) in zip(found, expected).enumerated() {
            #expect(abs((a.dts - b.dts).milliseconds) < 1, "dts \(index): \(a.dts.seconds), \(b.dts.seconds)")
            #expect(abs((a.pts - b.pts).milliseconds) < 1, "pts \(index): \(a.pts.seconds), \(b.pts.seconds)")
        }
    }

    // MARK: By themselves

    private static let format = MediaFormat(codec: .h264, video: VideoLayout(width: 64, height: 36))

    /// `times` in ms; what comes out of a stream without a rate and without B-frames.
    private func given(_ times: [Int64?], nominal: Int64? = nil) -> (dts: [Int64], lost: Int) {
        var (pictures, pool, found) = (PictureTimes(), Pool<Packet>(), [Int64]())
        for (index, time) in times.enumerated() {
            let dts = time.map { MediaTime.milliseconds($0) }
            let picture = PictureTimes.Picture(
                dts: dts, pts: dts, number: index * 2, unit: 2, nominal: nominal.map { .milliseconds($0) },
                isKeyframe: index == 0, hasGap: false)
            pictures.take(pool.take(Self.format, count: 1), picture) { found.append(Int64($0.header.dts.milliseconds)) }
        }
        pictures.finish { found.append(Int64($0.header.dts.milliseconds)) }
        return (found, pictures.lost)
    }

    @Test func withoutARateTheyWaitForTheNextTime() {
        #expect(given([100, nil, nil, 160, nil]).dts == [100, 120, 140, 160, 180])
        #expect(given([nil, nil, 100, 120], nominal: 20).dts == [60, 80, 100, 120])
        // There is nothing to go by.
        #expect(given([nil, nil, 100]).lost == 2)
        #expect(given([100, nil, nil]).dts == [100] && given([100, nil, nil]).lost == 2)
    }

    @Test func aStreamThatNeverSaysATimeIsBounded() {
        let (dts, lost) = given(Array(repeating: nil, count: 10_000))
        #expect(dts.isEmpty && lost == 10_000)
    }
}
