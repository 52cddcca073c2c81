@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Edges come and go at a shared output: their order stays.
@Suite struct ManyEdgesTests {
    private func hosted(_ body: (GraphHarness, Host) throws -> Void) throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("host", Host.self)
        graph.edge("from.out -> host.in")
        graph.template("t") {
            $0.node("sink", Tagged.self)
            $0.edge("$parent.host.out -> sink.in", overflow: .dropOldest)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        try body(harness, try #require(harness.node("host") as? Host))
    }

    /// Notes when it got each item, over all instances.
    final class Tagged: Node {
        static let descriptor = NodeDescriptor("tagged", summary: "Notes the order of delivery")
        let input = Input<MediaItem>("in")
        var name = ""
        func prepare(_ context: NodeContext) { name = context.name }
        func process(now: Instant) {
            while let item = input.next() { Order.shared.note(name, TestMedia.number(of: item)) }
        }
    }

    final class Order {
        nonisolated(unsafe) static let shared = Order()
        var names: [Int: [String]] = [:]
        func note(_ name: String, _ number: Int) { names[number, default: []].append(name) }
    }

    @Test func whoLeavesIsServedNoMoreAndTheOthersKeepTheirOrder() throws {
        Order.shared.names = [:]
        try hosted { harness, host in
            for _ in 0..<20 { host.start("t") }
            harness.settle()
            harness.source("from").push(TestMedia.pictures(count: 1))
            harness.settle()
            for (index, handle) in host.handles.enumerated() where index % 3 != 0 { handle.stop() }
            harness.settle()
            for _ in 0..<2 { host.start("t") }
            harness.settle()
            harness.source("from").push(TestMedia.pictures(first: 1, count: 1))
            harness.settle()
            func tags(_ numbers: some Sequence<Int>) -> [String] { numbers.map { "t.\($0)/sink" } }
            #expect(Order.shared.names[0] == tags(1...20))
            #expect(Order.shared.names[1] == tags([1, 4, 7, 10, 13, 16, 19, 21, 22]))
            #expect(host.output.isConnected)
            for handle in host.handles { handle.stop() }
            harness.settle()
            #expect(!host.output.isConnected)
            harness.source("from").push(TestMedia.pictures(first: 2, count: 1))
            harness.settle()
            #expect(Order.shared.names[2] == nil)
            #expect(harness.isBalanced)
        }
    }
}
