import Synchronization

/// The formats that inputs of a session refuse beyond what they declare, as they have found out while they run: a
/// recording that has begun keeps its formats. Written on the lanes of those inputs, asked on those of sources.
final class FormatRefusals: Sendable {
    private let rules = Mutex<[EndPlan: @Sendable (MediaFormat) -> String?]>([:])

    func set(_ input: EndPlan, _ rule: @escaping @Sendable (MediaFormat) -> String?) {
        rules.withLock { $0[input] = rule }
    }

    func refusal(_ input: EndPlan, of format: MediaFormat) -> String? {
        rules.withLock { $0[input] }?(format)
    }
}

extension Session {
    /// The nodes that would make what is taken of it: ` (put audio-decoder -> opus-encoder before it)`.
    private func wayOut(from format: MediaFormat, to taken: FormatSet) -> String {
        guard let catalog = run.options.catalog,
            let path = ConverterSearch(catalog).path(from: FormatSet([FormatSet.Pattern(format)]), to: taken)
        else { return "" }
        return " (put \(path.map(\.type).joined(separator: " -> ")) before it)"
    }

    /// Why some input that `format` would reach from `output` does not take it, in words that follow "and": through
    /// nodes that hand on what they get, within this session. nil where all take it.
    func refusal(of format: MediaFormat, from output: EndPlan) -> String? {
        var seen: Set<EndPlan> = []
        var next = [output]
        while let from = next.popLast() {
            guard seen.insert(from).inserted else { continue }
            for edge in edges where edge.plan.from == from {
                let to = edge.plan.to
                guard let core = cores.first(where: { $0.plan.name == to.node }),
                    let port = core.plan.spec.inputs.first(where: { $0.name == to.port })
                else { continue }
                let taken = port.formats(with: core.plan.allParameters)
                if !taken.contains(format) { return "\(to) takes \(taken)" + wayOut(from: format, to: taken) }
                if let why = refusals.refusal(to, of: format) { return "\(to) \(why)" }
                next += core.plan.spec.outputs.filter { $0.follows == to.port }.map {
                    EndPlan(node: to.node, port: $0.name)
                }
            }
        }
        return nil
    }
}
