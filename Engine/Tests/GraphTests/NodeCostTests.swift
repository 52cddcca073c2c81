import Testing

@testable import Sluice

/// The time that a node's dispatches took decides how many items the next one may take.
@Suite struct NodeCostTests {
    @Test func aDispatchMayTakeAsManyItemsAsAreWorth200Microseconds() {
        var cost = NodeCost()
        #expect(cost.allowance == 32)
        for _ in 0..<200 { _ = cost.note(32 * 20_000, items: 32) }
        #expect((10...11).contains(cost.allowance))
        #expect(cost.isLong && cost.isLendable)
        for _ in 0..<200 { _ = cost.note(3_000_000, items: 1) }
        #expect(cost.allowance == 1)
        #expect(cost.isLong && !cost.isLendable)
        for _ in 0..<200 { _ = cost.note(32 * 100, items: 32) }
        #expect(cost.allowance == 32)
        #expect(!cost.isLong && cost.isLendable)
    }

    /// A picture of 1.4 MB is fetched in 55 us.
    @Test func whatTakesLessThanToFetchItIsDoneWhereItIs() {
        func isForProducer(_ microseconds: Int, bytes: Int, isFetched: Bool) -> Bool {
            var cost = NodeCost()
            var isCheaper = false
            for _ in 0..<50 {
                isCheaper = cost.noteLarge(microseconds * 2_000, items: 2, bytes: bytes, isFetched: isFetched)
            }
            return isCheaper
        }
        #expect(isForProducer(80, bytes: 1_382_400, isFetched: false))
        #expect(!isForProducer(90, bytes: 1_382_400, isFetched: false))
        // The time in which it was fetched does not count.
        #expect(isForProducer(135, bytes: 1_382_400, isFetched: true))
        #expect(!isForProducer(145, bytes: 1_382_400, isFetched: true))
        #expect(!isForProducer(10, bytes: 60_000, isFetched: false))
        var cost = NodeCost()
        let isKnown = cost.noteLarge(10_000, items: 0, bytes: 1 << 20, isFetched: false)
        #expect(!isKnown)
    }

    @Test func aDispatchWithoutItemsSaysNothing() {
        var cost = NodeCost()
        let isNoted = cost.note(1_000_000, items: 0)
        #expect(!isNoted && cost.allowance == 32 && !cost.isLong && !cost.isLendable)
    }
}
