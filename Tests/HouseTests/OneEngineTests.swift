import FlowPlugin
import Foundation
import SluiceTesting
import Testing

@Suite struct OneEngineTests {
    /// A second copy, in the plugin or in the kit, would have types of its own: the node's ports would not be found, and
    /// no item would pass.
    @Test func oneEngineIsMappedBesideThePluginsAndTheTestKit() throws {
        let harness = try NodeHarness(NullSink.self)
        harness.push(TestMedia.pictures(count: 3))
        #expect(harness.finish() == .finished)
        #expect(harness.graph.edge(to: "node.in")?.popped == 3)
        let mappings = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let engines = mappings.filter { $0.last?.hasSuffix("/libSluice.so") == true }
        #expect(Set(engines.compactMap(\.last)).count == 1)
    }
}
