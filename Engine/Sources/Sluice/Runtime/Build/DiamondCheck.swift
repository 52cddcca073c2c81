/// Where branches of one source meet again in a node that puts them in order, the quicker branch must hold what the
/// slower one delays: a `block` branch too small for that would stop the source, and with it both.
struct DiamondCheck {
    let file: String

    /// What a branch adds between the common ancestor and the join.
    private struct Branch {
        let edge: Edge
        let latency: Interval
        /// Milliseconds that its edges hold; nil when an edge on it drops instead of blocking.
        let capacity: Int?
    }

    func check(cores: [NodeCore], edges: [Edge]) throws {
        for core in cores where core.plan.spec.descriptor.traits.contains(.joins) {
            let branches = core.ports.inputs.compactMap { $0.edge.map { paths(to: $0, among: edges) } }
            for (index, one) in branches.enumerated() {
                for other in branches[(index + 1)...] { try compare(one, other) }
            }
        }
    }

    /// For each ancestor of an edge, the branch from there.
    private func paths(to last: Edge, among edges: [Edge]) -> [ObjectIdentifier: Branch] {
        var found: [ObjectIdentifier: Branch] = [:]
        var open: [(edge: Edge, latency: Interval, capacity: Int?)] = [(last, .zero, 0)]
        while let (edge, latency, capacity) = open.popLast() {
            guard let producer = edge.producer, let output = producer.ports.output(edge.plan.from.port) else {
                continue
            }
            let held = edge.plan.overflow == .block ? capacity.map { $0 + edge.plan.capacity.milliseconds } : nil
            found[ObjectIdentifier(producer)] = Branch(edge: last, latency: latency, capacity: held)
            for upstream in edges where upstream.consumer === producer {
                open.append((upstream, latency + output.latency.max, held))
            }
        }
        return found
    }

    private func compare(_ one: [ObjectIdentifier: Branch], _ other: [ObjectIdentifier: Branch]) throws {
        for (ancestor, first) in one {
            guard let second = other[ancestor] else { continue }
            let (quick, slow) = first.latency < second.latency ? (first, second) : (second, first)
            let extra = slow.latency - quick.latency
            guard let capacity = quick.capacity, Double(capacity) < extra.milliseconds else { continue }
            let end = quick.edge.plan.to.node
            throw GraphError([
                Diagnostic(
                    file: file, position: quick.edge.plan.position,
                    "edge \"\(quick.edge.plan.from) -> \(quick.edge.plan.to)\": \(end) waits for \(slow.edge.plan.from), which comes up to \(Int(extra.milliseconds.rounded(.up))) ms later, and this branch holds only \(capacity) ms, so both would stop.",
                    advice: "Give the edge \"capacity\": {\"ms\": \(Int(extra.milliseconds.rounded(.up)) + 100)}.")
            ])
        }
    }
}
