import Bitstream
import RTP
import Sluice
import TestSupport
import Testing

@Suite struct NumberTests {
    @Test func sequenceNumbersGoOnAcrossTheWrap() {
        var unwrapper = Unwrapper<UInt16>()
        let numbers: [UInt16] = [65_533, 65_534, 0, 65_535, 2, 1, 65_532, 3]
        #expect(
            numbers.map { unwrapper.unwrap($0) } == [65_533, 65_534, 65_536, 65_535, 65_538, 65_537, 65_532, 65_539])
        #expect(unwrapper.last == 65_539)
    }

    @Test func countersOfAnyWidthGoOnAndThoseThatAreSetBackAreFollowed() {
        // MPEG-TS: 33 bits; whatever stands above them counts for nothing.
        var times = Unwrapper<UInt64>(bits: 33, followsLatest: true)
        let period: Int64 = 1 << 33
        #expect(
            [0x1_ffff_fff0, 0x10, 0x2_0000_0020, 0x1_ffff_ffff].map { times.unwrap($0) }
                == [period - 16, period + 16, period + 32, period - 1])
        #expect(times.last == period - 1)
        var references = Unwrapper<UInt32>(bits: 24)
        #expect(
            [0xff_fffe, 0, 0xff_ffff, 5].map { references.unwrap($0) } == [
                0xff_fffe, 0x100_0000, 0xff_ffff, 0x100_0005,
            ])
        // Back by three eighths of a period, twice.
        var (latest, highest) = (Unwrapper<UInt16>(followsLatest: true), Unwrapper<UInt16>())
        #expect([60_000, 36_000, 12_000].map { latest.unwrap($0) } == [60_000, 36_000, 12_000])
        #expect([60_000, 36_000, 12_000].map { highest.unwrap($0) } == [60_000, 36_000, 77_536])
    }

    @Test func timestampsOfADayGoOnAcrossTheirWraps() {
        var unwrapper = Unwrapper<UInt32>()
        var random = Dice(seed: 3)
        let start: UInt32 = 4_294_000_000
        // 24 hours at 90 kHz wrap twice; two neighbours may have changed places.
        var frame: Int64 = 0
        while frame < 24 * 3_600 * 30 {
            let first = Int.random(in: 0...1, using: &random)
            for step in [first, 1 - first] {
                let time = (frame + Int64(step)) * 3_000
                #expect(unwrapper.unwrap(start &+ UInt32(truncatingIfNeeded: time)) == Int64(start) + time)
            }
            frame += 2
        }
    }

    @Test func earlierNumbersThanTheFirstComeOutBelowIt() {
        var unwrapper = Unwrapper<UInt16>()
        #expect(unwrapper.unwrap(0) == 0)
        #expect(unwrapper.unwrap(65_535) == -1)
        #expect(unwrapper.place(1) == 1 && unwrapper.last == 0)
    }

    @Test func wallTimeKeepsItsNanoseconds() {
        let earlier = NTPTime(unixNanoseconds: 1_700_000_000_123_456_789)
        #expect(earlier.bits >> 32 == 1_700_000_000 + 2_208_988_800)
        for step: Int64 in [0, 1, 999_999_999, 1_000_000_000, 86_400_000_000_123, -1, -5_000_000_001] {
            let later = NTPTime(unixNanoseconds: 1_700_000_000_123_456_789 + step)
            #expect(abs(later.nanoseconds(since: earlier) - step) <= 1)
        }
        // 2036-02-07 06:28:16, where the seconds begin anew.
        let before = NTPTime(unixNanoseconds: 2_085_978_495_500_000_000)
        let after = NTPTime(unixNanoseconds: 2_085_978_496_500_000_000)
        #expect(before.bits >> 32 == 0xffff_ffff && after.bits >> 32 == 0)
        #expect(after.nanoseconds(since: before) == 1_000_000_000)
    }

    @Test func base64IsThatOfTheRFC() {
        let words = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
        let coded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]
        for (word, code) in zip(words, coded) {
            #expect(Base64.encode(Array(word.utf8)) == code)
            #expect(Base64.decode(code) == Array(word.utf8))
            #expect(Base64.decode(code.filter { $0 != "=" }) == Array(word.utf8))
        }
        for bad in ["Z", "Zg=A", "Z g=", "Zg===", "Zg-_", "é"] { #expect(Base64.decode(bad) == nil, "\(bad)") }
    }

    @Test func reportsComeAtOnceAndThenAroundTheirInterval() {
        var timer = ReportTimer(interval: .milliseconds(1_000), ssrc: 7)
        var now = Instant(nanoseconds: 5)
        var steps: [Double] = []
        #expect(timer.take(now: now) && !timer.take(now: now))
        for _ in 0..<1_000 {
            let due = timer.due!
            #expect(!timer.take(now: due - Interval(nanoseconds: 1)) && timer.take(now: due))
            steps.append((due - now).seconds)
            now = due
        }
        #expect(steps.allSatisfy { (0.5...1.5).contains($0) })
        #expect(abs(steps.reduce(0, +) / 1_000 - 1) < 0.05)
    }
}
