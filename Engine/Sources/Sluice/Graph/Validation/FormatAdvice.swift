/// What to do when the two ends of an edge cannot agree: another port, or nodes to put between them.
struct FormatAdvice {
    let catalog: any NodeCatalog
    let edges: [ResolvedEdge]

    func advice(for edge: ResolvedEdge, gives given: FormatSet, takes taken: FormatSet) -> String {
        let prefix = edge.from.isParent ? "$parent." : ""
        let free = { (end: EndPlan) in !edges.contains { $0.from == end || $0.to == end } }
        for output in edge.source.spec?.outputs ?? [] where output.name != edge.output.name {
            guard output.isMany || free(EndPlan(node: edge.from.node, port: output.name)) else { continue }
            if !edge.source.declared(output).intersection(taken).isEmpty {
                return "Did you mean \(prefix)\(edge.from.node).\(output.name)?"
            }
        }
        for input in edge.target.spec?.inputs ?? [] where input.name != edge.input.name {
            guard input.isMany || free(EndPlan(node: edge.to.node, port: input.name)) else { continue }
            if !edge.target.declared(input).intersection(given).isEmpty {
                return "Did you mean \(edge.to.node).\(input.name)?"
            }
        }
        guard let path = converters(from: given, to: taken) else {
            return "No known node turns the one into the other."
        }
        let chain = ([edge.document.from.text] + path + [edge.document.to.text]).joined(separator: " -> ")
        let nodes = path.map { "a node of type \(quoted($0))" }.joined(separator: " and ")
        return "Put \(nodes) between them: \"\(chain)\"."
    }

    private struct Converter {
        var type: String
        var input: FormatSet
        var output: FormatSet
    }

    /// One type, or two in a row, that lead from one set of formats to the other.
    private func converters(from given: FormatSet, to taken: FormatSet) -> [String]? {
        let known = catalog.types.compactMap(converter)
        let first = known.filter { !$0.input.intersection(given).isEmpty }
        let last = known.filter { !$0.output.intersection(taken).isEmpty }
        let direct = first.filter { one in last.contains { $0.type == one.type } }
        if let best = direct.min(by: { rank($0, given, taken) < rank($1, given, taken) }) { return [best.type] }
        let pairs = first.flatMap { one in
            last.filter { one.type != $0.type && !one.output.intersection($0.input).isEmpty }.map { (one, $0) }
        }
        let best = pairs.min { a, b in
            let rankA = rank(a.0, given, a.1.input) + rank(a.1, a.0.output, taken)
            let rankB = rank(b.0, given, b.1.input) + rank(b.1, b.0.output, taken)
            return rankA < rankB
        }
        return best.map { [$0.0.type, $0.1.type] }
    }

    /// A node that changes formats: one input, one output that does not follow it, nothing that must be given.
    private func converter(_ type: String) -> Converter? {
        guard let spec = catalog.spec(for: type), spec.inputs.count == 1, spec.outputs.count == 1,
            spec.outputs[0].follows == nil, !spec.descriptor.traits.contains(.shares)
        else { return nil }
        let state = NodeState(
            name: type, position: SourcePosition(line: 0, column: 0), spec: spec,
            values: Dictionary(
                spec.parameters.compactMap { parameter in parameter.defaultValue.map { (parameter.name, $0) } },
                uniquingKeysWith: { first, _ in first }))
        return Converter(
            type: type, input: state.declared(spec.inputs[0]), output: state.declared(spec.outputs[0]))
    }

    /// Lower is better: the name that says what is done, then the first in the alphabet.
    private func rank(_ converter: Converter, _ given: FormatSet, _ taken: FormatSet) -> Int {
        let fromCoded = given.patterns.contains(where: \.kind.isCoded)
        let toCoded = taken.patterns.contains(where: \.kind.isCoded)
        let word = fromCoded == toCoded ? "convert" : toCoded ? "encoder" : "decoder"
        return converter.type.contains(word) ? 0 : 1
    }
}
