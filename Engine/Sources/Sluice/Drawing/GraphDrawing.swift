/// A graph as a picture: nodes with their types, edges with what is not standard about them, templates as frames
/// around their nodes, control links dashed, data edges in a colour of their own. Parameter values are not drawn, so no
/// secret is.
@_spi(Host) public struct GraphDrawing: Sendable {
    public enum Format: String, Sendable, CaseIterable { case dot, mermaid, svg }

    /// The graph itself first, then its templates in the order of the file.
    var sessions: [Session] = []
    var title: String
    var summary: String

    struct Session: Sendable {
        /// nil for the graph itself.
        var title: String?
        var nodes: [Node] = []
        var edges: [Link] = []
        var controls: [Link] = []
        /// The nodes that start its instances while the graph runs.
        var starters: [String] = []
    }

    struct Node: Sendable {
        /// Unique in the drawing: `listener/pacer`.
        var id: String
        var name: String
        var type: String
        /// The connected ports where the type has several on that side; a single one needs no name.
        var inputs: [String]
        var outputs: [String]
        var role = NodeRole.processing
    }

    struct Link: Sendable, Equatable {
        var from: String
        var fromPort: String
        var to: String
        var toPort: String
        var label: String
        var isOptional = false
        /// Carries data items and nothing else.
        var isData = false

        /// The label in two lines where it has several parts.
        var lines: [String] {
            let parts = label.split(separator: ",").map { $0.drop { $0 == " " } }
            guard parts.count > 1 else { return label.isEmpty ? [] : [label] }
            let upper = parts.count / 2
            return [parts[..<upper], parts[upper...]].map { $0.joined(separator: ", ") }
        }
    }

    public init(_ plan: GraphPlan) {
        title = plan.name
        summary = plan.summary
        add(plan.root, title: nil, path: "")
    }

    /// A session, then those of its templates, which lead in from its nodes.
    private mutating func add(_ plan: SessionPlan, title: String?, path: String, around: String = "") {
        let shared = plan.templates.values.flatMap(\.outline.edges).map(\.from).filter(\.isParent).map(\.inParent)
        sessions.append(Self.session(title, prefix: path, around: around, plan, used: Set(shared)))
        for template in plan.templatesInOrder {
            let counts = plan.start.filter { $0.template == template.name }.map(\.count)
            let starters = plan.nodes.filter { $0.starts(template.name) }.map { path + $0.name }
            // Nobody knows how many a node will start.
            let count = starters.isEmpty ? counts.isEmpty ? "" : " × \(counts.reduce(0, +))" : " × n"
            let place = sessions.count
            add(
                template.outline, title: path + template.name + count, path: path + template.name + "/", around: path)
            sessions[place].starters = starters
        }
    }

    public func text(_ format: Format) -> String {
        switch format {
        case .dot: dot
        case .mermaid: mermaid
        case .svg: svg
        }
    }

    private static func session(
        _ title: String?, prefix: String, around: String, _ plan: SessionPlan, used: Set<EndPlan>
    ) -> Session {
        func id(_ end: EndPlan) -> String { (end.isParent ? around : prefix) + end.node }
        var session = Session(title: title)
        let ends = plan.edges.flatMap { [$0.from, $0.to] }.filter { !$0.isParent }
        let connected = used.union(ends)
        session.nodes = plan.nodes.map { node in
            func named(_ ports: [PortSpec]) -> [String] {
                ports.count < 2
                    ? [] : ports.map(\.name).filter { connected.contains(EndPlan(node: node.name, port: $0)) }
            }
            return Node(
                id: prefix + node.name, name: node.name, type: node.spec.type, inputs: named(node.spec.inputs),
                outputs: named(node.spec.outputs), role: node.spec.role)
        }
        session.edges = plan.edges.map {
            Link(
                from: id($0.from), fromPort: $0.from.port, to: id($0.to), toPort: $0.to.port, label: label($0),
                isOptional: $0.isOptional, isData: $0.carriesData)
        }
        session.controls = plan.controls.map {
            let ports = $0.from.port == $0.to.port ? $0.from.port : "\($0.from.port) → \($0.to.port)"
            let names = ports + ($0.kind == .record ? " {\($0.fields.count)}" : "")
            return Link(
                from: id($0.from), fromPort: $0.from.port, to: id($0.to), toPort: $0.to.port,
                label: names + ($0.combination.map { " (\($0.rawValue))" } ?? ""))
        }
        return session
    }

    /// Empty for a standard edge of audio or video.
    private static func label(_ edge: EdgePlan) -> String {
        var words: [String] = []
        if edge.carriesData { words.append("\(edge.formats)") }
        if edge.overflow != .block { words.append(edge.overflow.rawValue) }
        let (capacity, standard) = (edge.capacity, EdgePolicy.Capacity.standard)
        if (capacity.items, capacity.milliseconds) != (standard.items, standard.milliseconds) {
            words.append("\(capacity.items) items/\(capacity.milliseconds) ms")
        }
        if capacity.bytes < standard.bytes, capacity != .pictures { words.append("\(capacity.bytes) bytes") }
        if edge.epoch != .flush { words.append(edge.epoch.rawValue) }
        if edge.isOptional { words.append("optional") }
        return words.joined(separator: ", ")
    }
}

extension NodePlan {
    /// One of its parameters names that template.
    fileprivate func starts(_ template: String) -> Bool {
        spec.parameters.contains { parameter in
            guard parameter.template != nil,
                case .string(let name)? = parameters[parameter.name] ?? parameter.defaultValue
            else { return false }
            return name == template
        }
    }
}

extension EdgePlan {
    /// No audio and no video passes.
    fileprivate var carriesData: Bool { !formats.isEmpty && formats.patterns.allSatisfy { $0.kind == .data } }
}
