import FlowPlugin
import SluiceTesting
import TestSupport
import Testing

@Suite struct OneEngineTests {
    /// A second copy, in the plugin or in the kit, would have types of its own: the node's ports would not be found,
    /// and no item would pass.
    @Test func oneEngineIsMappedBesideThePluginsAndTheTestKit() throws {
        let harness = try NodeHarness(NullSink.self)
        harness.push(TestMedia.pictures(count: 3))
        #expect(harness.finish() == .finished)
        #expect(harness.graph.edge(to: "node.in")?.popped == 3)
        #expect(mappedFiles().filter { $0.hasSuffix("/libSluice.so") }.count == 1)
    }
}
