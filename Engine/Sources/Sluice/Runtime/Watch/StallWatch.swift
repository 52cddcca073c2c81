/// Says in one sentence why media stand still: a blocking edge that stays full, an edge that drops because its node
/// takes nothing, a node that waits, a call that does not return. Once for each stall, and once when it is over.
struct StallWatch {
    private struct Stall {
        let since: Int64
        let popped: Int
        let dropped: Int
        /// Until then its node was held by a full edge behind it, or it is `since`: patience begins here.
        var heldUntil: Int64
        var isSaid = false
    }

    private var stalls: [EdgeKey: Stall] = [:]
    /// By the node's name.
    private var saidWaiting: [String: Int64] = [:]
    /// Waits that the sentence of an edge has told of.
    private var saidHolding: [String: Int64] = [:]
    private var saidRunning: [String: Int64] = [:]

    static let patience: Int64 = 2_000_000_000

    /// An edge by its end, which is one edge's alone.
    private typealias EdgeKey = String

    mutating func look(_ index: SnapshotIndex) -> [Remark] {
        let snapshot = index.snapshot
        var remarks: [Remark] = []
        // Edges that are gone are no longer known.
        var seen: [EdgeKey: Stall] = [:]
        for edge in snapshot.edges {
            let before = stalls.isEmpty ? nil : stalls[edge.to]
            guard before != nil || stands(edge), let consumer = index.node(edge.identity.consumer) else { continue }
            let (stall, remark) = look(at: edge, before, consumer, snapshot, index)
            if let stall { seen[edge.to] = stall }
            if let remark { remarks.append(remark) }
        }
        stalls = seen
        for node in snapshot.nodes where !node.isDone {
            lookForWait(node, snapshot, index).map { remarks.append($0) }
        }
        for lane in snapshot.lanes { look(at: lane, index, snapshot).map { remarks.append($0) } }
        return remarks
    }

    // MARK: Edges

    /// Something is on it, and where it blocks its producer waits for room.
    private func stands(_ edge: EdgeSnapshot) -> Bool {
        edge.held > 0 && (edge.overflow != .block || edge.isRoomWanted)
    }

    private mutating func look(
        at edge: EdgeSnapshot, _ before: Stall?, _ consumer: NodeSnapshot, _ snapshot: RunSnapshot,
        _ index: SnapshotIndex
    ) -> (Stall?, Remark?) {
        let blocks = edge.overflow == .block
        let stands = !consumer.isDone && stands(edge)
        let fresh =
            stands
            ? Stall(since: snapshot.now, popped: edge.popped, dropped: edge.dropped, heldUntil: snapshot.now) : nil
        guard let before else { return (fresh, nil) }
        guard stands, before.popped == edge.popped else {
            guard before.isSaid, !consumer.isDone else { return (fresh, nil) }
            let length = seconds(snapshot.now - before.since)
            let what = "edge \(edge.from) -> \(edge.to) moves again after \(length) s"
            return (fresh, Remark(level: .info, node: consumer.name, what: what))
        }
        var stall = before
        if isHeld(consumer, index) { stall.heldUntil = snapshot.now }
        // An edge that drops stands still without harm as long as it drops nothing.
        guard !stall.isSaid, snapshot.now - stall.heldUntil >= StallWatch.patience,
            blocks || edge.dropped > stall.dropped, isNews(consumer)
        else { return (stall, nil) }
        stall.isSaid = true
        saidWaiting[consumer.name] = consumer.wait?.since
        saidHolding[consumer.name] = consumer.wait?.since
        let reason = StallReason(of: consumer, in: snapshot, index)
        let producer = index.node(edge.identity.producer)?.name ?? edge.from
        let length = "\(seconds(snapshot.now - stall.since)) s"
        let what =
            blocks
            ? "full for \(length) (\(edge.bound), block): \(reason); \(producer) is held"
            : "full for \(length) (\(edge.bound), \(edge.overflow.rawValue)) and has dropped "
                + "\(edge.dropped - stall.dropped) items: \(reason)"
        return (
            stall, Remark(level: .warning, node: consumer.name, what: "edge \(edge.from) -> \(edge.to) \(what)")
        )
    }

    /// The edge behind it is the one to speak of.
    private func isHeld(_ consumer: NodeSnapshot, _ index: SnapshotIndex) -> Bool {
        consumer.wait == nil && index.fullEdge(from: consumer.identity.key) != nil
    }

    /// False for one that was spoken of already in this wait.
    private func isNews(_ consumer: NodeSnapshot) -> Bool {
        guard let wait = consumer.wait else { return true }
        return saidHolding[consumer.name] != wait.since
    }

    // MARK: Nodes and lanes

    private mutating func lookForWait(
        _ node: NodeSnapshot, _ snapshot: RunSnapshot, _ index: SnapshotIndex
    ) -> Remark? {
        guard let wait = node.wait else {
            guard !saidWaiting.isEmpty, let since = saidWaiting.removeValue(forKey: node.name) else { return nil }
            return Remark(
                level: .info, node: node.name, what: "goes on after waiting \(seconds(snapshot.now - since)) s")
        }
        guard snapshot.now - wait.since >= StallWatch.patience, saidWaiting[node.name] != wait.since else { return nil }
        // The sentence of an edge that is full because of this says it too.
        let isHolding = index.edges(to: node.identity.key).contains { edge in
            edge.overflow == .block && stalls[edge.to].map { !$0.isSaid } ?? false
        }
        guard !isHolding else { return nil }
        saidWaiting[node.name] = wait.since
        return Remark(
            level: .warning, node: node.name,
            what: "\(node.name) has waited for \(wait.what) since \(snapshot.clockTime(wait.since))")
    }

    private mutating func look(at lane: LaneSnapshot, _ index: SnapshotIndex, _ snapshot: RunSnapshot) -> Remark? {
        guard let call = lane.call, snapshot.now - call.since >= StallReason.callPatience else {
            if !saidRunning.isEmpty { saidRunning[lane.name] = nil }
            return nil
        }
        guard saidRunning[lane.name] != call.since, let node = index.node(call.node),
            node.identity.descriptor.work != .blocking
        else { return nil }
        saidRunning[lane.name] = call.since
        let others = snapshot.nodes.count { $0.identity.lane == lane.name } - 1
        let held = others <= 0 ? "" : "; \(others) other node\(others == 1 ? "" : "s") of lane \(lane.name) wait for it"
        return Remark(
            level: .warning, node: node.name,
            what: "\(node.name) has been in one call for \(seconds(snapshot.now - call.since)) s\(held)")
    }
}
