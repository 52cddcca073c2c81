/// A node as far as validation knows it. `spec` is nil for an unknown type, which has been reported: what touches the
/// node is then not checked.
struct NodeState: Sendable {
    var name: String
    var position: SourcePosition
    var spec: NodeSpec?
    /// Parameters with defaults filled in.
    var values: [String: ParameterValue] = [:]
    /// Parameters whose value comes later.
    var open: Set<String> = []
    var lane: String?
    var isLossless = false

    /// The formats of the port by its declaration: all variants where the deciding parameter is open.
    func declared(_ port: PortSpec) -> FormatSet {
        let undecided = port.variants.filter { open.contains($0.parameter) }
        if undecided.isEmpty { return port.formats(with: values) }
        return undecided.reduce(port.formats) { $0 | $1.formats }
    }
}

/// The facts about a session that its templates need.
struct SessionView: Sendable {
    /// `the graph`, `template "room"`
    var owner = "the graph"
    /// Nodes on named lanes, those of the sessions around it too.
    var onLanes: [NodeState] = []
    var nodes: [String: NodeState] = [:]
    /// The formats that each output really gives, as far as it follows from the edges before it.
    var offered: [EndPlan: FormatSet] = [:]
}

/// An edge whose ends exist.
struct ResolvedEdge {
    var document: EdgeDocument
    var from: EndPlan
    var to: EndPlan
    var source: NodeState
    var target: NodeState
    var output: PortSpec
    var input: PortSpec
    /// The formats that can pass: offered by one end, taken by the other.
    var carried = FormatSet.any

    var label: String { "edge \(quotedText)" }
    private var quotedText: String { "\"\(document.text)\"" }
}
