import Testing

@testable @_spi(Host) import Sluice

@Suite struct ExampleTests {
    @Test func `The example of the design becomes a plan`() throws {
        let plan = try load(example, set: ["outputs": "3"])
        #expect(plan.name == "t")
        #expect(plan.root.nodes.map(\.name) == ["source", "relay", "tape"])
        #expect(plan.root.nodes[0].parameters == ["open": .string("tone")])
        #expect(
            plan.root.edges.map { "\($0.from) -> \($0.to)" } == ["source.audio -> relay.in", "relay.out -> tape.audio"])
        let tape = plan.root.edges[1]
        #expect(tape.capacity == .init(items: 2500, milliseconds: 5000))
        #expect(
            tape.overflow == .dropNewest && tape.epoch == .keep && tape.position == SourcePosition(line: 16, column: 5))
        #expect(plan.start.map(\.count) == [3])
        #expect(plan.warnings.isEmpty)
        let listener = try plan.templates["listener"]!.instance(["instance": .integer(2)])
        #expect(
            listener.edges.map { "\($0.from) -> \($0.to)" } == [
                "$parent.relay.out -> pacer.in", "pacer.out -> opus.in", "opus.out -> out.in",
            ])
        #expect(listener.edges[0].capacity == .init(items: 50, milliseconds: 1000))
        #expect(listener.edges[1].capacity == .standard && listener.edges[1].overflow == .block)
    }
}
