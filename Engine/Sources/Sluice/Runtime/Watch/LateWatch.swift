/// Says that a node which sends in real time is late, by how much, and which node holds it up. It says so when that is
/// half a second, whenever it has doubled, and at the end.
struct LateWatch {
    private struct Late {
        var said: Interval
        var worst: Interval
        var why: Bottleneck
    }

    static let patience = Interval.milliseconds(500)
    /// A holder that was seen longer ago is no reason any more.
    static let memory = Interval.seconds(5)
    /// By the source's name: who held it when it was last seen to be held. A source tells that it is late when it is
    /// free again.
    private var holders: [String: (why: Bottleneck, seen: Interval)] = [:]
    /// By the node's name.
    private var late: [String: Late] = [:]
    private var earlier: SnapshotIndex?

    mutating func look(_ index: SnapshotIndex) -> [Remark] {
        let snapshot = index.snapshot
        var remarks: [Remark] = []
        // Of the graph's own sources, which are few; instances of templates may be thousands.
        for node in snapshot.nodes
        where node.identity.isSource && node.identity.place == node.name && !node.isDone {
            let why = Bottleneck(of: node, in: index, since: earlier)
            if why.holds, why.isCertain { holders[node.name] = (why, snapshot.time) }
        }
        for node in snapshot.nodes where node.behind >= LateWatch.patience && !node.isDone {
            let key = node.name
            let known = late[key]
            guard node.behind > known?.worst ?? .zero else { continue }
            var why = Bottleneck(of: node, in: index, since: earlier)
            if !why.isCertain, let holder = holders[key], snapshot.time - holder.seen < LateWatch.memory {
                why = holder.why
            }
            late[key] = Late(said: known?.said ?? .zero, worst: node.behind, why: why)
            guard node.behind.nanoseconds >= 2 * (known?.said.nanoseconds ?? 0) else { continue }
            late[key]?.said = node.behind
            // One that waits was named by the watch for stalls.
            guard why.wait == nil else { continue }
            let advice = why.isSlow && !why.relief.isEmpty ? "\n  \(why.relief)" : ""
            remarks.append(
                Remark(
                    level: .warning, node: node.name,
                    what: "\(decimal(node.behind.seconds, places: 1)) s behind and falling: \(why.words())\(advice)"))
        }
        earlier = index
        return remarks
    }

    /// When the run is over.
    mutating func end(_ snapshot: RunSnapshot) -> [Remark] {
        // A last look: the figures of the whole run count.
        earlier = nil
        return (snapshot.nodes + snapshot.ended.nodes).compactMap { node in
            let known = late[node.name]
            let worst = max(known?.worst ?? .zero, node.behind)
            guard worst >= LateWatch.patience else { return nil }
            let length = "\(decimal(worst.seconds, places: 1)) s"
            let reason = known.map { ": " + $0.why.words("took", "had") } ?? ""
            let what =
                node.behind >= LateWatch.patience
                ? "was \(length) behind at the end\(reason)" : "was up to \(length) behind, and has caught up\(reason)"
            return Remark(level: .warning, node: node.name, what: what)
        }
    }
}
