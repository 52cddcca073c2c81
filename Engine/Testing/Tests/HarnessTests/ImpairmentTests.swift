import Sluice
import SluiceTesting
import Testing

@Suite struct ImpairmentTests {
    private func ms(_ value: Double) -> Instant { Instant(nanoseconds: Int64(value * 1e6)) }

    /// Arrivals of `count` items of `bytes` sent every 20 ms.
    private func arrivals(
        _ settings: Impairment.Settings, count: Int = 2_000, bytes: Int = 100
    ) -> (all: [Instant?], state: Impairment) {
        var impairment = Impairment(settings)
        let all = (0..<count).map { impairment.arrival(of: bytes, at: ms(Double($0) * 20)) }
        return (all, impairment)
    }

    @Test func withoutSettingsNothingHappens() {
        #expect(arrivals(Impairment.Settings()).all == (0..<2_000).map { ms(Double($0) * 20) })
    }

    @Test func oneSeedGivesOneFateAndAnotherAnother() {
        func fate(_ seed: UInt64) -> [Instant?] {
            arrivals(
                Impairment.Settings(seed: seed, delay: .milliseconds(10), jitter: .milliseconds(40), loss: 0.01)
            ).all
        }
        #expect(fate(7) == fate(7))
        #expect(fate(7) != fate(8))
    }

    @Test func delayAndJitterStayWithinTheirBoundsAndKeepTheOrder() {
        let (all, _) = arrivals(Impairment.Settings(seed: 3, delay: .milliseconds(50), jitter: .milliseconds(40)))
        let times = all.compactMap { $0 }
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        let delays = times.enumerated().map { ($1 - ms(Double($0) * 20)).milliseconds }
        #expect(delays.allSatisfy { $0 >= 50 && $0 < 90 })
        #expect(delays.max()! > 85 && delays.min()! < 55)
    }

    @Test func soManyAreLost() {
        let (all, state) = arrivals(Impairment.Settings(seed: 3, loss: 0.1), count: 10_000)
        let lost = all.filter { $0 == nil }.count
        #expect((900...1_100).contains(lost))
        #expect(state.lost == lost)
        #expect(arrivals(Impairment.Settings(loss: 1)).all.allSatisfy { $0 == nil })
    }

    @Test func someAreOvertaken() {
        let (all, state) = arrivals(Impairment.Settings(seed: 3, reorder: 0.05, reorderBy: .milliseconds(50)))
        let times = all.compactMap { $0 }
        let overtaken = zip(times, times.dropFirst()).filter { $0 > $1 }.count
        #expect((60...140).contains(overtaken))
        #expect(state.reordered >= overtaken)
    }

    /// 100 bytes take 20 ms at 40 kb/s: at 20 kb/s every second one fits, once the queue is full.
    @Test func aLineOfALimitedRateDelaysAndThenLoses() {
        let (all, state) = arrivals(Impairment.Settings(kilobits: 20, queue: .milliseconds(100)))
        let times = all.compactMap { $0 }
        #expect(zip(times, times.dropFirst()).allSatisfy { ($1 - $0) == .milliseconds(40) })
        #expect((995...1_010).contains(times.count))
        #expect(state.overflowed == 2_000 - times.count)
        #expect(arrivals(Impairment.Settings(kilobits: 40)).state.overflowed == 0)
    }

    @Test func anEdgeOfAGraphIsImpairedInVirtualTime() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.impairedEdge(
            "from.out -> to.in",
            Impairment.Settings(
                seed: 5, delay: .milliseconds(30), jitter: .milliseconds(20), loss: 0.1, reorder: 0.1),
            node: "network", items: 100)
        let harness = try GraphHarness(graph)
        for packet in TestMedia.packets(TestMedia.codedAudio(), count: 100) {
            harness.source("from").push(packet)
            harness.advance(by: .milliseconds(20))
        }
        harness.source("from").end()
        let sink = harness.sink("to")
        #expect(harness.run() == .finished)
        let network = try #require(harness.node("network") as? ImpairedEdge ?? nil)
        #expect(sink.received.count == 100 - network.impairment.lost)
        #expect(network.impairment.lost > 0 && network.impairment.reordered > 0)
        let numbers = sink.received.map { TestMedia.number(of: $0.item) }
        #expect(numbers != numbers.sorted())
        for (item, at) in sink.received {
            let delay = (at - Instant(nanoseconds: 0)).milliseconds - Double(TestMedia.number(of: item)) * 20
            #expect(delay >= 30 && delay < 100)
        }
    }
}
