import Sluice
import TestSupport
import Testing

@testable import VP8Plugin

/// Keyframes and bitrate are right at any rate, known or not, even or not: time counts, and not pictures.
@Suite struct VP8TimeTests {
    private func encode(_ frames: [VideoFrame], _ more: [String: ParameterValue] = [:]) throws -> [Packet] {
        let parameters: [String: ParameterValue] = ["bitrate_kbps": 200, "gop_s": 1]
        return try NodeBench(VP8EncoderNode.self, parameters.merging(more) { $1 }).run(frames).packets
    }

    @Test(
        arguments: [1, 5, 12, 30, 60, 120],
        // The format says the truth, nothing, a guess, or something wrong.
        [nil, 0, 1_000, 30] as [Int?])
    func everyRateIsRight(rate: Int, told: Int?) throws {
        let seconds = 8
        let format = told.map { $0 == 0 ? nil : VideoLayout.FrameRate($0) } ?? VideoLayout.FrameRate(rate)
        let frames = Noise.moving(320, 180, count: rate * seconds, told: format) {
            MediaTime(Int64($0), timescale: Int64(rate))
        }
        let packets = try encode(frames)
        #expect(packets.count == frames.count)
        #expect(packets.map(\.header.pts) == frames.map(\.header.pts))
        let keys = packets.keyframeSeconds
        if told == 30, rate > 30 {
            // The wrong rate is noticed within a second, by a keyframe.
            #expect(keys.count <= seconds + 2 && zip(keys, keys.dropFirst()).allSatisfy { $1 - $0 <= 1.01 })
        } else {
            #expect(keys == (0..<seconds).map(Double.init))
        }
        let settled = packets.filter { $0.header.pts >= .seconds(2) }
        let found = settled.kilobits(seconds: Double(seconds - 2))
        #expect((120...240).contains(found), "\(found) kb/s of 200")
    }

    @Test func timesThatJitterMakeNoDifference() throws {
        // Whole milliseconds, up to 25 off, as browsers record; and no rate but the guess that demuxers make.
        var dice = Dice(seed: 3)
        let times = (0..<240).map { Int64($0 * 1_000 / 30) + Int64(dice.next() % 25) }
        let frames = Noise.moving(320, 180, count: 240, told: .init(1_000)) {
            MediaTime(times[$0], timescale: 1_000)
        }
        let packets = try encode(frames)
        let keys = packets.keyframeSeconds
        #expect(keys.count == 8 && zip(keys, keys.dropFirst()).allSatisfy { abs($1 - $0 - 1) < 0.05 })
        #expect((160...240).contains(packets.kilobits(seconds: 8)))
        #expect(packets[0].format.video?.frameRate == nil)
    }

    @Test func aScreenThatRestsAndMovesIsEven() throws {
        // Two a second, then 30, then one in three seconds.
        let times = (0..<10).map { Double($0) / 2 } + (0..<150).map { 5 + Double($0) / 30 } + [10, 13, 16, 19]
        let frames = Noise.moving(320, 180, count: times.count, told: nil) { .seconds(times[$0]) }
        let packets = try encode(frames)
        let keys = packets.keyframeSeconds
        // Each second while there are pictures, else each picture.
        #expect(keys.filter { $0 < 10 }.count == 10 && keys.suffix(4) == [10, 13, 16, 19])
        func part(_ range: Range<Double>) -> Double {
            (packets.filter { range.contains($0.header.pts.milliseconds / 1_000) }).kilobits(
                seconds: range.upperBound - range.lowerBound)
        }
        #expect(
            (80...260).contains(part(1..<5)) && (150...260).contains(part(6..<10)), "\(part(1..<5)) \(part(6..<10))")
    }
}
