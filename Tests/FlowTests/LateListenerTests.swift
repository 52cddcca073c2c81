import FlowPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct LateListenerTests {
    /// A source before a relay, and listeners that come when the test says.
    private func graph(begin: String, overflow: EdgePolicy.Overflow = .dropToKeyframe, items: Int = 16) throws
        -> GraphHarness
    {
        var graph = GraphBuilder()
        graph.node("source", TestSource.self)
        graph.node("relay", Relay.self, ["begin": .string(begin)])
        graph.edge("source.out -> relay.in", items: 64, milliseconds: 5_000)
        graph.template("listener") {
            $0.node("sink", TestSink.self)
            $0.edge("$parent.relay.out -> sink.in", items: items, milliseconds: 2_000, overflow: overflow)
        }
        return try GraphHarness(graph)
    }

    private func numbers(_ harness: GraphHarness, _ listener: Int) -> [Int] {
        harness.sink("listener.\(listener)/sink").received.map { TestMedia.number(of: $0.item) }
    }

    private func start(_ harness: GraphHarness) -> NodeContext.Instance {
        let handle = harness.context(of: "relay")!.start("listener")
        harness.settle()
        return handle
    }

    private func push(_ harness: GraphHarness, _ numbers: Range<Int>) {
        for number in numbers {
            harness.source("source").push(TestMedia.packets(first: number, count: 1, group: 10))
            harness.advance(by: .milliseconds(20))
        }
    }

    @Test func whoJoinsCodedVideoBeginsAtAKeyframe() throws {
        let harness = try graph(begin: "keyframe")
        push(harness, 0..<5)
        _ = start(harness)
        push(harness, 5..<25)
        #expect(numbers(harness, 1) == Array(10..<25))
    }

    @Test func orNowWhereTheGraphSaysSo() throws {
        let harness = try graph(begin: "now")
        push(harness, 0..<5)
        _ = start(harness)
        push(harness, 5..<25)
        #expect(numbers(harness, 1) == Array(5..<25))
    }

    @Test func nobodySeesAGapBecauseAnotherComesOrGoes() throws {
        let harness = try graph(begin: "keyframe")
        var handles: [NodeContext.Instance] = []
        var number = 0
        for _ in 0..<20 {
            handles.append(start(harness))
            push(harness, number..<number + 7)
            number += 7
        }
        // A listener that came with number 7 × n has everything from the next keyframe on.
        for listener in 1...20 {
            let first = ((listener - 1) * 7 + 9) / 10 * 10
            #expect(numbers(harness, listener) == Array(min(first, number)..<number))
        }
        for (index, handle) in handles.enumerated() where index % 2 == 0 {
            handle.stop()
            push(harness, number..<number + 3)
            number += 3
        }
        for listener in stride(from: 2, through: 20, by: 2) {
            let first = ((listener - 1) * 7 + 9) / 10 * 10
            #expect(numbers(harness, listener) == Array(first..<number))
        }
        #expect(harness.isBalanced)
        #expect(harness.edge(to: "relay.in")?.dropped == 0)
    }

    @Test func whoIsSlowHurtsItselfAlone() throws {
        let harness = try graph(begin: "keyframe", items: 8)
        _ = start(harness)
        _ = start(harness)
        harness.sink("listener.1/sink").appetite = 0
        push(harness, 0..<40)
        harness.sink("listener.1/sink").appetite = nil
        push(harness, 40..<60)
        #expect(numbers(harness, 2) == Array(0..<60))
        // It goes on at a keyframe.
        let slow = numbers(harness, 1)
        #expect(slow.first! % 10 == 0 && slow.first! > 0)
        #expect(harness.edge(to: "listener.1/sink.in")!.dropped > 0)
        #expect(harness.edge(to: "listener.2/sink.in")!.dropped == 0)
        #expect(harness.isBalanced)
    }
}
