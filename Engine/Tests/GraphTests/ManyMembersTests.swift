import Testing

@_spi(Host) @testable import Sluice

/// The cost of many members, in steps, and their values.
@Suite struct ManyMembersTests {
    private final class Member {}

    @Test func `A roster keeps the order while members come and go`() {
        var roster = Roster<Member>()
        let members = (0..<100).map { _ in Member() }
        for member in members { roster.add(member) }
        roster.add(members[5])
        #expect(roster.count == 100)
        for (index, member) in members.enumerated() where index % 3 != 0 { roster.remove(member) }
        let isThere = roster.remove(members[1])
        #expect(!isThere)
        let kept = members.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
        #expect(zip(roster, kept).allSatisfy { $0 === $1 } && roster.count == kept.count)
        roster.add(members[1])
        #expect(Array(roster).last === members[1])
        #expect(roster.contains(members[1]) && !roster.contains(members[2]))
    }

    @Test func `The least of many is known after each change`() {
        var random = Repeatable()
        var least = LeastOfMany()
        var all: [Int: Double] = [:]
        for _ in 0..<5_000 {
            let member = Int.random(in: 0..<200, using: &random)
            if Bool.random(using: &random) {
                let value = Double.random(in: -10...10, using: &random)
                all[member] = value
                let found = least.set(value, of: member)
                #expect(found == all.values.min())
            } else {
                let (was, isKnown) = (least.remove(member), all.removeValue(forKey: member) != nil)
                #expect(was == isKnown)
                #expect(least.least == all.values.min())
            }
        }
    }

    private struct Repeatable: RandomNumberGenerator {
        private var state: UInt64 = 7
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    @Test func `Actions come by their time, then in their order`() {
        var heap = ActionHeap()
        var done: [Int] = []
        for (number, at) in [30, 10, 20, 10, 30, 20].enumerated() { heap.push(at: Int64(at)) { done.append(number) } }
        #expect(heap.earliest == 10)
        while let action = heap.popDue(20) { action() }
        #expect(done == [1, 3, 2, 5])
        while let action = heap.popDue(.max) { action() }
        #expect(done == [1, 3, 2, 5, 0, 4])
        #expect(heap.earliest == .max)
    }
}
