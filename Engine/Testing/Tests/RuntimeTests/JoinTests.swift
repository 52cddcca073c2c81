@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct JoinTests {
    func times(_ milliseconds: [Int64]) -> [Packet] {
        milliseconds.map { time in
            let packet = TestMedia.packets(TestMedia.codedAudio(), count: 1)[0]
            (packet.header.pts, packet.header.dts) = (.milliseconds(time), .milliseconds(time))
            return packet
        }
    }

    @Test func itemsOfTwoInputsComeInOrderOfTheirTimes() throws {
        let harness = try NodeHarness(Merge.self)
        harness.push(times([0, 20, 40]), into: "a")
        harness.push(times([10, 20, 30]), into: "b")
        harness.settle()
        #expect(harness.node.order == ["a0", "b10", "a20", "b20", "b30"])
        _ = harness.finish()
        #expect(harness.graph.outcome == .finished)
    }

    @Test func aSilentInputIsWaitedForThenLeftAsideAndTakenInAgain() throws {
        let harness = try NodeHarness(Merge.self)
        harness.push(times([0, 20]), into: "a")
        harness.advance(by: .milliseconds(99))
        #expect(harness.node.order == [])
        harness.advance(by: .milliseconds(1))
        #expect(harness.node.order == ["a0", "a20"])
        harness.push(times([40]), into: "a")
        harness.settle()
        #expect(harness.node.order.count == 3)
        #expect(harness.events.filter { $0.what.contains("sent nothing for 100 ms") }.count == 1)
        harness.push(times([50]), into: "b")
        harness.settle()
        harness.push(times([60]), into: "a")
        harness.settle()
        #expect(harness.node.order.suffix(1) == ["b50"])
    }

    @Test func anInputThatEndedIsNotWaitedFor() throws {
        let harness = try NodeHarness(Merge.self)
        harness.end("b")
        harness.push(times([0, 20]), into: "a")
        harness.settle()
        #expect(harness.node.order == ["a0", "a20"])
    }

    @Test func aBranchThatHoldsLessThanTheOtherDelaysIsRefused() throws {
        func graph(ms: Int, overflow: EdgePolicy.Overflow = .block) -> GraphBuilder {
            var graph = GraphBuilder()
            graph.node("from", TestSource.self)
            graph.node("share", Share.self)
            graph.node("late", Late.self)
            graph.node("merge", Merge.self)
            graph.node("to", TestSink.self)
            graph.edge("from.out -> share.in")
            graph.edge("share.out -> late.in", milliseconds: 500)
            graph.edge("late.out -> merge.a", milliseconds: 500)
            graph.edge("share.out -> merge.b", milliseconds: ms, overflow: overflow)
            graph.edge("merge.out -> to.in")
            return graph
        }
        let error = #expect(throws: GraphError.self) { _ = try GraphHarness(graph(ms: 500)) }
        let words = error.map { "\($0)" } ?? ""
        #expect(words.contains("700 ms later"))
        #expect(words.contains("holds only 500 ms"))
        #expect(throws: Never.self) { _ = try GraphHarness(graph(ms: 800)) }
        #expect(throws: Never.self) { _ = try GraphHarness(graph(ms: 500, overflow: .dropOldest)) }
    }
}
