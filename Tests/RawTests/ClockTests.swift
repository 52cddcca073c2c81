import Sluice
import SluiceTesting
import Synchronization
import Testing

@testable import RawPlugin

/// Notes the clock that it is given.
private final class ClockWitness: Node {
    static let descriptor = NodeDescriptor("clock-witness", summary: "Notes the clock of the raw sources around it")
    static let clocks = Mutex<[String: RawClock]>([:])
    let output = Output<Packet>("out", optional: true)
    init() {}
    func prepare(_ context: NodeContext) throws {
        let clock = try context.service(RawClock.self)
        ClockWitness.clocks.withLock { $0[context.name] = clock }
        context.finish()
    }
    func process(now: Instant) {}
}

@Suite struct RawClockTests {
    @Test func rawSourcesOfOneSessionShareAClockAndThoseOfOthersDoNot() throws {
        var graph = GraphBuilder()
        provideServices(to: graph.registry)
        for name in ["a", "b"] { graph.node(name, ClockWitness.self) }
        graph.template("caller", count: 2) { inner in
            for name in ["a", "b"] { inner.node(name, ClockWitness.self) }
        }
        try GraphHarness(graph).run()
        let clocks = ClockWitness.clocks.withLock { $0 }
        #expect(clocks.count == 6)
        for session in ["", "caller.1/", "caller.2/"] {
            #expect(clocks[session + "a"] != nil && clocks[session + "a"] === clocks[session + "b"], "\(session)")
        }
        #expect(Set(clocks.values.map { ObjectIdentifier($0) }).count == 3)
    }
}
