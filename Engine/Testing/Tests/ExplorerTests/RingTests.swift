import Foundation
import SluiceTesting
import Testing

@testable import Sluice

/// Every interleaving of the engine's ring and its handshakes, for small sizes, under x86's store buffers. A flaw put
/// in on purpose is found each time.
@Suite(.serialized) struct RingTests {
    typealias Flaw = EdgeModel.Flaw

    /// No failure without a flaw, one with it; says how many schedules that took.
    static func prove(
        _ what: String, _ flaw: Flaw = .none, memory: Explorer.Memory = .sequential, limit: Int = 1_000_000,
        _ program: (Explorer) -> Void
    ) {
        let result = Explorer.explore(memory: memory, limit: limit, program)

        FileHandle.standardError.write(
            Data(
                ("explored: \(what), \(memory), flaw \(flaw): \(result.schedules) schedules, "
                    + "\(result.redundant) redundant, longest \(result.longest)\n").utf8))
        #expect(result.isComplete, "\(what): not all schedules were explored")
        if flaw == .none {
            #expect(result.failure == nil, "\(what)")
        } else {
            #expect(result.failure != nil, "\(what): the flaw was not found")
        }
    }

    @Test(
        arguments: [Flaw.none, .noLookAgain, .noFence],
        [(Explorer.Memory.sequential, 1, 2), (.sequential, 2, 3), (.storeBuffers, 2, 1)])
    func aBlockEdgeHandsOverEveryItemOnceAndNobodyWaitsForEver(_ flaw: Flaw, _ size: (Explorer.Memory, Int, Int)) {
        let (memory, capacity, count) = size
        // Without store buffers nothing needs a fence.
        guard flaw != .noFence || memory == .storeBuffers else { return }
        for early in count < 3 ? [false, true] : [false] {
            RingTests.prove("block \(count) items through \(capacity), woken early: \(early)", flaw, memory: memory) {
                explorer in
                let edge = EdgeModel(explorer, capacity: capacity, flaw: flaw)
                edge.wakesEarly = early
                explorer.thread("producer") { edge.produce(count) }
                explorer.thread("consumer") { edge.consume(last: count) }
                explorer.finally {
                    edge.checkBalance()
                    explorer.check(edge.popped == Array(1...count), "popped \(edge.popped)")
                }
            }
        }
    }

    @Test(arguments: [Flaw.none, .plainHead])
    func bothSidesOfADroppingEdgeTakeFromTheHeadAndEachItemHasOneOwner(_ flaw: Flaw) {
        for (capacity, count) in [(1, 3), (2, 3)] {
            RingTests.prove("drop-oldest \(count) items through \(capacity)", flaw) { explorer in
                let edge = EdgeModel(explorer, capacity: capacity, producerDrops: true, flaw: flaw)
                explorer.thread("producer") {
                    for _ in 0..<count { edge.pushDroppingOldest() }
                    _ = edge.producerSettles(wasFull: false)
                    edge.finish()
                }
                explorer.thread("consumer") { edge.consume() }
                explorer.finally {
                    edge.checkBalance()
                    explorer.check(edge.popped.last == count, "the newest item was lost: \(edge.popped)")
                }
            }
        }
    }

    /// Items 1 and 4 are keyframes; the rest need the one before.
    @Test(arguments: [Flaw.none, .dropsOneByOne])
    func behindAGapTheConsumerSeesAKeyframeFirst(_ flaw: Flaw) {
        RingTests.prove("drop-to-keyframe", flaw) { explorer in
            let edge = EdgeModel(explorer, capacity: 4, producerDrops: true, flaw: flaw)
            for item in 1...4 {
                edge.pushed = item
                edge.ring.push(item, at: 0)
            }
            explorer.thread("producer") {
                edge.pushDropping(before: 3)
                edge.finish()
            }
            explorer.thread("consumer") {
                var last = 0
                while let item = edge.take() {
                    explorer.check(item == last + 1 || item == 4, "after \(last) came \(item)")
                    last = item
                }
            }
            explorer.finally { edge.checkBalance() }
        }
    }

    /// The edge is full of what turns stale; the producer waits for the room that only the flush makes.
    @Test(arguments: [Flaw.none, .silentFlush])
    func aFlushMakesRoomAndWakesWhoWaitsForIt(_ flaw: Flaw) {
        RingTests.prove("epoch flush", flaw) { explorer in
            let edge = EdgeModel(explorer, capacity: 1, flaw: flaw)
            edge.push()
            explorer.thread("producer") { edge.produce(2, sent: 1) }
            explorer.thread("consumer") { edge.consume(last: 2, lastOld: 1) }
            explorer.thread("raiser") {
                edge.epoch.storeSequential(2)
                edge.wakeConsumer()
                edge.wakeProducer()
            }
            explorer.finally {
                edge.checkBalance()
                explorer.check(edge.popped.last == 2, "what is not stale was lost")
            }
        }
    }

    @Test(arguments: [Flaw.none, .fullThoughClosed])
    func aConsumerThatLeavesHoldsNobody(_ flaw: Flaw) {
        for wanted in 0...1 {
            RingTests.prove("close after \(wanted)", wanted == 0 ? flaw : .none) { explorer in
                let edge = EdgeModel(explorer, capacity: 1, flaw: wanted == 0 ? flaw : .none)
                explorer.thread("producer") { edge.produce(2) }
                explorer.thread("consumer") {
                    for _ in 0..<wanted {
                        while edge.take() == nil { if !edge.consumerSettles() { edge.consumerWaits() } }
                    }
                    edge.close()
                }
                explorer.finally { edge.checkBalance() }
            }
        }
    }

    @Test(arguments: [Flaw.none, .noLookAgain])
    func aFenceIsAnsweredOnceWhatStandsBeforeItHasGone(_ flaw: Flaw) {
        RingTests.prove("fence", flaw) { explorer in
            let edge = EdgeModel(explorer, capacity: 2, flaw: flaw)
            explorer.thread("producer") {
                edge.push()
                edge.push()
                edge.ring.placeFence()
                while edge.ring.isFenceAhead { if !edge.producerSettles(wasFull: false) { edge.producerWaits() } }
                explorer.check(edge.popped.count == 2, "answered after \(edge.popped.count) of 2 items")
                edge.finish()
            }
            explorer.thread("consumer") { edge.consume() }
            explorer.finally { edge.checkBalance() }
        }
    }

    /// An announcement that stays where it is wakes for every item: not wrong, but a wake-up more than there are waits.
    @Test(arguments: [Flaw.none, .wakeNotTaken])
    func anAnnouncementWakesOnce(_ flaw: Flaw) {
        RingTests.prove("one wake-up", flaw) { explorer in
            let edge = EdgeModel(explorer, capacity: 4, flaw: flaw)
            edge.ring.announceItemsWanted()
            edge.wakesEarly = true
            var wakes = 0
            explorer.thread("producer") {
                for _ in 0..<2 {
                    edge.push()
                    if edge.consumerBell.exchange(0) != 0 { wakes += 1 }
                }
                _ = edge.producerSettles(wasFull: false)
                if edge.consumerBell.exchange(0) != 0 { wakes += 1 }
            }
            explorer.finally { explorer.check(wakes == 1, "\(wakes) wake-ups for one announcement") }
        }
    }
}
