import FlowPlugin
import Foundation
import Sluice
import SluiceTesting
import Testing

@Suite struct OneEngineTests {
    /// A second copy would have a registry and types of its own, and casts would fail without a word.
    @Test func oneEngineIsMappedBesideThePluginsAndTheTestKit() throws {
        let harness = try NodeHarness(NullSink.self)
        harness.push(TestMedia.pictures(count: 3))
        #expect(harness.finish() == .finished)
        #expect(harness.graph.edge(to: "node.in")?.popped == 3)
        let type = UInt(bitPattern: unsafeBitCast(NodeRegistry.self as AnyClass, to: Int.self))
        let mappings = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let engines = mappings.filter { $0.last?.hasSuffix("/libSluice.so") == true }
        #expect(Set(engines.compactMap(\.last)).count == 1)
        #expect(
            engines.contains { mapping in
                let bounds = mapping[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                return bounds.count == 2 && (bounds[0]..<bounds[1]).contains(type)
            })
    }
}
