@_spi(Host) extension EdgePlan {
    /// The error of an edge whose ends turn out not to agree once a format is known: after `prepare`, or when it
    /// changes while the graph runs. It reads as the one that validation gives.
    ///
    /// `source` and `target` are the nodes at the two ends; `edges` are the edges of the session.
    public func disagreement(
        gives format: MediaFormat, takes taken: FormatSet, source: NodePlan, target: NodePlan, edges: [EdgePlan],
        catalog: any NodeCatalog, file: String
    ) -> Diagnostic {
        func state(_ node: NodePlan) -> NodeState {
            var state = NodeState(name: node.name, position: node.position, spec: node.spec)
            for parameter in node.spec.parameters {
                state.values[parameter.name] = node.parameters[parameter.name] ?? parameter.defaultValue
            }
            return state
        }
        func written(_ end: EndPlan, _ ports: [PortSpec]) -> String {
            ports.count == 1 ? (end.isParent ? "$parent." : "") + end.node : end.description
        }
        let given = FormatSet([FormatSet.Pattern(format)])
        let from = written(self.from, source.spec.outputs)
        let to = written(self.to, target.spec.inputs)
        let advice = FormatAdvice(catalog: catalog, edges: []).advice(
            from: self.from, state(source), written: from, to: self.to, state(target), written: to, gives: given,
            takes: taken, isFree: { end in !edges.contains { $0.from == end || $0.to == end } })
        return Diagnostic(
            file: file, position: position,
            "edge \"\(from) -> \(to)\": \(self.from) gives \(format), \(self.to) takes \(taken).", advice: advice)
    }
}

extension FormatSet.Pattern {
    /// The set that matches this format and nothing else.
    public init(_ format: MediaFormat) {
        self.init(
            format.kind, codecs: format.codec.map { [$0] }, sampleFormats: format.audio?.sampleFormat.map { [$0] },
            rates: format.audio.map { [$0.rate] }, channels: format.audio.map { [$0.channels] },
            pixelFormats: format.video?.pixelFormat.map { [$0] }, schemas: format.schema.map { [$0] })
    }
}
