@_spi(Host) import SluiceTesting
import Testing

@testable @_spi(Host) @_spi(Testing) import Sluice

@Suite("A harness that is dropped is given back") struct GivenBackHarnessTests {
    private static let text = """
        { "nodes": { "in": { "type": "test-source" }, "out": { "type": "test-sink" } }, "edges": ["in -> out"] }
        """

    /// `givenUp`: nothing wakes the source any more.
    enum End: CaseIterable { case none, ended, givenUp }

    @Test(arguments: End.allCases) func withItsNodes(end: End) throws {
        weak var sink: TestSink?
        weak var source: TestSource?
        weak var core: NodeCore?
        do {
            let harness = try GraphHarness(json: Self.text)
            (sink, source) = (harness.sink("out"), harness.source("in"))
            core = harness.context(of: "in")?.engine as? NodeCore
            harness.source("in").push(TestMedia.pictures(TestMedia.video(64, 48), count: 3))
            if end == .ended { harness.source("in").end() }
            if end == .none {
                harness.settle()
            } else {
                #expect(harness.run() == (end == .ended ? .finished : .failed))
            }
        }
        #expect(sink == nil)
        #expect(source == nil)
        #expect(core == nil)
    }
}

@Suite("A run that is over is given back") struct GivenBackRunTests {
    /// Someone who holds a run may ask it to stop at any time, also when it is over.
    @Test func alsoWhereItIsStoppedLater() throws {
        weak var run: GraphRun?
        do {
            var graph = GraphBuilder()
            graph.node("in", TestSource.self)
            graph.node("out", TestSink.self)
            graph.edge("in.out -> out.in")
            var options = RunOptions()
            options.duration = .milliseconds(1)
            let made = GraphRun(graph.plan, registry: graph.registry, options: options)
            run = made
            _ = try made.execute()
            made.stop()
            made.leave()
        }
        #expect(run == nil)
    }
}
