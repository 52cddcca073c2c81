import Pacing
import Sluice
import Testing

@Suite struct VideoSpreadTests {
    /// When each of `sizes` leaves after the begin, in ms.
    private func release(_ sizes: [Int], interval: Int64 = 40, rate: Double = 1, burst: Int64 = 0) -> [Double] {
        var spread = VideoSpread(rate: rate, burst: .milliseconds(burst))
        let begin = Instant(nanoseconds: 5_000_000_000)
        spread.begin(at: begin, interval: .milliseconds(interval), bytes: sizes.reduce(0, +))
        return sizes.map { size in
            defer { spread.note(bytes: size) }
            return (spread.due - begin).milliseconds
        }
    }

    @Test func packetsLeaveEvenlyOverTheInterval() {
        #expect(release([1_000, 1_000, 1_000, 1_000]) == [0, 10, 20, 30])
        #expect(release([3_000, 1_000]) == [0, 30])
    }

    @Test func aKeyframeOfAnySizeIsOutWithinTheInterval() {
        let times = release(Array(repeating: 1_200, count: 500))
        #expect(times.last! < 40)
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 0.08) < 0.001 })
    }

    @Test func theRateMakesItShorter() {
        #expect(release([1_000, 1_000, 1_000, 1_000], rate: 2) == [0, 5, 10, 15])
    }

    @Test func whatFallsIntoOneBurstLeavesTogether() {
        #expect(
            release([1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000], burst: 10) == [
                0, 0, 10, 10, 20, 20, 30, 30,
            ])
    }

    @Test func nonsenseIsBounded() {
        #expect(release([], interval: -5) == [])
        #expect(release([0, 0], rate: .nan) == [0, 0])
        let long = release([1, 1], interval: 10_000_000)
        #expect(long == [0, 500])
        var spread = VideoSpread()
        spread.begin(at: Instant(nanoseconds: .max), interval: .seconds(1), bytes: -1)
        spread.note(bytes: .max)
        spread.note(bytes: .max)
        _ = (spread.due, spread.end)
    }
}
