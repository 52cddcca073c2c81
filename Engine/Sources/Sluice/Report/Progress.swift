/// How far a run is, for who watches it.
@_spi(Host) public struct Progress: Sendable {
    public var elapsed: Interval
    /// The nodes without outputs, instances of a template as one, by name.
    public var sinks: [SinkCount] = []
    /// Of the edges that hold something, the one that is nearest to one of its bounds.
    public var fullest: Edge?
    /// Items that full edges have dropped since the start.
    public var dropped = 0
    /// Instances of templates that run now.
    public var instances = 0

    public init(elapsed: Interval) { self.elapsed = elapsed }

    /// The longest of the sinks' media.
    public var media: MediaTime { sinks.map(\.media).max() ?? .zero }

    public struct Edge: Sendable {
        public var name: String
        public var items: Int
        public var milliseconds: Int
        public var bytes: Int
        public var capacity: EdgePolicy.Capacity

        public init(name: String, items: Int, milliseconds: Int, bytes: Int, capacity: EdgePolicy.Capacity) {
            self.name = name
            self.items = items
            self.milliseconds = milliseconds
            self.bytes = bytes
            self.capacity = capacity
        }

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
        var sinks = snapshot.ended.sinks
        var places: [NodeKey: String] = [:]
        for node in snapshot.nodes where node.identity.isSink {
            places[node.identity.key] = node.identity.place
            sinks[node.identity.place, default: SinkCount(name: node.identity.place)].items += node.itemsIn
        }
        for edge in snapshot.edges {
            dropped += edge.dropped
            if let place = places[edge.identity.consumer] { sinks[place]?.add(edge) }
            guard edge.held > 0 else { continue }
            let candidate = Progress.Edge(
                name: "\(edge.from) -> \(edge.to)", items: edge.held, milliseconds: Int(edge.heldTime.milliseconds),
                bytes: edge.heldBytes, capacity: edge.capacity)
            if candidate.share > fullest?.share ?? 0 { fullest = candidate }
        }
        self.sinks = sinks.values.sorted { $0.name < $1.name }
    }
}
