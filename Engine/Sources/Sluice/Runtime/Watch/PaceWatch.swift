/// Names the node that sets the pace of a run: the edge before it is full nearly always, though it moves.
struct PaceWatch {
    /// How often an edge was full and its node not itself held, by the edge's end.
    private var full: [String: Int] = [:]
    private var looks = 0

    static let fewest = 6
    static let share = 0.8

    mutating func look(_ index: SnapshotIndex) {
        looks += 1
        for edge in index.snapshot.edges
        where edge.overflow == .block && edge.isRoomWanted && edge.held > 0
            && index.fullEdge(from: edge.identity.consumer) == nil
        { full[edge.to, default: 0] += 1 }
    }

    /// When the run is over. Of instances of templates there may be thousands: they are not spoken of.
    func end(_ snapshot: RunSnapshot) -> [Remark] {
        guard looks >= PaceWatch.fewest else { return [] }
        let index = SnapshotIndex(snapshot)
        return snapshot.edges.compactMap { edge in
            let share = Double(full[edge.to] ?? 0) / Double(looks)
            guard share >= PaceWatch.share, edge.popped > 0,
                let node = index.node(edge.identity.consumer)
            else { return nil }
            let cost = node.itemsIn > 0 ? node.busy.milliseconds / Double(node.itemsIn) : 0
            let part = decimal(min(1, share) * 100, places: 0)
            return Remark(
                level: .info, node: node.name,
                what: "sets the pace: edge \(edge.from) -> \(edge.to) was full \(part) % of the time, "
                    + "and \(node.name) took \(decimal(cost, places: 1)) ms a \(edge.identity.noun)")
        }
    }
}
