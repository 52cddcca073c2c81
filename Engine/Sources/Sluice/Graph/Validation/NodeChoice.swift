/// Nodes that a graph has only for some values of its parameters: `"when": { "pixel_format": ["bgra", "i420"] }`.
extension SessionDocument {
    /// Without the nodes whose `when` does not hold, and without what leads to or from them.
    func chosen(_ scope: ParameterScope, _ bag: DiagnosticBag) -> SessionDocument {
        let left = Set(
            nodes.filter { node in node.when.map { !holds($0, node.name, scope, bag) } ?? false }.map(\.name))
        guard !left.isEmpty else { return self }
        func stays(_ end: EndDocument) -> Bool { end.isParent || !left.contains(end.node) }
        var chosen = self
        chosen.nodes.removeAll { left.contains($0.name) }
        chosen.edges.removeAll { !stays($0.from) || !stays($0.to) }
        chosen.controls.removeAll { !stays($0.from) || !stays($0.to) }
        return chosen
    }

    /// Whether every parameter named has one of the values given. A mistake is reported, and counts as holding: the
    /// node is checked on.
    private func holds(_ when: JSONValue, _ node: String, _ scope: ParameterScope, _ bag: DiagnosticBag) -> Bool {
        let label = "node \(quoted(node)): when"
        guard let members = when.members else {
            bag.error(
                when.position, "\(label) takes an object, found \(when.kindName).",
                advice: "Write { \"parameter\": [values that the node is there for] }.")
            return true
        }
        var holds = true
        for member in members where member.key != "$comment" {
            guard let entry = scope.entries[member.key] else {
                bag.error(
                    member.keyPosition, "\(label): \(scope.owner) has no parameter \(quoted(member.key)).",
                    advice: suggestion(for: member.key, in: scope.entries.keys, listing: "The parameters are"))
                continue
            }
            var wanted: [ParameterValue] = []
            for value in member.value.array ?? [member.value] {
                guard let plain = ParameterValue(value), let fit = entry.type.convert(plain) else {
                    bag.error(
                        value.position, "\(label): \(member.key) takes \(entry.type.wanted), found \(value.kindName).")
                    return true
                }
                wanted.append(fit)
            }
            guard let value = entry.value else { continue }
            if !wanted.contains(value) { holds = false }
        }
        return holds
    }
}
