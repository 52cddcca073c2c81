/// One output has one edge, and so has one input; what must be connected is.
extension SessionPlanner {
    func checkSharing() {
        var seen: [EndPlan: [EndPlan: ResolvedEdge]] = [:]
        var outputs: [EndPlan: ResolvedEdge] = [:]
        var inputs: [EndPlan: ResolvedEdge] = [:]
        edges.removeAll { edge in
            if let first = seen[edge.from]?[edge.to] {
                bag.error(
                    edge.document.position,
                    "\(edge.label) is given twice; the first is in line \(first.document.position.line).",
                    advice: "Remove one of them.")
                return true
            }
            seen[edge.from, default: [:]][edge.to] = edge
            if !edge.output.isMany {
                if let first = outputs[edge.from] {
                    bag.error(
                        edge.document.position, "\(edge.label): \(edge.from) already goes to \(first.to).",
                        advice: "One output has one edge; to share it, put a relay.")
                    touched.formUnion([edge.from, edge.to])
                    return true
                }
                if edge.from.isParent {
                    bag.error(
                        edge.document.position,
                        "\(edge.label): \(edge.from) has one edge, and each instance of the template needs its own.",
                        advice: "One output has one edge; to share it, put a relay.")
                    touched.formUnion([edge.from, edge.to])
                    return true
                }
                outputs[edge.from] = edge
            }
            if !edge.input.isMany {
                if let first = inputs[edge.to] {
                    bag.error(
                        edge.document.position, "\(edge.label): \(edge.to) is already fed by \(first.from).",
                        advice: "One input has one edge; put a node that joins both before it, or use another input.")
                    touched.formUnion([edge.from, edge.to])
                    return true
                }
                inputs[edge.to] = edge
            }
            return false
        }
    }

    /// `used` are the ends in this session that edges of templates begin at.
    func checkConnections(used: Set<EndPlan>) {
        if hasLostEnds || document.hasBrokenEdges { return }
        var connected = used.union(touched)
        for edge in edges {
            connected.insert(edge.from)
            connected.insert(edge.to)
        }
        for document in document.nodes {
            guard let spec = picture.nodes[document.name]?.spec, !touchedNodes.contains(document.name) else { continue }
            for (port, noun, verb) in spec.inputs.map({ ($0, "input", "feeds") })
                + spec.outputs.map({ ($0, "output", "takes from") })
            where !port.isOptional && !connected.contains(EndPlan(node: document.name, port: port.name)) {
                bag.error(
                    document.position,
                    "node \(quoted(document.name)): no edge \(verb) its \(noun) \(document.name).\(port.name).",
                    advice: noun == "input"
                        ? "Add \"… -> \(document.name).\(port.name)\"; it takes \(port.formats)."
                        : "Add \"\(document.name).\(port.name) -> …\", to a null-sink if it is not wanted.")
            }
        }
    }

    /// A paced node on a named lane with heavy or blocking work is late whenever that works. A lane's name counts in
    /// the whole graph, so a template's nodes are looked at together with those around it.
    func checkLanes() {
        let own = picture.onLanes
        let around = parent?.onLanes ?? []
        func byLane(_ nodes: [NodeState]) -> [String: [NodeState]] { Dictionary(grouping: nodes) { $0.lane ?? "" } }
        // A few say as much as all.
        let slow = byLane((own + around).filter(\.isSlow)).mapValues { $0.prefix(3) }
        let pacedAround = byLane(around.filter(\.isPaced)).mapValues { $0.prefix(3) }
        for node in own {
            guard let lane = node.lane else { continue }
            if node.isPaced {
                for other in slow[lane] ?? [] where other.position != node.position {
                    warn(node, keepsTimeWith: other, on: lane, at: node.position)
                }
            }
            // Two nodes of this session would meet twice; the paced one speaks.
            if node.isSlow {
                for other in pacedAround[lane] ?? [] { warn(other, keepsTimeWith: node, on: lane, at: node.position) }
            }
        }
    }

    private func warn(_ paced: NodeState, keepsTimeWith slow: NodeState, on lane: String, at position: SourcePosition) {
        let work = slow.spec?.descriptor.work.rawValue ?? ""
        bag.warning(
            position,
            "lane \(quoted(lane)): \(paced.name) keeps time and shares the lane with \(slow.name), whose work is \(work).",
            advice: "Give \(slow.name) a lane of its own, or leave \"lane\" out.")
    }
}

extension NodeState {
    fileprivate var isPaced: Bool { spec?.descriptor.traits.contains(.paced) == true }
    fileprivate var isSlow: Bool { spec.map { $0.descriptor.work != .light } ?? false }
}
