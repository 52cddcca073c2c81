@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct OverflowTests {
    func line(_ overflow: EdgePolicy.Overflow, items: Int = 4, ms: Int = 10_000, _ media: [MediaItem]) throws
        -> GraphHarness
    {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: items, milliseconds: ms, overflow: overflow)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(media)
        harness.settle()
        return harness
    }

    func numbers(_ harness: GraphHarness, _ sink: String = "to") -> [Int] {
        harness.sink(sink).appetite = nil
        harness.settle()
        return harness.sink(sink).takeAll().map { TestMedia.number(of: $0) }
    }

    @Test func aFullBlockEdgeHoldsItsProducerAndLosesNothing() throws {
        let harness = try line(.block, TestMedia.pictures(count: 10))
        #expect(harness.edge(to: "to.in")?.held == 4)
        #expect(harness.source("from").waitingCount == 6)
        #expect(numbers(harness) == Array(0..<10))
        #expect(harness.isBalanced)
    }

    @Test func dropOldestKeepsTheNewest() throws {
        let harness = try line(.dropOldest, TestMedia.pictures(count: 10))
        #expect(numbers(harness) == [6, 7, 8, 9])
        #expect(harness.edge(to: "to.in")?.dropped == 6)
        #expect(harness.isBalanced)
    }

    @Test func dropNewestKeepsTheOldest() throws {
        let harness = try line(.dropNewest, TestMedia.pictures(count: 10))
        #expect(numbers(harness) == [0, 1, 2, 3])
        #expect(harness.isBalanced)
    }

    @Test func dropToKeyframeDropsUpToTheKeyframeThatIsQueued() throws {
        // Keyframes 0 and 3; the fifth packet finds the edge full.
        let harness = try line(.dropToKeyframe, TestMedia.packets(count: 5, group: 3))
        #expect(numbers(harness) == [3, 4])
        #expect(harness.isBalanced)
    }

    @Test func dropToKeyframeWithNoneQueuedDropsAllAndWaitsForOne() throws {
        let harness = try line(.dropToKeyframe, TestMedia.packets(count: 23, group: 10))
        // 4 finds 0 to 3: all go. 5 to 9 are refused. 10 to 13 fill it, 14 empties it, 20 to 22 come in.
        #expect(numbers(harness) == [20, 21, 22])
        #expect(harness.edge(to: "to.in")?.dropped == 20)
        #expect(harness.isBalanced)
    }

    @Test func aLossOfPacketsThatDependOnEachOtherAsksUpstreamOnceForAKeyframe() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("coder", Coder.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> coder.in", items: 100, milliseconds: 10_000)
        graph.edge("coder.out -> to.in", items: 4, milliseconds: 10_000, overflow: .dropToKeyframe)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        harness.source("from").push(TestMedia.packets(count: 8, group: 100))
        harness.settle()
        #expect((harness.node("coder") as? Coder)?.asked == 1)
        harness.source("from").push(TestMedia.packets(first: 100, count: 2, group: 100))
        #expect(numbers(harness) == [100, 101])
    }

    @Test func anEdgeIsFullByDurationToo() throws {
        // 20 ms each; the bound of 100 ms holds five.
        let harness = try line(.block, items: 100, ms: 100, TestMedia.packets(TestMedia.codedAudio(), count: 10))
        #expect(harness.edge(to: "to.in")?.held == 5)
        #expect(numbers(harness) == Array(0..<10))
    }

    @Test(arguments: [EdgePolicy.Overflow.block, .dropOldest, .dropNewest])
    func anEdgeIsFullByBytesTooAlsoWhereItemsHaveNoDuration(_ overflow: EdgePolicy.Overflow) throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", items: 1_000, milliseconds: 10_000, bytes: 550, overflow: overflow)
        let harness = try GraphHarness(graph)
        harness.sink("to").appetite = 0
        harness.settle()
        let packets = TestMedia.packets(TestMedia.codedAudio(), count: 10, bytes: 100)
        for packet in packets { (packet.header.duration, packet.header.dts) = (.zero, .none) }
        harness.source("from").push(packets)
        harness.settle()
        #expect(harness.edge(to: "to.in")?.held == 5)
        #expect(
            numbers(harness)
                == (overflow == .block ? Array(0..<10) : overflow == .dropOldest ? Array(5..<10) : Array(0..<5)))
        #expect(harness.isBalanced)
        #expect(harness.report.contains(#""capacity": {"items": 1000, "ms": 10000, "bytes": 550}"#))
        #expect(harness.report.contains(#""depth_max_bytes": 500"#))
    }

    @Test func anItemOfMoreBytesThanTheBoundPassesAnEmptyEdge() throws {
        var graph = GraphBuilder()
        graph.node("from", TestSource.self)
        graph.node("to", TestSink.self)
        graph.edge("from.out -> to.in", bytes: 10)
        let harness = try GraphHarness(graph)
        harness.source("from").push(TestMedia.packets(TestMedia.codedAudio(), count: 3))
        harness.source("from").end()
        #expect(harness.run() == .finished)
        #expect(harness.edge(to: "to.in")?.popped == 3)
    }

    /// 16 pictures of 3840×2160 in 4:2:0, the rows padded to 64 bytes.
    @Test func theStandardBoundHoldsSixteenPicturesOf4K() {
        let picture = VideoFrame.Planes(VideoLayout(width: 3840, height: 2160, pixelFormat: .i420)).byteCount
        #expect(EdgePolicy.Capacity.standard.items * picture <= EdgePolicy.Capacity.standard.bytes)
    }

    @Test func anItemLongerThanTheBoundPassesAnEmptyEdge() throws {
        let harness = try line(.block, ms: 10, TestMedia.packets(TestMedia.codedAudio(), count: 3))
        #expect(harness.edge(to: "to.in")?.held == 1)
        #expect(numbers(harness) == [0, 1, 2])
    }

    @Test func missingDurationsAreFilled() throws {
        let format = TestMedia.codedAudio()
        let items = TestMedia.packets(format, count: 5)
        for item in items { item.header.duration = .none }
        items[2].header.dts = .milliseconds(5000)  // a step over 1 s says nothing
        items[3].header.dts = .milliseconds(4000)  // nor does one backwards
        items[4].header.dts = .milliseconds(4030)
        let harness = try line(.block, items: 100, items)
        harness.sink("to").appetite = nil
        harness.settle()
        let durations = harness.sink("to").takeAll().map { $0.header.duration.milliseconds }
        #expect(durations == [0, 20, 20, 20, 30])
    }

    @Test func theFormatsNominalDurationComesBeforeTheLastOne() throws {
        let items = TestMedia.pictures(count: 3)
        for item in items { (item.header.duration, item.header.dts) = (.none, .none) }
        let harness = try line(.block, items)
        harness.sink("to").appetite = nil
        harness.settle()
        #expect(harness.sink("to").takeAll().allSatisfy { $0.header.duration == TestMedia.video().nominalDuration })
    }

    @Test func endOfStreamDrainsThroughAFullEdge() throws {
        let harness = try line(.block, TestMedia.pictures(count: 10))
        harness.source("from").end()
        #expect(numbers(harness) == Array(0..<10))
        #expect(harness.run() == .finished)
        #expect(harness.isBalanced)
    }
}
