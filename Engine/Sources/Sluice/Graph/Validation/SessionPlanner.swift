/// Checks and plans one session: the graph's own nodes, or an instance of a template.
///
/// The steps run in the order of the methods in `plan`; each reports all it finds and leaves out what is broken, so
/// that one mistake gives one message.
final class SessionPlanner {
    let document: SessionDocument
    let scope: ParameterScope
    let catalog: any NodeCatalog
    let bag: DiagnosticBag
    /// The graph, where this is a template's session.
    let parent: SessionView?

    private(set) var picture = SessionView()
    var edges: [ResolvedEdge] = []
    /// Ports with an edge that is broken for another reason: they do not count as unconnected.
    var touched: Set<EndPlan> = []
    /// An edge names a node that does not exist: any other may be the one that was meant.
    var hasLostEnds = false
    /// Nodes whose port could not be told: none of their ports counts as unconnected.
    var touchedNodes: Set<String> = []
    /// The same of the graph around a template.
    var touchedParents: Set<String> = []

    init(
        _ document: SessionDocument, scope: ParameterScope, catalog: any NodeCatalog, parent: SessionView?,
        _ bag: DiagnosticBag
    ) {
        self.document = document.chosen(scope, bag)
        self.scope = scope
        self.catalog = catalog
        self.parent = parent
        self.bag = bag
    }

    func plan() -> SessionPlan {
        var plan = SessionPlan()
        plan.nodes = document.nodes.compactMap(planNode)
        resolveEdges()
        checkSharing()
        picture.offered = propagateFormats()
        plan.edges = edges.compactMap(planEdge)
        plan.controls = planControls()
        checkLanes()
        return plan
    }

    private func planNode(_ node: NodeDocument) -> NodePlan? {
        let label = "node \(quoted(node.name))"
        var state = NodeState(name: node.name, position: node.position)
        defer { picture.nodes[node.name] = state }
        state.lane = optional(node.lane, .string, "\(label): lane")
        let onError = optional(node.onError, .choice(NodePlan.OnError.allCases.map(\.rawValue)), "\(label): on_error")
        guard let type = node.type else { return nil }
        guard let spec = catalog.spec(for: type) else {
            reportUnknown(type, node, label)
            return nil
        }
        state.spec = spec
        if let lossless = node.lossless {
            if spec.descriptor.traits.contains(.shares) {
                let value = scope.resolve(lossless, as: .boolean, label: "\(label): lossless", bag)
                state.isLossless = value?.value == .boolean(true)
            } else {
                bag.error(
                    lossless.position, "\(label): lossless is for nodes that share their input, and \(type) does not.",
                    advice: "Remove it; a \"block\" edge loses nothing.")
            }
        }
        var plan = NodePlan(
            name: node.name, spec: spec, parameters: [:], lane: state.lane,
            onError: onError.flatMap(NodePlan.OnError.init) ?? .fail, isLossless: state.isLossless,
            position: node.position)
        setParameters(node, spec, label, &plan, &state)
        return plan
    }

    private func setParameters(
        _ node: NodeDocument, _ spec: NodeSpec, _ label: String, _ plan: inout NodePlan, _ state: inout NodeState
    ) {
        let known = Dictionary(spec.parameters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var given: Set<String> = []
        for member in ParameterGroups.flattened(node.parameters, spec.parameters) {
            guard let parameter = known[member.key] else {
                if let group = ParameterGroups.group(of: member.key) {
                    reportUnknown(member, of: group, spec, label)
                    continue
                }
                if let first = spec.parameters.first(where: { ParameterGroups.group(of: $0.name) == member.key }) {
                    bag.error(
                        member.value.position,
                        "\(label): \(member.key) takes an object, found \(member.value.kindName).",
                        advice: "Write { \"\(first.name.dropFirst(member.key.count + 1))\": … }.")
                    continue
                }
                let keys = ParameterGroups.keys(spec.parameters) + ["type", "lane", "on_error", "when"]
                bag.error(
                    member.keyPosition, "\(label): \(spec.type) has no parameter \(quoted(member.key)).",
                    advice: spec.parameters.isEmpty && nearest(to: member.key, in: keys) == nil
                        ? "It has none." : suggestion(for: member.key, in: keys, listing: "It takes"))
                continue
            }
            given.insert(parameter.name)
            guard
                let resolved = scope.resolve(
                    member.value, as: parameter.type, range: parameter.range, label: "\(label): \(parameter.name)",
                    allowsSecret: true, bag)
            else {
                state.open.insert(parameter.name)
                continue
            }
            plan.parameters[parameter.name] = resolved.value
            state.values[parameter.name] = resolved.value
            if resolved.value == nil { state.open.insert(parameter.name) }
            if resolved.isSecret { plan.secrets.insert(parameter.name) }
        }
        for parameter in spec.parameters where !given.contains(parameter.name) {
            if let value = parameter.defaultValue {
                state.values[parameter.name] = value
            } else {
                bag.error(
                    node.position, "\(label): \(spec.type) needs the parameter \(quoted(parameter.name)).",
                    advice: parameter.help.isEmpty ? "Add it." : "Add it: \(parameter.help).")
            }
        }
    }

    private func reportUnknown(_ member: JSONMember, of group: String, _ spec: NodeSpec, _ label: String) {
        let prefix = group.count + 1
        let keys = spec.parameters.filter { ParameterGroups.group(of: $0.name) == group }.map {
            String($0.name.dropFirst(prefix))
        }
        guard !keys.isEmpty else {
            bag.error(member.keyPosition, "\(label): \(spec.type) has no parameter \(quoted(member.key)).")
            return
        }
        let key = String(member.key.dropFirst(prefix))
        bag.error(
            member.keyPosition, "\(label): \(group) has no key \(quoted(key)).",
            advice: suggestion(for: key, in: keys, listing: "Its keys are"))
    }

    /// The text or choice of a key that every node has.
    private func optional(_ json: JSONValue?, _ type: ParameterType, _ label: String) -> String? {
        guard let json, case .string(let text)? = scope.resolve(json, as: type, label: label, bag)?.value else {
            return nil
        }
        if text.isEmpty { bag.error(json.position, "\(label) is empty.", advice: "Give it a name, or leave it out.") }
        return text
    }

    private func reportUnknown(_ type: String, _ node: NodeDocument, _ label: String) {
        if let reason = catalog.unavailability(of: type) {
            bag.error(
                node.typePosition,
                "\(label): the plugin \(reason.plugin) that has the type \(quoted(type)) cannot be used: \(reason.reason).",
                advice: reason.advice)
        } else {
            bag.error(
                node.typePosition, "\(label): there is no node type \(quoted(type)).",
                advice: nearest(to: type, in: catalog.types).map { "Did you mean \(quoted($0))?" }
                    ?? "\"sluice list\" shows the types and the plugins that were found.")
        }
    }
}
