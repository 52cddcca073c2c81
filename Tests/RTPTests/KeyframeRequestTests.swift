import RTP
import Sluice
import Testing

@Suite struct KeyframeRequestTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func whoeverAsksTheyGoOnOnceInHalfASecondAndNoneIsLost() {
        var requests = KeyframeRequests()
        var taken: [Int64] = []
        // Asked each millisecond for a while, then no more.
        for now in Int64(0)..<3_000 {
            if now < 1_200 { requests.ask() }
            if requests.take(now: at(now)) { taken.append(now) }
        }
        #expect(taken == [0, 500, 1_000, 1_500] && requests.due == nil)
    }

    @Test func aKeyframeServesWhatWaits() {
        var requests = KeyframeRequests()
        requests.ask()
        let first = requests.take(now: at(0))
        requests.ask()
        let early = requests.take(now: at(100))
        #expect(first && !early && requests.due == at(500))
        requests.serve()
        let served = requests.take(now: at(600))
        #expect(!served && requests.due == nil)
        requests.ask()
        let next = requests.take(now: at(600))
        #expect(next)
    }
}
