/// Which formats pass each edge.
///
/// Edges are visited in topological order. An output that follows an input gives what the edge into that input carries,
/// as far as it declares to give it. So video that passes a relay and a pacer is still known to be video. A
/// disagreement is reported once: behind it the declared formats count again.
extension SessionPlanner {
    func propagateFormats() -> [EndPlan: FormatSet] {
        let incoming = Dictionary(grouping: edges.indices, by: { edges[$0].to })
        var offered: [EndPlan: FormatSet] = [:]
        for name in nodesInMediaOrder() {
            guard let node = picture.nodes[name], let spec = node.spec else { continue }
            var carried: [String: FormatSet] = [:]
            for input in spec.inputs {
                let end = EndPlan(node: name, port: input.name)
                for index in incoming[end] ?? [] {
                    let edge = edges[index]
                    let given =
                        edge.from.isParent ? parent?.offered[edge.from.inParent] : offered[edge.from]
                    let passing = agree(edge, gives: given ?? edge.source.declared(edge.output))
                    edges[index].carried = passing
                    carried[input.name] = carried[input.name].map { $0 | passing } ?? passing
                }
            }
            for output in spec.outputs {
                var formats = node.declared(output)
                if let follows = output.follows, let source = carried[follows] {
                    let narrowed = source.intersection(formats)
                    if !narrowed.isEmpty { formats = narrowed }
                }
                offered[EndPlan(node: name, port: output.name)] = formats
            }
        }
        return offered
    }

    private func agree(_ edge: ResolvedEdge, gives given: FormatSet) -> FormatSet {
        let taken = edge.target.declared(edge.input)
        let passing = given.intersection(taken)
        if !passing.isEmpty { return passing }
        bag.error(
            edge.document.position, "\(edge.label): \(edge.from) gives \(given), \(edge.to) takes \(taken).",
            advice: FormatAdvice(catalog: self.catalog, edges: self.edges).advice(for: edge, gives: given, takes: taken)
        )
        return taken
    }

    /// Nodes so that every edge leads to a later one; those on a cycle, which is reported, come last.
    private func nodesInMediaOrder() -> [String] {
        let names = document.nodes.map(\.name)
        let graph = MediaOrder(
            nodes: names, edges: edges.filter { !$0.from.isParent }.map { ($0.from.node, $0.to.node) })
        let inside = edges.filter { !$0.from.isParent }
        for cycle in graph.cycles {
            let next = Dictionary(zip(cycle, cycle.dropFirst() + [cycle[0]]), uniquingKeysWith: { first, _ in first })
            let closing = inside.last { next[$0.from.node] == $0.to.node }
            bag.error(
                closing?.document.position ?? document.nodes[0].position,
                "media edges form a cycle: \(shown(cycle)).",
                advice: "Media edges form no cycle; what goes back is a control link.")
        }
        return graph.order
    }

    private func shown(_ cycle: [String]) -> String {
        let ends = cycle.count > 12 ? cycle.prefix(6) + ["..."] + cycle.suffix(5) : cycle
        return (ends + [cycle[0]]).joined(separator: " -> ")
    }
}

extension EndPlan {
    /// The same end as its own session names it.
    var inParent: EndPlan { EndPlan(node: node, port: port) }
}
