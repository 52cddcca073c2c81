@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// One dispatch sees one epoch, as it sees one `now`.
@Suite struct DispatchEpochTests {
    /// Looks at its input, lets somebody else raise the epoch, looks again and takes.
    final class Looker: Node {
        static let descriptor = NodeDescriptor("looker", summary: "Looks twice, then takes")
        let input = Input<MediaItem>("in")
        var meanwhile: (() -> Void)?
        var seen: [(first: Int, second: Int, taken: Int)] = []
        var epochs: [(before: UInt32, after: UInt32)] = []
        var reasons: [WakeReasons] = []
        var context: NodeContext?
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            guard let context else { return }
            reasons.append(context.reasons)
            func number(_ item: MediaItem?) -> Int { item.map { TestMedia.number(of: $0) } ?? -1 }
            guard let first = input.peek(), let meanwhile else { return }
            let before = context.epoch
            meanwhile()
            let second = input.peek()
            seen.append((number(first), number(second), number(input.next())))
            epochs.append((before, context.epoch))
            self.meanwhile = nil
        }
    }

    private func harness() throws -> NodeHarness<Looker> {
        let harness = try NodeHarness(Looker.self)
        harness.settle()
        return harness
    }

    @Test func whatPeekShowedNextHandsOutThoughTheEpochRoseInBetween() throws {
        let harness = try harness()
        let other = try #require(harness.graph.context(of: "to-in"))
        harness.node.meanwhile = { other.raiseEpoch() }
        harness.push(TestMedia.pictures(count: 3, epoch: 1))
        harness.settle()
        let seen = try #require(harness.node.seen.first)
        #expect(seen == (0, 0, 0))
        let epochs = try #require(harness.node.epochs.first)
        #expect(epochs == (1, 1))
        // The next dispatch is for the epoch, and finds the rest gone.
        #expect(harness.node.reasons.last?.contains(.epoch) == true)
        #expect(harness.graph.edge(to: "node.in")?.flushed == 2)
        #expect(harness.epoch == 2)
        #expect(harness.graph.isBalanced)
    }

    @Test func aNodeThatRaisesTheEpochItselfSeesItAtOnce() throws {
        let harness = try harness()
        let node = harness.node
        node.meanwhile = { node.context?.raiseEpoch() }
        harness.push(TestMedia.pictures(count: 3, epoch: 1))
        harness.settle()
        let seen = try #require(node.seen.first)
        #expect(seen == (0, -1, -1))
        let epochs = try #require(node.epochs.first)
        #expect(epochs == (1, 2))
        #expect(harness.graph.edge(to: "node.in")?.flushed == 3)
        #expect(harness.graph.isBalanced)
    }

    /// Media of the parent and of the instance itself meet in one node: each epoch is read once.
    @Test func inputsOfTwoSessionsEachKeepTheirEpochForTheDispatch() throws {
        final class Two: Node {
            static let descriptor = NodeDescriptor("two", summary: "Looks at two inputs")
            let a = Input<MediaItem>("a")
            let b = Input<MediaItem>("b")
            var meanwhile: (() -> Void)?
            var heads: [[Int]] = []
            func process(now: Instant) {
                func look() { heads.append([a.peek(), b.peek()].map { $0.map { TestMedia.number(of: $0) } ?? -1 }) }
                guard a.peek() != nil, b.peek() != nil, let meanwhile else { return }
                look()
                meanwhile()
                look()
                self.meanwhile = nil
            }
        }
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("share", Share.self)
        graph.edge("from.out -> share.in")
        graph.template("t", count: 1) {
            $0.node("own", TestSource.self)
            $0.node("two", Two.self)
            $0.edge("$parent.share.out -> two.a")
            $0.edge("own.out -> two.b")
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        let two = try #require(harness.node("t.1/two") as? Two)
        let (parent, own) = (try #require(harness.context(of: "from")), try #require(harness.context(of: "t.1/own")))
        two.meanwhile = {
            parent.raiseEpoch()
            own.raiseEpoch()
        }
        harness.source("from").push(TestMedia.pictures(count: 1, epoch: 1))
        harness.source("t.1/own").push(TestMedia.pictures(first: 7, count: 1, epoch: 1))
        harness.settle()
        #expect(two.heads == [[0, 7], [0, 7]])
        #expect(harness.edge(to: "t.1/two.a")?.flushed == 1 && harness.edge(to: "t.1/two.b")?.flushed == 1)
        #expect(harness.isBalanced)
    }
}
