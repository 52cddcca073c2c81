/// How far a run is, for who watches it.
@_spi(Host) public struct Progress: Sendable {
    public var elapsed: Interval
    /// The nodes without outputs by name, instances of a template as one, with the items that they have taken.
    public var sinks: [(name: String, items: Int)] = []
    /// Of the edges that hold something, the one that is nearest to one of its bounds.
    public var fullest: Edge?
    /// Items that full edges have dropped since the start.
    public var dropped = 0
    /// Instances of templates that run now.
    public var instances = 0

    public struct Edge: Sendable {
        public var name: String
        public var items: Int
        public var milliseconds: Int
        public var bytes: Int
        public var capacity: EdgeCapacity

        /// Of the nearer bound, 0...1.
        public var share: Double {
            max(
                Double(items) / Double(max(1, capacity.items)),
                Double(milliseconds) / Double(max(1, capacity.milliseconds)),
                Double(bytes) / Double(max(1, capacity.bytes)))
        }
    }
}

@_spi(Host) extension GraphRun {
    /// How far the run is. From any thread.
    public var progress: Progress { Progress(snapshot(.counters)) }
}

extension Progress {
    init(_ snapshot: RunSnapshot) {
        elapsed = snapshot.time
        dropped = snapshot.ended.dropped
        instances = snapshot.instances
        for edge in snapshot.edges {
            dropped += edge.dropped
            guard edge.held > 0 else { continue }
            let candidate = Progress.Edge(
                name: "\(edge.from) -> \(edge.to)", items: edge.held, milliseconds: Int(edge.heldTime.milliseconds),
                bytes: edge.heldBytes, capacity: edge.capacity)
            if candidate.share > fullest?.share ?? 0 { fullest = candidate }
        }
        var items = snapshot.ended.sinks
        for node in snapshot.nodes where node.identity.isSink { items[node.identity.place, default: 0] += node.itemsIn }
        sinks = items.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
