/// How far a run is, for who watches it.
public struct Progress: Sendable {
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

extension GraphRun {
    /// How far the run is. Only on the supervisor's thread: inside `RunOptions.onTick`, or after `execute`.
    public var progress: Progress {
        var progress = Progress(elapsed: Interval(nanoseconds: max(0, supervisor.now - startedAt)))
        progress.dropped = ended.dropped
        progress.instances = sessions.count { $0.parent != nil }
        for edge in sessions.lazy.flatMap(\.edges) {
            progress.dropped += edge.dropped
            guard edge.held > 0 else { continue }
            let candidate = Progress.Edge(
                name: "\(edge.from) -> \(edge.to)", items: edge.held, milliseconds: edge.heldMilliseconds,
                bytes: edge.heldBytes, capacity: edge.plan.capacity)
            if candidate.share > progress.fullest?.share ?? 0 { progress.fullest = candidate }
        }
        var items = ended.sinks
        for session in sessions {
            for core in session.sinks { items[session.progressName(of: core), default: 0] += core.itemsTaken }
        }
        progress.sinks = items.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return progress
    }
}

extension Session {
    var sinks: [NodeCore] { cores.filter { $0.ports.outputs.isEmpty } }

    /// Instances of a template count together: `listener/out`.
    func progressName(of core: NodeCore) -> String { (template.map { $0 + "/" } ?? "") + core.plan.name }
}

extension NodeCore {
    var itemsTaken: Int { ports.inputs.reduce(0) { $0 + ($1.edge?.popped ?? 0) } }
}
