import Testing

@_spi(Host) @testable import Sluice

/// Large graphs take time in proportion: each of these took minutes when some step looked at every pair.
@Suite struct LargeGraphTests {
    private static let count = 8_000

    @Test(.timeLimit(.minutes(1))) func `A chain of thousands of nodes is planned`() throws {
        let nodes = (0..<Self.count).map { "\"n\($0)\": { \"type\": \"echo\" }" }.joined(separator: ",\n")
        let chain = (0..<Self.count - 1).map { "\"n\($0) -> n\($0 + 1)\"" }.joined(separator: ",\n")
        let plan = try load(
            """
            { "nodes": { "m": { "type": "microphone" }, \(nodes), "o": { "type": "null-sink" } },
            "edges": [ "m -> n0", \(chain), "n\(Self.count - 1) -> o" ] }
            """)
        #expect(plan.root.edges.count == Self.count + 1)
        #expect(plan.root.edges.last?.formats.patterns.map(\.kind) == [.rawAudio])
    }

    @Test(.timeLimit(.minutes(1))) func `Thousands of doubled keys are told`() {
        let nodes = (0..<Self.count).map { "\"n\($0)\": { \"type\": \"peer\" }" }
        let all = errors("{ \"summary\": \"x\", \"nodes\": { \((nodes + nodes).joined(separator: ",\n")) } }")
        #expect(all.hasPrefix("t.json:8001:1: the key \"n0\" is given twice; the first is in line 1."))
        #expect(all.hasSuffix("more."))
    }

    @Test(.timeLimit(.minutes(1))) func `Thousands of names that are meant otherwise are told`() {
        let nodes = (0..<Self.count).map { "\"n\($0)\": { \"type\": \"null-sink\" }" }.joined(separator: ",\n")
        let edges = (0..<Self.count).map { "\"m\($0) -> n\($0)\"" }.joined(separator: ",\n")
        let all = errors("{ \"nodes\": { \(nodes) }, \"edges\": [ \(edges) ] }")
        #expect(all.contains("there is no node \"m0\"."))
        #expect(all.hasSuffix("... and \(Self.count - 20) more."))
    }
}
