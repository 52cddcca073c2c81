import Testing

@testable import SpeechPlugin

@Suite struct DecodeQueueTests {
    @Test func finalsComeBeforePartials() {
        var queue = DecodeQueue<String>(capacity: 8)
        _ = queue.add("partial 1", stream: 1, isFinal: false)
        _ = queue.add("partial 2", stream: 2, isFinal: false)
        _ = queue.add("final 3", stream: 3, isFinal: true)
        _ = queue.add("final 4", stream: 4, isFinal: true)
        #expect((0..<5).map { _ in queue.next() } == ["final 3", "final 4", "partial 1", "partial 2", nil])
    }

    @Test func aNewerPartialReplacesTheOneThatWaitsAndAFinalMakesItNeedless() {
        var queue = DecodeQueue<String>(capacity: 8)
        _ = queue.add("a", stream: 1, isFinal: false)
        let (isTaken, replaced) = queue.add("b", stream: 1, isFinal: false)
        #expect(isTaken && replaced == ["a"])
        #expect(queue.add("c", stream: 1, isFinal: true).replaced == ["b"])
        #expect(queue.count == 1)
    }

    @Test func itIsBoundedAndPartialsGiveWay() {
        var queue = DecodeQueue<String>(capacity: 2)
        _ = queue.add("partial", stream: 1, isFinal: false)
        _ = queue.add("one", stream: 2, isFinal: true)
        let (isTaken, replaced) = queue.add("two", stream: 3, isFinal: true)
        #expect(isTaken && replaced == ["partial"])
        #expect(!queue.add("three", stream: 4, isFinal: true).isTaken)
        #expect(!queue.add("late", stream: 5, isFinal: false).isTaken)
        #expect(queue.count == 2)
    }

    @Test func aStreamThatEndsLeavesNothingBehind() {
        var queue = DecodeQueue<String>(capacity: 8)
        _ = queue.add("a", stream: 1, isFinal: true)
        _ = queue.add("b", stream: 1, isFinal: false)
        _ = queue.add("c", stream: 2, isFinal: true)
        #expect(queue.remove(stream: 1) == ["a", "b"])
        #expect(queue.next() == "c")
    }
}
