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

    @Test func aDispatchWithoutItemsSaysNothing() {
        var cost = NodeCost()
        let isNoted = cost.note(1_000_000, items: 0)
        #expect(!isNoted && cost.allowance == 32 && !cost.isLong && !cost.isLendable)
    }
}
