/// The advice where the two ends of an edge cannot agree: another port, or nodes to put between them.
struct FormatAdvice {
    let catalog: any NodeCatalog
    let edges: [ResolvedEdge]

    func advice(for edge: ResolvedEdge, gives given: FormatSet, takes taken: FormatSet) -> String {
        advice(
            from: edge.from, edge.source, written: edge.document.from.text, to: edge.to, edge.target,
            written: edge.document.to.text, gives: given, takes: taken,
            isFree: { end in !edges.contains { $0.from == end || $0.to == end } })
    }

    /// `isFree` tells whether a port has no edge yet; `written` is how the ends are named in the file.
    func advice(
        from: EndPlan, _ source: NodeState, written fromText: String, to: EndPlan, _ target: NodeState,
        written toText: String, gives given: FormatSet, takes taken: FormatSet, isFree: (EndPlan) -> Bool
    ) -> String {
        for output in source.spec?.outputs ?? [] where output.name != from.port {
            let end = EndPlan(node: from.node, port: output.name, isParent: from.isParent)
            guard output.isMany || isFree(end) else { continue }
            if !source.declared(output).intersection(taken).isEmpty { return "Did you mean \(end)?" }
        }
        for input in target.spec?.inputs ?? [] where input.name != to.port {
            let end = EndPlan(node: to.node, port: input.name)
            guard input.isMany || isFree(end) else { continue }
            if !target.declared(input).intersection(given).isEmpty { return "Did you mean \(end)?" }
        }
        guard let path = converters(from: given, to: taken) else {
            return "No known node turns the one into the other."
        }
        let chain = ([fromText] + path + [toText]).joined(separator: " -> ")
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
