import Synchronization
import Testing

@_spi(Host) @testable import Sluice

@Suite struct EventTests {
    private func event(
        _ what: String, at seconds: Double = 0, _ level: EventLog.Level = .info, node: String = "n"
    ) -> EventLog.Event { EventLog.Event(time: .seconds(seconds), level: level, node: node, what: what) }

    @Test func theNewestStayAndErrorsAreKeptApart() {
        let log = EventLog(capacity: 3, errorCapacity: 2, observer: nil)
        log.add(event("e1", .error))
        for number in 1...5 { log.add(event("\(number)")) }
        log.add(event("e2", .error))
        log.add(event("6"))
        #expect(log.events.map(\.what) == ["e1", "4", "5", "e2", "6"])
        #expect(log.lost == 3)
        log.add(event("e3", .error))
        #expect(log.events.map(\.what) == ["4", "5", "e2", "6", "e3"])
    }

    @Test func aStatusIsToldAndNotKept() {
        let told = Told()
        let log = EventLog(observer: { told.note($0) })
        for number in 0..<20_000 { log.add(event("\(number) sent", .status)) }
        log.add(event("first frame"))
        #expect(told.all.count == 20_001)
        #expect(log.events.map(\.what) == ["first frame"])
        #expect(log.lost == 0)
    }

    @Test func manyInstancesOfATemplateAreOneLineASecond() {
        let told = Told()
        let log = EventLog(observer: { told.note($0) })
        for number in 1...500 {
            log.add(event("first frame", at: 0.1, node: "listener.\(number)/pacer"), place: "listener/pacer")
        }
        #expect(told.all == [event("first frame", at: 0.1, node: "listener.1/pacer")])
        log.turn(.seconds(0.5))
        #expect(told.all.count == 1)
        log.turn(.seconds(1.1))
        #expect(told.all.last == event("first frame (499 more)", at: 1.1, node: "listener/pacer"))
        log.turn(.seconds(2.2))
        log.turn(.seconds(9))
        #expect(told.all.count == 2)
        #expect(log.events == told.all)
        // Later it is news again.
        log.add(event("first frame", at: 9, node: "listener.501/pacer"), place: "listener/pacer")
        #expect(told.all.count == 3)
    }

    @Test func theAdviceStaysBelowTheSentence() {
        var gather = EventGather()
        for number in 1...3 {
            _ = gather.add(event("it is full\n  Empty it.", .warning, node: "a.\(number)/b"), place: "a/b")
        }
        #expect(gather.rest(at: .seconds(0.2)).map(\.what) == ["it is full (2 more)\n  Empty it."])
        #expect(gather.rest(at: .seconds(0.3)).isEmpty)
    }

    @Test func differentWordsPlacesAndLevelsAreSaidEach() {
        var gather = EventGather()
        let first = [
            (event("x", node: "a.1/b"), "a/b"), (event("y", node: "a.2/b"), "a/b"), (event("x", node: "a.1/c"), "a/c"),
            (event("x", .warning, node: "a.3/b"), "a/b"),
        ]
        for (event, place) in first { #expect(gather.add(event, place: place) == [event]) }
        // The graph's own nodes and errors are never gathered.
        for _ in 0..<3 {
            #expect(gather.add(event("z"), place: nil).count == 1)
            #expect(gather.add(event("z", .error), place: "a/b").count == 1)
        }
        #expect(gather.rest(at: .seconds(5)).isEmpty)
    }

    @Test func oneInstanceSpeaksForTheStatusOfAll() {
        var gather = EventGather()
        var told: [EventLog.Event] = []
        for second in 0..<10 {
            for number in 1...100 {
                told += gather.add(
                    event("\(number) sent", at: Double(second) * 2, .status, node: "l.\(number)/p"), place: "l/p")
            }
        }
        #expect(told.map(\.node) == Array(repeating: "l.1/p", count: 10))
    }

    @Test func wordsThatAlwaysDifferTakeNoMoreMemory() {
        var gather = EventGather()
        for number in 0..<100_000 { #expect(gather.add(event("caller \(number)"), place: "a/b").count == 1) }
        #expect(gather.sayingCount <= EventGather.limit)
    }

    private final class Told: Sendable {
        private let events = Mutex<[EventLog.Event]>([])
        var all: [EventLog.Event] { events.withLock { $0 } }
        func note(_ event: EventLog.Event) { events.withLock { $0.append(event) } }
    }
}
