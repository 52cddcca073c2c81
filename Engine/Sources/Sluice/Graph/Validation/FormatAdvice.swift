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
        let other = otherEnding(of: target, to, given)
        guard let path = ConverterSearch(catalog).path(from: given, to: taken) else {
            return other.isEmpty ? "No known node turns the one into the other." : other
        }
        let chain = ([fromText] + path.map(\.type) + [toText]).joined(separator: " -> ")
        let nodes = path.map { step in
            "a node of type \(quoted(step.type))" + (step.settings.isEmpty ? "" : " with \(step.settings)")
        }.joined(separator: " and ")
        return "Put \(nodes) between them: \"\(chain)\"." + (other.isEmpty ? "" : " Or: \(other)")
    }

    /// Where the ending of a name decides on the formats: the endings with which this one is taken.
    private func otherEnding(of target: NodeState, _ to: EndPlan, _ given: FormatSet) -> String {
        guard let port = target.spec?.inputs.first(where: { $0.name == to.port }),
            let deciding = port.variants.first(where: { $0.fits(target.values[$0.parameter]) }), deciding.isEnding
        else { return "" }
        var sets: [FormatSet] = []
        var endings: [String] = []
        for variant in port.variants
        where variant.isEnding && variant.parameter == deciding.parameter && !sets.contains(variant.formats)
            && !variant.formats.intersection(given).isEmpty
        {
            sets.append(variant.formats)
            endings.append(variant.value.description)
        }
        return endings.isEmpty ? "" : "let \(quoted(deciding.parameter)) end in \(alternatives(endings))."
    }
}
