/// Instances that have ended: the last ones whole, those before as totals, so that a graph that starts viewers all day
/// keeps its memory.
struct EndedSessions: Sendable {
    private(set) var nodes: [NodeSnapshot] = []
    private(set) var edges: [EdgeSnapshot] = []
    private var sizes: [(nodes: Int, edges: Int)] = []
    private var totals: [(template: String, totals: Totals)] = []

    static let kept = 100

    struct Totals: Sendable {
        var count = 0
        var pushed = 0
        var popped = 0
        var dropped = 0
        var flushed = 0
        var held = 0
        /// By name, in the order of the template.
        var nodes: [(name: String, totals: NodeTotals)] = []

        mutating func add(_ edge: EdgeSnapshot) {
            pushed += edge.pushed
            popped += edge.popped
            dropped += edge.dropped
            flushed += edge.flushed
            held += edge.held
        }
    }

    /// The counts of sinks of ended instances, by template and node.
    private(set) var sinks: [String: SinkCount] = [:]

    var dropped: Int { totals.reduce(0) { $0 + $1.totals.dropped } }

    mutating func add(_ session: EndedSession) {
        nodes += session.nodes
        edges += session.edges
        sizes.append((session.nodes.count, session.edges.count))
        for node in session.nodes where node.identity.isSink {
            let place = node.identity.place
            sinks[place, default: SinkCount(name: place)].items += node.itemsIn
            for edge in session.edges where edge.identity.consumer == node.identity.key { sinks[place]?.add(edge) }
        }
        let index = totals.firstIndex { $0.template == session.template } ?? totals.count
        if index == totals.count { totals.append((session.template, Totals())) }
        totals[index].totals.count += 1
        for edge in session.edges { totals[index].totals.add(edge) }
        for (node, part) in zip(session.nodes, session.parts) {
            let known = totals[index].totals.nodes.firstIndex { $0.name == part.name }
            let place = known ?? totals[index].totals.nodes.count
            if known == nil { totals[index].totals.nodes.append((part.name, NodeTotals(node.type))) }
            totals[index].totals.nodes[place].totals.add(node, part.metrics)
        }
        if sizes.count > EndedSessions.kept {
            let oldest = sizes.removeFirst()
            nodes.removeFirst(oldest.nodes)
            edges.removeFirst(oldest.edges)
        }
    }

    func writeTotals(_ writer: inout JSONValue.Writer, _ isVirtual: Bool) {
        guard !totals.isEmpty else { return }
        writer.key("ended_instances") { all in
            all.object { list in
                for (template, sum) in totals {
                    list.key(template) { entry in
                        entry.object {
                            $0.key("count", sum.count)
                            $0.key("pushed", sum.pushed)
                            $0.key("popped", sum.popped)
                            $0.key("dropped", sum.dropped)
                            $0.key("flushed", sum.flushed)
                            $0.key("held", sum.held)
                            $0.key("nodes") { nodes in
                                nodes.object { all in
                                    for (name, node) in sum.nodes { node.write(name, &all, isVirtual) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
