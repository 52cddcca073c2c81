import Foundation
@_spi(Host) import Sluice
import SluiceTesting
import Testing

/// A graph file in virtual time.
@Suite struct GraphHarnessTests {
    /// Holds what it gets for as long as it is told.
    final class Hold: Node {
        static let descriptor = NodeDescriptor("hold", summary: "Hands packets on later")
        let input = Input<Packet>("in")
        let output = Output<Packet>("out", follows: "in")
        @Parameter("ms", default: 5, range: 0...1_000, help: "how long") var ms: Int
        private var held: [(due: Instant, packet: Packet)] = []
        private var context: NodeContext?

        func prepare(_ context: NodeContext) {
            self.context = context
            output.latency = .init(min: .milliseconds(1), max: .milliseconds(Int64(ms)))
        }

        func process(now: Instant) {
            while let packet = input.next() { held.append((now + .milliseconds(Int64(ms)), packet)) }
            while let first = held.first, first.due <= now { output.send(held.removeFirst().packet) }
            if let first = held.first { context?.wake(at: first.due) }
        }
    }

    /// One stream to two branches of different length, and together again.
    final class Mix: Node {
        static let descriptor = NodeDescriptor("mix", summary: "Takes two inputs", traits: .joins)
        let a = Input<Packet>("a")
        let b = Input<Packet>("b")
        func process(now: Instant) { while a.next() != nil || b.next() != nil {} }
    }

    final class Fork: Node {
        static let descriptor = NodeDescriptor("fork", summary: "Shares", traits: .shares)
        let input = Input<Packet>("in")
        let output = FanOut<Packet>("out", follows: "in")
        func process(now: Instant) { while let packet = input.next() { output.send(packet) } }
    }

    private let registry = {
        let registry = NodeRegistry()
        for type in [Hold.self, Mix.self, Fork.self] as [any Node.Type] { registry.register(type) }
        return registry
    }()

    @Test func aGraphFileRunsUnderTheTestsHand() throws {
        let harness = try GraphHarness(
            json: """
                {
                  "parameters": { "wait": { "type": "integer", "default": 5 } },
                  "nodes": {
                    "in": { "type": "test-source" },
                    "hold": { "type": "hold", "ms": "${wait}" },
                    "out": { "type": "test-sink" }
                  },
                  "edges": ["in -> hold -> out"]
                }
                """, set: ["wait": "7"], registry: registry)
        harness.settle()
        harness.source("in").push(TestMedia.packets(count: 1))
        harness.settle()
        #expect(harness.sink("out").received.isEmpty)
        #expect(harness.step("hold") == .timer)
        #expect(harness.now == Instant(nanoseconds: 7_000_000))
        harness.settle()
        #expect(harness.sink("out").received.count == 1)
    }

    @Test func aBrokenFileIsRefusedWithItsPlace() throws {
        let error = try #require(throws: GraphError.self) {
            try GraphHarness(json: #"{ "nodes": { "a": { "type": "holt" } }, "edges": [] }"#, registry: registry)
        }
        #expect("\(error)".hasPrefix("test.json:1:"), "\(error)")
        #expect("\(error)".contains("\"hold\""), "\(error)")
    }

    /// The report adds what the nodes before a node declare, by the slowest path.
    @Test func latenciesAddUpAlongTheSlowestPath() throws {
        let harness = try GraphHarness(
            json: """
                {
                  "nodes": {
                    "in": { "type": "test-source" },
                    "fork": { "type": "fork" },
                    "slow": { "type": "hold", "ms": 30 },
                    "slower": { "type": "hold", "ms": 12 },
                    "quick": { "type": "hold", "ms": 40 },
                    "mix": { "type": "mix" }
                  },
                  "edges": [
                    "in -> fork", "fork -> slow -> slower -> mix.a", "fork -> quick -> mix.b"
                  ]
                }
                """, registry: registry)
        harness.source("in").end()
        harness.run()
        let report = try JSONSerialization.jsonObject(with: Data(harness.report.utf8)) as? [String: Any]
        let nodes = try #require(report?["nodes"] as? [String: [String: Any]])
        func latency(_ key: String, of node: String) -> [Double]? { nodes[node]?[key] as? [Double] }
        #expect(latency("latency_ms", of: "slow") == [1, 30])
        #expect(latency("path_latency_ms", of: "slower") == [1, 30])
        #expect(latency("path_latency_ms", of: "mix") == [2, 42])
        #expect(latency("path_latency_ms", of: "fork") == nil)
    }
}
