import Glibc
import Synchronization
import Testing

@testable @_spi(Host) import Sluice

@Suite struct LineTests {
    @Test func linesComeOutInOrder() {
        var queue = LineQueue()
        for number in 1...3 { queue.add("\(number)\n") }
        #expect(queue.take() == "1\n2\n3\n")
        #expect(queue.isEmpty)
        #expect(queue.take() == "")
    }

    @Test func theNewestStayAndWhatIsLostIsSaidOnce() {
        var queue = LineQueue(lines: 3)
        for number in 1...5 { queue.add("\(number)\n") }
        #expect(queue.take() == "(2 lines were lost here: nobody read them in time)\n3\n4\n5\n")
        for number in 6...9 { queue.add("\(number)\n") }
        #expect(queue.take() == "(1 line was lost here: nobody read them in time)\n7\n8\n9\n")
        queue.add("10\n")
        #expect(queue.take() == "10\n")
    }

    @Test func longLinesAreBoundedInBytesAndOneIsAlwaysKept() {
        var queue = LineQueue(lines: 100, bytes: 10)
        queue.add("12345678\n")
        queue.add("abc\n")
        #expect(queue.take().hasSuffix("time)\nabc\n"))
        queue.add("much longer than that\n")
        #expect(queue.take() == "much longer than that\n")
    }

    @Test func theNewestOfManyStayInAQueueThatIsEmptiedNowAndThen() {
        var newest = Newest<Int>(capacity: 4)
        var gone: [Int] = []
        for number in 0..<100 {
            if let old = newest.add(number) { gone.append(old) }
            if number % 7 == 0, let old = newest.popFirst() { gone.append(old) }
        }
        #expect(gone + newest.all == Array(0..<100))
        #expect(newest.count <= 4)
    }

    /// A reader that takes nothing until it is let.
    private final class Reader: Sendable {
        private let gate = Gate()
        let text = Mutex("")

        func take(_ new: String) {
            gate.pass()
            text.withLock { $0 += new }
        }

        func open() { gate.open() }
    }

    @Test func whoSaysSomethingNeverWaitsForAReader() {
        let reader = Reader()
        let writer = LineWriter(queue: LineQueue(lines: 10)) { reader.take($0) }
        for number in 0..<1_000 { writer.say("\(number)\n") }
        #expect(writer.isBehind)
        #expect(!writer.drain(within: .milliseconds(1)))
        reader.open()
        #expect(writer.drain(within: .seconds(60)))
        let text = reader.text.withLock { $0 }
        #expect(text.hasSuffix("\n997\n998\n999\n"))
        #expect(text.contains("lines were lost here"))
        #expect(!writer.isBehind)
    }

    @Test func linesOfManyThreadsAllComeOut() async {
        let reader = Reader()
        reader.open()
        let writer = LineWriter(queue: LineQueue(lines: 10_000)) { reader.take($0) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for number in 0..<500 { writer.say("\(number)\n") } } }
        }
        #expect(writer.drain(within: .seconds(60)))
        #expect(reader.text.withLock { $0.split(separator: "\n").count } == 4_000)
    }
}

/// Holds those that pass until it is opened.
private final class Gate: Sendable {
    private let words = Atomic<Int>(0)

    func pass() { while words.load(ordering: .acquiring) == 0 { sched_yield() } }
    func open() { words.store(1, ordering: .releasing) }
}
