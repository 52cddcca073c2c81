import SluiceTesting
import Testing

@testable import Sluice

/// The explorer itself: it must find what is there, and lose nothing by its reduction.
@Suite(.serialized) struct ExplorerTests {
    final class Pair {
        let a = ExplorerWord(0)
        let b = ExplorerWord(0)
    }

    @Test func twoThreadsOfTwoAccessesInterleaveInSixWays() {
        let result = Explorer.explore(reduction: .everySchedule) { explorer in
            let words = Pair()
            explorer.thread("one") { _ = (words.a.load(), words.a.load()) }
            explorer.thread("two") { _ = (words.a.load(), words.a.load()) }
        }
        // Each thread's start is a step too: 6 of 3.
        #expect(result.schedules == 20)
    }

    @Test(arguments: [Explorer.Reduction.partialOrder, .everySchedule])
    func aLostUpdateIsFound(_ reduction: Explorer.Reduction) {
        let result = Explorer.explore(reduction: reduction) { explorer in
            let words = Pair()
            for name in ["one", "two"] { explorer.thread(name) { words.a.store(words.a.load() + 1) } }
            explorer.finally { explorer.check(words.a.load() == 2, "an update was lost") }
        }
        #expect(result.failure?.hasPrefix("an update was lost") == true)
    }

    /// Both reductions reach the same outcomes of a program with races on two words.
    @Test(arguments: [Explorer.Memory.sequential, .storeBuffers])
    func theReductionLosesNoOutcome(_ memory: Explorer.Memory) {
        func outcomes(_ reduction: Explorer.Reduction) -> (Set<[Int]>, Int) {
            var found: Set<[Int]> = []
            let result = Explorer.explore(memory: memory, reduction: reduction) { explorer in
                let words = Pair()
                var seen = [0, 0, 0]
                explorer.thread("one") {
                    words.a.store(1)
                    seen[0] = words.b.load()
                    words.b.store(2)
                }
                explorer.thread("two") {
                    words.b.store(1)
                    seen[1] = words.a.load()
                    _ = words.a.compareExchange(expected: 1, desired: 3)
                }
                explorer.thread("three") { seen[2] = words.a.load() * 10 + words.b.load() }
                explorer.finally { found.insert(seen + [words.a.load(), words.b.load()]) }
            }
            return (found, result.schedules + result.redundant)
        }
        let (reduced, few) = outcomes(.partialOrder)
        let (all, many) = outcomes(.everySchedule)
        #expect(reduced == all)
        #expect(few < many)
    }

    /// The store buffer litmus test: with plain stores both may read 0, with a fence one must see the other.
    @Test(arguments: [false, true])
    func storeBuffersNeedAFence(_ isFenced: Bool) {
        let result = Explorer.explore(memory: .storeBuffers) { explorer in
            let words = Pair()
            var seen = [-1, -1]
            explorer.thread("one") {
                words.a.store(1)
                if isFenced { ExplorerWord.fence() }
                seen[0] = words.b.load()
            }
            explorer.thread("two") {
                words.b.store(1)
                if isFenced { ExplorerWord.fence() }
                seen[1] = words.a.load()
            }
            explorer.finally { explorer.check(seen != [0, 0], "neither saw the other") }
        }
        #expect((result.failure == nil) == isFenced)
    }

    @Test func aThreadThatNobodyWakesIsFound() {
        let result = Explorer.explore { explorer in
            let words = Pair()
            explorer.thread("waiter") { words.a.awaitNonzero() }
            explorer.thread("other") { words.b.store(1) }
        }
        #expect(result.failure?.hasPrefix("waits for ever: waiter") == true)
    }
}
