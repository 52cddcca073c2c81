/// Says when an edge first drops what a node should keep whole, as a recording, and at the end how much is missing.
struct LossWatch {
    private struct Loss {
        /// Items dropped before the first one came through: the beginning is not part of what is kept.
        let before: Int
        var dropped: Int
    }

    /// By the edge's end.
    private var losses: [String: Loss] = [:]

    mutating func look(_ index: SnapshotIndex) -> [Remark] {
        let snapshot = index.snapshot
        let keepers = Dictionary(
            snapshot.nodes.lazy.filter { $0.identity.descriptor.traits.contains(.keeps) && !$0.isDone }
                .map { ($0.identity.key, $0) }
        ) { first, _ in first }
        guard !keepers.isEmpty else { return [] }
        return snapshot.edges.compactMap { edge in
            guard edge.overflow != .block, let keeper = keepers[edge.identity.consumer] else { return nil }
            guard let loss = losses[edge.to] else {
                if edge.popped > 0 { losses[edge.to] = Loss(before: edge.dropped, dropped: edge.dropped) }
                return nil
            }
            losses[edge.to]?.dropped = edge.dropped
            guard loss.dropped == loss.before, edge.dropped > loss.before else { return nil }
            return Remark(
                level: .warning, node: keeper.name,
                what:
                    "edge \(edge.from) -> \(edge.to) drops (\(edge.overflow.rawValue)): "
                    + "\(keeper.name) lacks what it should keep\n  Give the edge more capacity, "
                    + "or the node before it \"lossless\": true, or make the source slower."
            )
        }
    }

    func end(_ snapshot: RunSnapshot) -> [Remark] {
        (snapshot.edges + snapshot.ended.edges).compactMap { edge in
            guard let loss = losses[edge.to], loss.dropped > loss.before else { return nil }
            let node = edge.to.split(separator: ".").dropLast().joined(separator: ".")
            let missing = loss.dropped - loss.before
            return Remark(
                level: .warning, node: node,
                what: "edge \(edge.from) -> \(edge.to) has dropped \(missing) of \(edge.pushed) \(edge.identity.noun)s")
        }
    }
}
