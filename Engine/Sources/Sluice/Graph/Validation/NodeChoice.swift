/// Nodes that a graph has only for some values of its parameters.
extension SessionDocument {
    /// Without the nodes whose `when` does not hold, and without what leads to or from them.
    func chosen(_ scope: ParameterScope, _ bag: DiagnosticBag) -> SessionDocument {
        let check = WhenCheck(scope: scope, bag: bag)
        let left = Set(
            nodes.filter { node in node.when.map { !check.holds($0, "node \(quoted(node.name))") } ?? false }
                .map(\.name))
        guard !left.isEmpty else { return self }
        func stays(_ end: EndDocument) -> Bool { end.isParent || !left.contains(end.node) }
        var chosen = self
        chosen.nodes.removeAll { left.contains($0.name) }
        chosen.edges.removeAll { !stays($0.from) || !stays($0.to) }
        chosen.controls.removeAll { !stays($0.from) || !stays($0.to) }
        return chosen
    }
}
