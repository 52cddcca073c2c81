/// Finding the ports that edges name.
extension SessionPlanner {
    func resolveEdges() {
        for document in document.edges {
            let label = "edge \"\(document.text)\""
            let source = node(document.from, label)
            let target = node(document.to, label)
            if source == nil || target == nil { hasLostEnds = true }
            if document.to.isParent, target != nil {
                bag.error(
                    document.to.position, "\(label): no edge may lead from a template into its parent.",
                    advice: "Media flow from the graph into a template; use a control link for what goes back.")
                touch(document.from, source)
                continue
            }
            let output = source.flatMap { port(document.from, of: $0, .output, label, partner: target, document.to) }
            let input = target.flatMap { port(document.to, of: $0, .input, label, partner: source, document.from) }
            let from = end(document.from, output)
            let to = end(document.to, input)
            if let source, let target, let output, let input, let from, let to {
                edges.append(
                    ResolvedEdge(
                        document: document, from: from, to: to, source: source, target: target, output: output,
                        input: input))
                continue
            }
            if let from { touched.insert(from) } else { touch(document.from, source) }
            if let to { touched.insert(to) } else { touch(document.to, target) }
        }
    }

    private func touch(_ end: EndDocument, _ node: NodeState?) {
        if end.isParent { touchedParents.insert(end.node) } else { touchedNodes.insert(end.node) }
    }

    private func end(_ end: EndDocument, _ port: PortSpec?) -> EndPlan? {
        port.map { EndPlan(node: end.node, port: $0.name, isParent: end.isParent) }
    }

    /// The node that an end names; nil where there is none, which is reported.
    func node(_ end: EndDocument, _ label: String) -> NodeState? {
        if end.isParent {
            guard let parent else {
                bag.error(
                    end.position, "\(label): $parent stands for the graph around a template, and this is no template.",
                    advice: "Write \(quoted(String(end.text.dropFirst("$parent.".count)))).")
                return nil
            }
            if let node = parent.nodes[end.node] { return node }
            bag.error(
                end.position, "\(label): \(parent.owner) has no node \(quoted(end.node)).",
                advice: suggestion(for: end.node, in: parent.nodes.keys, listing: "Its nodes are"))
            return nil
        }
        if let node = picture.nodes[end.node] { return node }
        let names = picture.nodes.keys
        let inParent = parent?.nodes[end.node] != nil
        bag.error(
            end.position, "\(label): there is no node \(quoted(end.node))\(parent == nil ? "" : " in the template").",
            advice: inParent
                ? "Did you mean \"$parent.\(end.text)\"?"
                : suggestion(for: end.node, in: names, listing: "The nodes are"))
        return nil
    }

    enum Direction {
        case input, output

        var noun: String { self == .input ? "input" : "output" }
        func ports(of spec: NodeSpec) -> [PortSpec] { self == .input ? spec.inputs : spec.outputs }
        var opposite: Direction { self == .input ? .output : .input }
    }

    /// The port of a node that an end names, or its only one. `partner` is the other end, for advice.
    private func port(
        _ end: EndDocument, of node: NodeState, _ direction: Direction, _ label: String, partner: NodeState?,
        _ partnerEnd: EndDocument
    ) -> PortSpec? {
        guard let spec = node.spec else { return nil }
        let ports = direction.ports(of: spec)
        let prefix = (end.isParent ? "$parent." : "") + end.node
        guard let name = end.port else {
            if ports.count == 1 { return ports[0] }
            if ports.isEmpty {
                bag.error(
                    end.position, "\(label): \(end.node) is of type \(spec.type), which has no \(direction.noun).",
                    advice: direction == .output ? "It can only end an edge." : "It can only begin an edge.")
            } else {
                let fitting = ports.filter { fits($0, node, direction, partner, partnerEnd) }
                let choice = fitting.count == 1 ? fitting : ports
                bag.error(
                    end.position, "\(label): \(end.node) has several \(direction.noun)s and none is named.",
                    advice: "Write " + alternatives(choice.map { "\(prefix).\($0.name)" }) + ".")
            }
            return nil
        }
        if let port = ports.first(where: { $0.name == name }) { return port }
        let known = ports.isEmpty ? "It has no \(direction.noun)." : ""
        if direction.opposite.ports(of: spec).contains(where: { $0.name == name }) {
            let rule = direction == .output ? "an edge begins at an output" : "an edge ends at an input"
            let meant = ports.count == 1 ? "Did you mean \(prefix).\(ports[0].name)?" : ""
            let all =
                ports.count > 1 ? "The \(direction.noun)s are \(ports.map(\.name).joined(separator: ", "))." : meant
            bag.error(
                end.position, "\(label): \(end.text) is an \(direction.opposite.noun), and \(rule).",
                advice: ports.isEmpty ? known : all)
            return nil
        }
        var advice = known
        if let near = nearest(to: name, in: ports.map(\.name)) ?? (ports.count == 1 ? ports[0].name : nil) {
            advice = "Did you mean \(prefix).\(near)?"
        } else if !ports.isEmpty {
            advice = "Its \(direction.noun)s are \(ports.map(\.name).joined(separator: ", "))."
        }
        bag.error(
            end.position,
            "\(label): \(end.node) is of type \(spec.type), which has no \(direction.noun) \(quoted(name)).",
            advice: advice)
        return nil
    }

    private func fits(
        _ port: PortSpec, _ node: NodeState, _ direction: Direction, _ partner: NodeState?, _ partnerEnd: EndDocument
    ) -> Bool {
        guard let partner, let spec = partner.spec else { return false }
        let mine = node.declared(port)
        return direction.opposite.ports(of: spec).contains {
            (partnerEnd.port == nil || partnerEnd.port == $0.name) && !mine.intersection(partner.declared($0)).isEmpty
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
func alternatives(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words.last!
}
