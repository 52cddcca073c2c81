/// Instances that have ended: the last ones whole, those before as totals, so that a graph that starts viewers all day
/// keeps its memory.
struct EndedSessions {
    private(set) var nodes: [NodeSnapshot] = []
    private(set) var edges: [EdgeSnapshot] = []
    private var sizes: [(nodes: Int, edges: Int)] = []
    private var totals: [(template: String, totals: Totals)] = []

    static let kept = 100

    struct Totals {
        var count = 0
        var pushed = 0
        var popped = 0
        var dropped = 0
        var flushed = 0
        var held = 0
        /// By name, in the order of the template.
        var nodes: [(name: String, totals: NodeTotals)] = []
    }

    /// What the sinks of ended instances have taken, by template and node.
    private(set) var sinks: [String: Int] = [:]

    var dropped: Int { totals.reduce(0) { $0 + $1.totals.dropped } }

    mutating func add(_ session: Session) {
        let newEdges = session.edges.map(EdgeSnapshot.init)
        nodes += session.cores.map(NodeSnapshot.init)
        for core in session.sinks { sinks[session.progressName(of: core), default: 0] += core.itemsTaken }
        edges += newEdges
        sizes.append((session.cores.count, newEdges.count))
        let template = session.template ?? ""
        if !totals.contains(where: { $0.template == template }) { totals.append((template, Totals())) }
        let index = totals.firstIndex { $0.template == template }!
        totals[index].totals.count += 1
        for edge in newEdges {
            totals[index].totals.pushed += edge.pushed
            totals[index].totals.popped += edge.popped
            totals[index].totals.dropped += edge.dropped
            totals[index].totals.flushed += edge.flushed
            totals[index].totals.held += edge.held
        }
        for core in session.cores {
            let known = totals[index].totals.nodes.firstIndex { $0.name == core.plan.name }
            let place = known ?? totals[index].totals.nodes.count
            if known == nil { totals[index].totals.nodes.append((core.plan.name, NodeTotals(core.plan.spec.type))) }
            totals[index].totals.nodes[place].totals.add(core)
        }
        if sizes.count > EndedSessions.kept {
            let oldest = sizes.removeFirst()
            nodes.removeFirst(oldest.nodes)
            edges.removeFirst(oldest.edges)
        }
    }

    func writeTotals(_ writer: inout JSONWriter, _ isVirtual: Bool) {
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
