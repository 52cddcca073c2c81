/// Says when an edge first drops what a node should keep whole, as a recording, and at the end how much is missing.
struct LossWatch {
    /// Edges of which it is said, by their end.
    private var said: Set<String> = []

    mutating func look(_ index: SnapshotIndex) -> [Remark] { look(index.snapshot.nodes, index.snapshot.edges) }

    private mutating func look(_ nodes: [NodeSnapshot], _ edges: [EdgeSnapshot]) -> [Remark] {
        let keepers = LossWatch.keepers(nodes)
        guard !keepers.isEmpty else { return [] }
        return edges.compactMap { edge in
            guard edge.overflow != .block, let keeper = keepers[edge.identity.consumer], edge.lost > 0,
                said.insert(edge.to).inserted
            else { return nil }
            return Remark(
                level: .warning, node: keeper.name,
                what:
                    "edge \(edge.from) -> \(edge.to) drops (\(edge.overflow.rawValue)): "
                    + "\(keeper.name) lacks what it should keep\n  Give the edge more capacity, "
                    + "or the node before it \"lossless\": true, or make the source slower."
            )
        }
    }

    /// Drops since the last look are said too: a run may be shorter than the time between two.
    mutating func end(_ snapshot: RunSnapshot) -> [Remark] {
        let rest = look(snapshot.nodes, snapshot.edges) + look(snapshot.ended.nodes, snapshot.ended.edges)
        let sums = (snapshot.edges + snapshot.ended.edges).compactMap { edge -> Remark? in
            guard said.contains(edge.to), edge.lost > 0 else { return nil }
            let node = edge.to.split(separator: ".").dropLast().joined(separator: ".")
            return Remark(
                level: .warning, node: node,
                what:
                    "edge \(edge.from) -> \(edge.to) has dropped \(edge.lost) of \(edge.pushed) \(edge.identity.noun)s")
        }
        return rest + sums
    }

    /// One that failed lets go of what waits before it; its error is said.
    private static func keepers(_ nodes: [NodeSnapshot]) -> [NodeKey: NodeSnapshot] {
        let all = nodes.lazy.filter { $0.identity.descriptor.traits.contains(.keeps) && $0.state != .failed }
        return Dictionary(all.map { ($0.identity.key, $0) }) { first, _ in first }
    }
}
