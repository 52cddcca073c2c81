@_spi(Host) import Sluice

/// Makes the plan of a graph by hand, where a test wants node types of its own or no file.
///
///     var graph = GraphBuilder()
///     graph.node("source", TestSource.self)
///     graph.node("gain", Gain.self, ["gain_db": 6])
///     graph.edge("source.out -> gain.in", items: 4)
public struct GraphBuilder {
    @_spi(Host) public private(set) var session = SessionPlan()
    /// Settings of lanes, by their names.
    @_spi(Host) public var lanes: [String: LanePlan] = [:]
    /// The types and services that the graph's nodes are looked up in.
    public let registry: NodeRegistry

    /// Registers `test-source` and `test-sink` in `registry`.
    public init(registry: NodeRegistry = NodeRegistry()) {
        self.registry = registry
        registry.register(TestSource.self)
        registry.register(TestSink.self)
    }

    @_spi(Host) public var plan: GraphPlan {
        var plan = GraphPlan(name: "test", file: "test.json", root: session)
        plan.lanes = lanes
        return plan
    }

    /// A node; its type is registered where it is not yet. `lane` as in a graph file.
    public mutating func node(
        _ name: String, _ type: any Node.Type, _ parameters: [String: ParameterValue] = [:], lane: String? = nil
    ) {
        node(name, type, parameters, lane: lane, pool: nil, onError: .fail)
    }

    /// The same with what else a graph may say of a node.
    @_spi(Host) public mutating func node(
        _ name: String, _ type: any Node.Type, _ parameters: [String: ParameterValue] = [:], lane: String? = nil,
        pool: LanePool? = nil, onError: NodePlan.OnError = .fail
    ) {
        if registry.type(named: type.descriptor.type) == nil { registry.register(type) }
        var plan = NodePlan(
            name: name, spec: NodeSpec(of: type), parameters: parameters, lane: lane, onError: onError)
        plan.pool = pool
        session.nodes.append(plan)
    }

    /// `from.port -> to.port`; an end in the parent session is `$parent.relay.out`.
    public mutating func edge(
        _ ends: String, items: Int = 16, milliseconds: Int = 500, bytes: Int = EdgePolicy.Capacity.standardBytes,
        overflow: EdgePolicy.Overflow = .block, epoch: EdgePolicy.Epoch = .flush, optional: Bool = false
    ) {
        let (from, to) = GraphBuilder.ends(ends)
        session.edges.append(
            EdgePlan(
                from: from, to: to, capacity: .init(items: items, milliseconds: milliseconds, bytes: bytes),
                overflow: overflow, epoch: epoch, isOptional: optional))
    }

    @_spi(Host) public mutating func control(
        _ ends: String, _ kind: ControlSpec.Kind, join: ControlPlan.Combination? = nil
    ) {
        let (from, to) = GraphBuilder.ends(ends)
        session.controls.append(ControlPlan(from: from, to: to, kind: kind, combination: join))
    }

    /// A template, and how many of it start with the graph. `body` is called once; it may hold templates in its turn.
    public mutating func template(
        _ name: String, count: Int = 0, _ body: (inout GraphBuilder) -> Void
    ) {
        var inner = GraphBuilder(registry: registry)
        body(&inner)
        let plan = inner.session
        session.templates[name] = TemplatePlan(name: name) { parameters in
            var instance = plan
            for index in instance.nodes.indices {
                let known = Set(instance.nodes[index].spec.parameters.map(\.name))
                instance.nodes[index].parameters.merge(parameters.filter { known.contains($0.key) }) { $1 }
            }
            return instance
        }
        session.templates[name]?.outline = plan
        if count > 0 { session.start.append(GraphPlan.Start(template: name, count: count)) }
    }

    private static func ends(_ text: String) -> (EndPlan, EndPlan) {
        let sides = text.replacing(" ", with: "").split(separator: "->", maxSplits: 1).map(String.init)
        precondition(sides.count == 2, "\"\(text)\" is not \"from.port -> to.port\"")
        return (end(sides[0]), end(sides[1]))
    }

    private static func end(_ text: String) -> EndPlan {
        var words = text.split(separator: ".").map(String.init)
        let isParent = words[0] == "$parent"
        if isParent { words.removeFirst() }
        precondition(words.count == 2, "\"\(text)\" is not \"node.port\"")
        return EndPlan(node: words[0], port: words[1], isParent: isParent)
    }
}
