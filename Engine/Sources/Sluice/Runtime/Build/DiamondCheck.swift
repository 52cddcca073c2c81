/// Branches of one source may meet again in a node that puts them in order. Then the quicker branch must hold what the
/// slower one delays. A `block` branch too small for that would stop the source, and with it both.
///
/// For each input of such a node one pass upstream finds, for every node before it, how late the slowest path makes
/// media and when the first path that blocks is full. A branch stops the source if it is full before the other one's
/// media come.
struct DiamondCheck {
    let file: String

    /// The paths from a node's outputs to one input.
    private struct Branch {
        /// Of the slowest path.
        var latency = Interval.zero
        /// Of the path that is full first: what its edges hold, in milliseconds, and how late it makes media. nil where
        /// every path drops.
        var first: (capacity: Int, latency: Interval)?

        static func fullAfter(_ path: (capacity: Int, latency: Interval)) -> Double {
            Double(path.capacity) + path.latency.milliseconds
        }

        mutating func add(_ other: Branch) {
            latency = max(latency, other.latency)
            guard let path = other.first else { return }
            if first.map({ Branch.fullAfter(path) < Branch.fullAfter($0) }) ?? true { first = path }
        }

        /// The same paths with one more edge before them, and what its producer adds.
        func behind(_ edge: Edge, _ added: Interval) -> Branch {
            let held = edge.plan.overflow == .block ? edge.plan.capacity.holds(edge.fixedFormat) : nil
            return Branch(
                latency: latency + added,
                first: first.flatMap { path in held.map { ($0 + path.capacity, path.latency + added) } })
        }
    }

    private typealias Entry = (edge: Edge, producer: Int, latency: Interval)

    /// `cores` with every producer before its consumers.
    func check(cores: [NodeCore], edges: [Edge]) throws {
        guard cores.contains(where: joins) else { return }
        let place = Dictionary(
            cores.enumerated().map { (ObjectIdentifier($1), $0) }, uniquingKeysWith: { first, _ in first })
        var entering = [[Entry]](repeating: [], count: cores.count)
        for edge in edges {
            guard let consumer = edge.consumer.flatMap({ place[ObjectIdentifier($0)] }), let producer = edge.producer,
                let from = place[ObjectIdentifier(producer)], let output = producer.ports.output(edge.plan.from.port)
            else { continue }
            entering[consumer].append((edge, from, output.latency.max))
        }
        for (index, core) in cores.enumerated() where joins(core) && entering[index].count > 1 {
            let branches = entering[index].map { (edge: $0.edge, paths: paths(to: $0, entering)) }
            for (number, one) in branches.enumerated() {
                for other in branches[(number + 1)...] {
                    for (first, second) in zip(one.paths, other.paths) {
                        guard let first, let second else { continue }
                        try compare(quick: (one.edge, first), slow: (other.edge, second))
                        try compare(quick: (other.edge, second), slow: (one.edge, first))
                    }
                }
            }
        }
    }

    private func joins(_ core: NodeCore) -> Bool { core.plan.spec.descriptor.traits.contains(.joins) }

    /// By the place of the node that they begin at; what that node itself adds is left out.
    private func paths(to last: Entry, _ entering: [[Entry]]) -> [Branch?] {
        var before = [Branch?](repeating: nil, count: last.producer + 1)
        // With what the node itself adds.
        var through = before
        let end = Branch(latency: .zero, first: (0, .zero))
        before[last.producer] = end.behind(last.edge, .zero)
        through[last.producer] = end.behind(last.edge, last.latency)
        for place in stride(from: last.producer, through: 0, by: -1) {
            guard let rest = through[place] else { continue }
            for entry in entering[place] {
                let (outside, inside) = (rest.behind(entry.edge, .zero), rest.behind(entry.edge, entry.latency))
                if before[entry.producer] == nil {
                    (before[entry.producer], through[entry.producer]) = (outside, inside)
                } else {
                    before[entry.producer]?.add(outside)
                    through[entry.producer]?.add(inside)
                }
            }
        }
        return before
    }

    private func compare(quick: (edge: Edge, branch: Branch), slow: (edge: Edge, branch: Branch)) throws {
        guard let path = quick.branch.first, Branch.fullAfter(path) < slow.branch.latency.milliseconds else { return }
        let extra = Int((slow.branch.latency - path.latency).milliseconds.rounded(.up))
        let plan = quick.edge.plan
        throw GraphError([
            Diagnostic(
                file: file, position: plan.position,
                "edge \"\(plan.from) -> \(plan.to)\": \(plan.to.node) waits for \(slow.edge.plan.from), which comes up to \(extra) ms later, and this branch holds only \(path.capacity) ms, so both would stop.",
                advice: advice(for: quick.edge, extra + 100))
        ])
    }
}

extension DiamondCheck {
    private func advice(for edge: Edge, _ milliseconds: Int) -> String {
        let bytes = Double(milliseconds) / 1_000 * (edge.fixedFormat?.bytesPerSecond ?? 0)
        let more = bytes <= Double(edge.plan.capacity.bytes) ? "" : ", \"bytes\": \(Int(bytes.rounded(.up)))"
        return "Give the edge \"capacity\": {\"ms\": \(milliseconds)\(more)}."
    }
}

extension Edge {
    /// The format that its producer has fixed; nil while that is open.
    fileprivate var fixedFormat: MediaFormat? { producer?.portsFromOutside.output(plan.from.port)?.formatFromOutside }
}

extension EdgePolicy.Capacity {
    /// Milliseconds of media of `format`: of raw media the bound of bytes may be reached first.
    fileprivate func holds(_ format: MediaFormat?) -> Int {
        guard let rate = format?.bytesPerSecond, rate > 0 else { return milliseconds }
        return Int(min(Double(milliseconds), Double(bytes) / rate * 1_000))
    }
}
