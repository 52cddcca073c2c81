/// An edge at one moment.
@_spi(Host) public struct EdgeSnapshot: Sendable {
    let identity: EdgeIdentity
    public var from: String { identity.from }
    public var to: String { identity.to }
    public var capacity: EdgePolicy.Capacity { identity.capacity }
    public internal(set) var overflow = EdgePolicy.Overflow.block
    public internal(set) var pushed = 0
    public internal(set) var popped = 0
    public internal(set) var dropped = 0
    public internal(set) var flushed = 0
    /// Of the dropped ones, those before the first item came through.
    var droppedBefore = 0
    /// Items on the edge, and their media.
    public internal(set) var held = 0
    public internal(set) var heldTime = MediaTime.zero
    /// Payload pushed so far, and on the edge.
    public internal(set) var bytes = 0
    public internal(set) var heldBytes = 0
    var depthMaxBytes = 0
    public internal(set) var depthMax = 0
    public internal(set) var depthMaxTime = MediaTime.zero
    /// The consumer has taken everything and nothing more comes.
    public internal(set) var isEnded = false
    /// Media that have left the edge so far, whatever became of them.
    var gone = MediaTime.zero
    /// The producer waits for room.
    var isRoomWanted = false
    /// Microseconds from one node to the other: median, 99th percentile, largest.
    var transit = (0.0, 0.0, 0.0)
}

extension EdgeSnapshot {
    init(_ edge: Edge, _ detail: RunSnapshot.Detail) {
        self.init(identity: edge.identity)
        overflow = edge.overflowFromOutside
        // Those that leave first, so that more never leave than came.
        droppedBefore = edge.droppedBefore
        (popped, dropped, flushed) = (edge.popped, edge.dropped, edge.flushed)
        gone = MediaTime(ticks: Int64(edge.state.pointee.consumer.pointee.goneTicks.count))
        held = max(0, edge.held)
        heldTime = edge.heldTime
        heldBytes = edge.heldBytes
        depthMaxBytes = edge.state.pointee.consumer.pointee.depthMaxBytes.count
        pushed = edge.pushed
        bytes = edge.state.pointee.producer.pointee.bytes.count
        isRoomWanted = edge.state.pointee.ring.isRoomWanted
        isEnded = edge.state.pointee.isEnded
        depthMax = edge.state.pointee.consumer.pointee.depthMax.count
        depthMaxTime = MediaTime(ticks: Int64(edge.state.pointee.consumer.pointee.depthMaxTicks.count))
        guard detail == .everything else { return }
        func microseconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1e3 }
        transit = (
            microseconds(edge.state.pointee.consumer.pointee.transit.quantile(0.5)),
            microseconds(edge.state.pointee.consumer.pointee.transit.quantile(0.99)),
            microseconds(edge.state.pointee.consumer.pointee.transit.max)
        )
    }

    /// Items that a node lacks which keeps what comes.
    var lost: Int { popped > 0 ? max(0, dropped - droppedBefore) : 0 }

    /// The bound that it has reached, as `500 of 500 ms`.
    var bound: String {
        held >= capacity.items
            ? "\(min(held, capacity.items)) of \(capacity.items) items"
            : heldBytes * 2 > capacity.bytes
                ? "\(heldBytes) of \(capacity.bytes) bytes"
                : "\(Int(heldTime.milliseconds)) of \(capacity.milliseconds) ms"
    }
}
