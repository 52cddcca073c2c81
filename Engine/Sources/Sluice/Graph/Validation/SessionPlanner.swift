/// Checks and plans one session: the graph's own nodes, or an instance of a template.
///
/// The steps run in the order of the methods in `plan`; each reports all it finds and leaves out what is broken, so
/// that one mistake gives one message.
final class SessionPlanner {
    let document: SessionDocument
    let scope: ParameterScope
    let catalog: any NodeCatalog
    let bag: DiagnosticBag
    /// The session that holds it, where this is a template's.
    let parent: SessionView?
    /// Those that its nodes may start.
    let templates: [String: TemplateDocument]

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
        templates: [String: TemplateDocument] = [:], _ bag: DiagnosticBag
    ) {
        self.document = document.chosen(scope, bag)
        self.scope = scope
        self.catalog = catalog
        self.parent = parent
        self.templates = templates
        self.bag = bag
        picture.owner = scope.owner
    }

    func plan() -> SessionPlan {
        var plan = SessionPlan()
        plan.nodes = document.nodes.compactMap(planNode)
        resolveEdges()
        checkSharing()
        picture.offered = propagateFormats()
        plan.edges = edges.compactMap(planEdge)
        plan.controls = planControls()
        picture.onLanes = document.nodes.compactMap { picture.nodes[$0.name] }.filter { $0.lane != nil }
        checkLanes()
        picture.onLanes += parent?.onLanes ?? []
        return plan
    }

    private func planNode(_ node: NodeDocument) -> NodePlan? {
        let label = "node \(quoted(node.name))"
        var state = NodeState(name: node.name, position: node.position)
        defer { picture.nodes[node.name] = state }
        let pool = pool(node.lane, label)
        state.lane = pool?.name ?? (node.lane?.members == nil ? optional(node.lane, .string, "\(label): lane") : nil)
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
            name: node.name, spec: spec, parameters: [:], lane: pool == nil ? state.lane : nil,
            onError: onError.flatMap(NodePlan.OnError.init) ?? .fail, isLossless: state.isLossless,
            position: node.position)
        plan.pool = pool
        setParameters(node, spec, label, &plan, &state)
        return plan
    }

    private func setParameters(
        _ node: NodeDocument, _ spec: NodeSpec, _ label: String, _ plan: inout NodePlan, _ state: inout NodeState
    ) {
        let filling = ParameterFilling(
            owner: spec.type, label: label, noun: "parameter", otherKeys: ["type", "lane", "on_error", "when"],
            scope: scope, bag: bag)
        let filled = filling.fill(spec.parameters, from: node.parameters, at: node.position)
        plan.parameters = filled.values
        plan.secrets = filled.secrets
        state.values = filled.values
        state.open = filled.open
        for parameter in spec.parameters where filled.places[parameter.name] == nil {
            state.values[parameter.name] = parameter.defaultValue
        }
        for parameter in spec.parameters {
            let place = filled.places[parameter.name] ?? node.position
            checkTemplate(parameter, state.values[parameter.name], at: place, spec, label)
        }
    }

    /// A template that the node starts must be there, declare what it is given, and need nothing else.
    private func checkTemplate(
        _ parameter: ParameterSpec, _ value: ParameterValue?, at position: SourcePosition, _ spec: NodeSpec,
        _ label: String
    ) {
        guard let use = parameter.template, case .string(let name)? = value, !name.isEmpty else { return }
        guard let template = templates[name] else {
            bag.error(
                position, "\(label): \(parameter.name): there is no template \(quoted(name)).",
                advice: self.templates.isEmpty
                    ? "Declare it in \"templates\"."
                    : suggestion(for: name, in: self.templates.keys, listing: "The templates are"))
            return
        }
        let declared = Set(template.parameters.map(\.name))
        for given in use.gives where !declared.contains(given) {
            bag.error(
                position,
                "\(label): \(spec.type) gives each instance the parameter \(quoted(given)), which template \(quoted(name)) does not declare.",
                advice: "Add \"parameters\": { \(quoted(given)): {} } to the template.")
        }
        for needed in template.parameters
        where needed.needsValue && !use.gives.contains(needed.name) {
            bag.error(
                position,
                "\(label): template \(quoted(name)) needs the parameter \(quoted(needed.name)), which \(spec.type) does not give.",
                advice: "Add a \"default\" to it in the template.")
        }
    }

    /// `{ "pool": "viewers", "lanes": 2 }`; nil where that is something else.
    private func pool(_ json: JSONValue?, _ label: String) -> LanePool? {
        guard let json, let members = json.members else { return nil }
        let owner = "\(label): lane"
        var (name, lanes): (String?, Int?) = (nil, nil)
        let range = Double(LanePool.range.lowerBound)...Double(LanePool.range.upperBound)
        for member in members where member.key != "$comment" {
            switch member.key {
            case "pool": name = optional(member.value, .string, "\(owner): pool")
            case "lanes":
                lanes =
                    scope.resolve(member.value, as: .integer, range: range, label: "\(owner): lanes", bag)?.value
                    .flatMap(Int.init) ?? 1
            default:
                bag.error(
                    member.keyPosition, "\(owner) has no key \(quoted(member.key)).",
                    advice: suggestion(for: member.key, in: ["pool", "lanes"], listing: "Its keys are"))
            }
        }
        for key in ["pool", "lanes"] where !members.contains(where: { $0.key == key }) {
            bag.error(
                json.position, "\(owner) has no \(quoted(key)).",
                advice: "Write { \"pool\": \"viewers\", \"lanes\": 2 }, or the name of one lane.")
        }
        return name.flatMap { name in lanes.map { LanePool(name, lanes: $0) } }
    }

    /// The text or choice of a key that every node has.
    private func optional(_ json: JSONValue?, _ type: ParameterValue.Kind, _ label: String) -> String? {
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
                advice: nearest(to: type, in: self.catalog.types).map { "Did you mean \(quoted($0))?" }
                    ?? "\"sluice list\" shows the types and the plugins that were found.")
        }
    }
}
