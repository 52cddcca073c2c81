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

    @Test func aThousandPictureLossIndicationsASecondAreTwoRequestsASecond() {
        var requests = KeyframeRequests()
        var taken = 0
        for now in Int64(0)..<10_000 {
            requests.note(.pictureLoss(sender: 1, media: 5), of: 5)
            requests.note(.pictureLoss(sender: 1, media: 6), of: 5)
            if requests.take(now: at(now)) { taken += 1 }
        }
        #expect(taken == 20)
        var others = KeyframeRequests()
        others.note(.pictureLoss(sender: 1, media: 6), of: 5)
        others.note(.fullIntraRequest(sender: 1, [.init(ssrc: 6, number: 1)]), of: 5)
        #expect(others.due == nil)
    }

    @Test func aFullIntraRequestThatIsRepeatedIsOne() {
        var requests = KeyframeRequests()
        var taken: [Int64] = []
        for now in Int64(0)..<3_000 {
            // Number 255 is repeated for two seconds, then 0 follows; another receiver has numbers of its own.
            let number: UInt8 = now < 2_000 ? 255 : 0
            requests.note(.fullIntraRequest(sender: 1, [.init(ssrc: 5, number: number)]), of: 5)
            if now >= 1_000 { requests.note(.fullIntraRequest(sender: 2, [.init(ssrc: 5, number: 255)]), of: 5) }
            if requests.take(now: at(now)) { taken.append(now) }
        }
        #expect(taken == [0, 1_000, 2_000])
    }
}
