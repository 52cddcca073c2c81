/// Finds recordings that would have holes from the start: an edge drops on the way from a source that sends as fast as
/// it can to a node that keeps what comes.
struct HoleCheck {
    private(set) var warnings: [(position: SourcePosition, message: String, advice: String)] = []

    init(_ plan: SessionPlan) { look(plan, around: [:]) }

    /// `around` are the nodes of the sessions that hold this one which send as fast as they can, and what makes them.
    private mutating func look(_ plan: SessionPlan, around: [String: NodePlan]) {
        let fast = fast(in: plan, around)
        let kept = kept(in: plan)
        for edge in plan.edges where edge.overflow != .block && kept.contains(edge.to.node) {
            guard let source = (edge.from.isParent ? around : fast)[edge.from.node] else { continue }
            let condition = source.spec.descriptor.unpacedIf
            let parameter = condition.map { "\($0.parameter): \($0.value)" } ?? ""
            warnings.append(
                (
                    edge.position,
                    "edge \"\(edge.from) -> \(edge.to)\": it drops what \(edge.to.node) cannot take in time, and "
                        + "\(source.name) sends as fast as it can (\(parameter)): the recording will have holes.",
                    "Say \"lossless\": true on \(edge.from.node) and \"overflow\": \"block\" here, "
                        + "or let \(source.name) send in real time."
                ))
        }
        for template in plan.templatesInOrder { look(template.outline, around: fast) }
    }

    /// Nodes that items reach as fast as a source makes them, by name, with that source.
    private func fast(in plan: SessionPlan, _ around: [String: NodePlan]) -> [String: NodePlan] {
        let leaving = Dictionary(grouping: plan.edges) { $0.from }
        let nodes = Dictionary(plan.nodes.map { ($0.name, $0) }) { first, _ in first }
        var leadingTo: [String: [String]] = [:]
        for edge in leaving.values.joined() where !edge.from.isParent {
            leadingTo[edge.from.node, default: []].append(edge.to.node)
        }
        var found: [String: NodePlan] = [:]
        var open: [(String, NodePlan)] = plan.nodes.filter(\.isUnpaced).map { ($0.name, $0) }
        open += plan.edges.compactMap { edge in
            edge.from.isParent ? around[edge.from.node].map { (edge.to.node, $0) } : nil
        }
        while let (name, source) = open.popLast() {
            guard found[name] == nil, let node = nodes[name], !node.spec.descriptor.traits.contains(.paced) else {
                continue
            }
            found[name] = source
            open += (leadingTo[name] ?? []).map { ($0, source) }
        }
        return found
    }

    /// Nodes that keep what comes, and those that lead to one.
    private func kept(in plan: SessionPlan) -> Set<String> {
        let entering = Dictionary(grouping: plan.edges.filter { !$0.from.isParent }) { $0.to.node }
        var found: Set<String> = []
        var open = plan.nodes.filter { $0.spec.descriptor.traits.contains(.keeps) }.map(\.name)
        while let name = open.popLast() {
            guard found.insert(name).inserted else { continue }
            open += (entering[name] ?? []).map(\.from.node)
        }
        return found
    }
}

extension NodePlan {
    /// It sends as fast as it can, with the parameters that it has.
    fileprivate var isUnpaced: Bool {
        guard let condition = spec.descriptor.unpacedIf else { return false }
        return allParameters[condition.parameter] == condition.value
    }
}
