import Testing

@testable @_spi(Host) import Sluice

/// Recordings that would have holes from the start.
@Suite struct HoleCheckTests {
    private static let source = NodeSpec(
        descriptor: NodeDescriptor("source", summary: "", unpacedIf: NodeDescriptor.Condition("pace", .string("fast"))),
        parameters: [ParameterSpec("pace", .choice(["live", "fast"]), default: .string("live"), help: "")])
    private static let relay = NodeSpec(descriptor: NodeDescriptor("relay", summary: "", traits: .shares))
    private static let pacer = NodeSpec(descriptor: NodeDescriptor("pacer", summary: "", traits: .paced))
    private static let encoder = NodeSpec(descriptor: NodeDescriptor("encoder", summary: "", work: .heavy))
    private static let record = NodeSpec(descriptor: NodeDescriptor("record", summary: "", traits: [.joins, .keeps]))

    private func node(_ name: String, _ spec: NodeSpec, fast: Bool = false) -> NodePlan {
        NodePlan(name: name, spec: spec, parameters: fast ? ["pace": .string("fast")] : [:])
    }

    private func edge(_ from: String, _ to: String, _ overflow: EdgePolicy.Overflow = .block, parent: Bool = false)
        -> EdgePlan
    {
        EdgePlan(
            from: EndPlan(node: from, port: "out", isParent: parent), to: EndPlan(node: to, port: "in"),
            overflow: overflow)
    }

    /// source -> relay -> encoder -> tape.
    private func plan(fast: Bool = true, _ overflow: EdgePolicy.Overflow = .dropOldest, middle: NodeSpec = encoder)
        -> SessionPlan
    {
        SessionPlan(
            nodes: [
                node("s", Self.source, fast: fast), node("r", Self.relay), node("m", middle), node("t", Self.record),
            ],
            edges: [edge("s", "r"), edge("r", "m", overflow), edge("m", "t")])
    }

    @Test func anEdgeThatDropsOnTheWayFromAFastSourceToARecordingIsNamed() {
        let warnings = HoleCheck(plan()).warnings
        #expect(
            warnings.map(\.message) == [
                """
                edge "r.out -> m.in": it drops what m cannot take in time, and s sends as fast as it can (pace: fast): \
                the recording will have holes.
                """
            ])
        #expect(warnings.map(\.advice).first?.contains("\"lossless\": true on r") == true)
    }

    @Test func whereNothingIsDroppedOrTheSourceKeepsTimeNothingIsSaid() {
        #expect(HoleCheck(plan(.block)).warnings.isEmpty)
        #expect(HoleCheck(plan(fast: false)).warnings.isEmpty)
        var shown = plan()
        shown.nodes[3] = node("t", Self.relay)
        #expect(HoleCheck(shown).warnings.isEmpty)
    }

    @Test func behindAPacerMediaComeInTime() {
        var paced = plan(.block, middle: Self.pacer)
        paced.edges[2] = edge("m", "t", .dropNewest)
        #expect(HoleCheck(paced).warnings.isEmpty)
    }

    @Test func aTemplateIsLookedAtWithWhatItsParentSends() {
        var template = TemplatePlan(name: "copy") { _ in SessionPlan() }
        template.outline = SessionPlan(
            nodes: [node("tape", Self.record)], edges: [edge("r", "tape", .dropOldest, parent: true)])
        var whole = SessionPlan(
            nodes: [node("s", Self.source, fast: true), node("r", Self.relay)], edges: [edge("s", "r")])
        whole.templates = ["copy": template]
        #expect(HoleCheck(whole).warnings.map(\.message).first?.hasPrefix("edge \"$parent.r.out -> tape.in\"") == true)
        whole.nodes[0] = node("s", Self.source)
        #expect(HoleCheck(whole).warnings.isEmpty)
    }

    @Test func aLongChainIsLookedAtInTimeThatGrowsWithIt() {
        var plan = SessionPlan(nodes: [node("n0", Self.source, fast: true)])
        for number in 1..<20_000 {
            plan.nodes.append(node("n\(number)", Self.encoder))
            plan.edges.append(edge("n\(number - 1)", "n\(number)"))
        }
        plan.nodes.append(node("tape", Self.record))
        plan.edges.append(edge("n19999", "tape", .dropOldest))
        #expect(HoleCheck(plan).warnings.count == 1)
    }
}
