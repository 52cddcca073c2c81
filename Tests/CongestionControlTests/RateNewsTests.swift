import CongestionControl
import Sluice
import Testing

@Suite struct RateNewsTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func decision(_ before: Int, _ after: Int, _ cause: RateDecision.Cause) -> RateDecision {
        RateDecision(at: at(0), before: before, after: after, cause: cause)
    }

    @Test func whatMovesTheEstimateMostIsTheReasonOnceASecond() {
        var news = RateNews(told: 1_900_000)
        news.note(decision(1_900_000, 700_000, .delay(rise: 14)))
        #expect(news.take(now: at(0))?.sentence == "1.9 → 0.7 Mb/s, delay rises 14 ms a second")
        news.note(decision(700_000, 500_000, .silence(.seconds(1))))
        news.note(decision(500_000, 2_000_000, .proved(2_000_000, isFull: false)))
        news.note(decision(2_000_000, 1_950_000, .lossOver))
        #expect(news.take(now: at(999)) == nil)
        #expect(news.take(now: at(1_000))?.sentence == "0.7 → 2.0 Mb/s, a probe came at 2.0 Mb/s")
        #expect(news.take(now: at(2_000)) == nil)
    }

    @Test func whatChangesLittleIsNotToldAndAddsUp() {
        var news = RateNews(told: 1_000_000)
        news.note(decision(1_000_000, 1_060_000, .steady(isNearLink: true)))
        #expect(news.take(now: at(0)) == nil)
        news.note(decision(1_060_000, 1_120_000, .steady(isNearLink: false)))
        #expect(news.take(now: at(10))?.sentence == "1.0 → 1.1 Mb/s, delay is steady: rises by 8 % a second")
        news.note(decision(1_120_000, 1_120_000, .unproved))
        #expect(news.take(now: at(5_000)) == nil)
    }
}
