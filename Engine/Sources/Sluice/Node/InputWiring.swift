/// The edge's side of an input: what the engine connects, narrows, hands over and closes. Authors see none of it.
extension InputPort {
    /// Every port of a node shares its budget, connected or not.
    func bind(_ end: EdgeEnd) { state.pointee.hot = end.hot }

    func connect(_ edge: Edge) {
        self.edge = edge
        state.pointee.edge = edge.state
        state.pointee.wasToldEnd = false
    }

    func disconnect() {
        state.pointee.dropPeeked()
        state.pointee.edge = nil
        edge = nil
    }

    /// Takes over the edge and what the port of a failed instance held.
    func takeOver(from other: InputPort) {
        guard let edge = other.edge else { return }
        connect(edge)
        state.pointee.peeked = other.state.pointee.peeked.take()
        state.pointee.announced = other.format
        narrow(other.formats)
        other.disconnect()
    }

    /// In the assembly: what the producer fixed.
    func announce(_ format: MediaFormat?) { state.pointee.announced = format }

    /// The formats that this port takes in its node, parameters considered. Set in the assembly.
    var formats: FormatSet { state.pointee.formats }
    func narrow(_ formats: FormatSet) { state.pointee.formats = formats }
    func accepts(_ format: MediaFormat) -> Bool { formats.contains(format) }

    /// The node is done: the edge drops what it holds and what comes.
    func close() {
        guard let edge else { return }
        state.pointee.dropPeeked()
        edge.state.pointee.close()
    }

    /// An item that was handed out has become stale meanwhile, on an edge that discards such.
    func isStale(_ item: MediaItem) -> Bool { state.pointee.edge?.pointee.isStale(item) ?? false }

    /// Discards stale items at the head. The engine calls it when the epoch was raised. So a node that does not look at
    /// its input just now holds nothing old.
    func flushStale() { _ = state.pointee.look() }
}
