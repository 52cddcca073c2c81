import SluiceTesting
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
