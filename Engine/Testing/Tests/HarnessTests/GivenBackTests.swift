import SluiceTesting
import Testing

@testable @_spi(Host) @_spi(Testing) import Sluice

@Suite("A harness that is dropped is given back") struct GivenBackHarnessTests {
    private static let text = """
        { "nodes": { "in": { "type": "test-source" }, "out": { "type": "test-sink" } }, "edges": ["in -> out"] }
        """

    @Test(arguments: [true, false]) func withItsNodes(isRunToTheEnd: Bool) throws {
        weak var sink: TestSink?
        weak var source: TestSource?
        weak var core: NodeCore?
        do {
            let harness = try GraphHarness(json: Self.text)
            (sink, source) = (harness.sink("out"), harness.source("in"))
            core = harness.context(of: "in")?.engine as? NodeCore
            harness.source("in").push(TestMedia.pictures(TestMedia.video(64, 48), count: 3))
            if isRunToTheEnd {
                harness.source("in").end()
                harness.run()
            } else {
                harness.settle()
            }
        }
        #expect(sink == nil)
        #expect(source == nil)
        #expect(core == nil)
    }
}
