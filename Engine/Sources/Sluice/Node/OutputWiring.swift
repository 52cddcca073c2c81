/// The edge's side of an output: what the engine connects, drains, hands over and counts. Authors see none of it.
extension OutputPort {
    var edges: [Edge] { state.pointee.edges }

    /// Every port of a node shares its budget, connected or not.
    func bind(_ end: EdgeEnd) { state.pointee.hot = end.hot }

    /// On the node's lane, or before it runs.
    func connect(_ edge: Edge) {
        state.pointee.add(edge)
        if let format = state.pointee.format { edge.state.pointee.settle(format.kind) }
    }

    /// On the node's lane, or when it no longer runs. False if the edge was gone.
    func detach(_ edge: Edge) -> Bool { state.pointee.remove(edge) }

    /// Takes over the edges of a failed instance and what it could not send.
    func takeOver(from other: OutputPort) {
        let edges = other.edges
        other.state.pointee.removeAll()
        for edge in edges { connect(edge) }
        state.pointee.sentCount.set(other.state.pointee.sentCount.count)
        state.pointee.waitingMost.set(other.state.pointee.waitingMost.count)
        state.pointee.fenceBehind = other.state.pointee.fenceBehind
        state.pointee.spill = other.state.pointee.spill
        other.state.pointee.spill = Spill()
        state.pointee.isFull = false
        if other.state.pointee.isFull { state.pointee.hot.pointee.fullOutputs -= 1 }
        _ = state.pointee.refreshFull()
    }

    /// The next item says that it does not continue what came before.
    func markDiscontinuity() { state.pointee.marksDiscontinuity = true }

    /// Sends what waited in the node as far as there is room; true when nothing waits.
    func drainSpill() -> Bool {
        let isEmpty = state.pointee.drainSpill()
        if isEmpty && state.pointee.endsAfterSpill { end() }
        return isEmpty
    }

    /// `format` for another thread than the lane's.
    var formatFromOutside: MediaFormat? { state.pointee.published.withLock { $0 } }

    /// Items sent. From any thread.
    var sent: Int { state.pointee.sentCount.count }

    /// The most items that have waited in the node for room. From any thread.
    var waitingMost: Int { state.pointee.waitingMost.count }
}
