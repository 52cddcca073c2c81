/// Plans instances of one template: before the start for its checks, and while the graph runs.
struct TemplatePlanner: Sendable {
    let template: TemplateDocument
    let bodies: BodyPlanner
    /// The view of the session that holds it.
    let outerScope: ParameterScope
    let parent: SessionView
    /// Those that nodes of an instance may start, its own aside.
    let templates: [String: TemplateDocument]

    private var file: String { bodies.file }
    private var sources: ParameterSources { bodies.sources }
    private var label: String { "template \(quoted(template.name))" }

    /// An instance with the defaults alone, the ends of the session around that its edges begin at, and the nodes of
    /// that session whose port it could not tell.
    func outline(_ bag: DiagnosticBag) -> (SessionPlan, ends: Set<EndPlan>, nodes: Set<String>) {
        var scope = bindDefaults(number: nil, bag)
        scope.owner = label
        let (plan, planner) = bodies.plan(template.body, scope: scope, parent: parent, outer: templates, bag)
        let ends = planner.edges.map(\.from).filter(\.isParent) + planner.touched.filter(\.isParent)
        return (plan, Set(ends.map(\.inParent)), planner.touchedParents)
    }

    func plan(outline: SessionPlan) -> TemplatePlan {
        var plan = TemplatePlan(name: template.name, instance: { try self.instance($0) })
        plan.summary = template.summary
        plan.position = template.position
        plan.outline = outline
        let quiet = bindDefaults(number: nil, DiagnosticBag(file: file))
        plan.parameters = template.parameters.map {
            ParameterSpec(
                $0.name, $0.type,
                default: quiet.entries[$0.name]?.isSecret == true ? nil : quiet.entries[$0.name]?.value,
                range: $0.range,
                help: $0.help)
        }
        return plan
    }

    /// Those of `parameters` that an instance must be given.
    func needing(among parameters: [ParameterDeclaration]) -> [ParameterDeclaration] {
        guard !parameters.isEmpty else { return [] }
        let bound = bindDefaults(number: nil, DiagnosticBag(file: file)).entries
        return parameters.filter {
            bound[$0.name]?.value == nil && $0.defaultValue == nil && !mayComeLater($0)
        }
    }

    /// Validation leaves open what the environment or a file may give when the graph runs.
    private func mayComeLater(_ parameter: ParameterDeclaration) -> Bool {
        sources.missing == .isOpen && (parameter.environmentVariable != nil || parameter.file != nil)
    }

    /// The mistakes of an instance with these parameters.
    func problems(with parameters: [String: ParameterValue]) -> DiagnosticBag {
        let bag = DiagnosticBag(file: file)
        _ = instance(parameters, bag, isStarting: false)
        return bag
    }

    private func instance(_ parameters: [String: ParameterValue]) throws(GraphError) -> SessionPlan {
        let bag = DiagnosticBag(file: file)
        let plan = instance(parameters, bag, isStarting: true)
        try bag.throwIfFailed()
        return plan
    }

    private func instance(
        _ parameters: [String: ParameterValue], _ bag: DiagnosticBag, isStarting: Bool
    ) -> SessionPlan {
        var parameters = parameters
        let number = parameters.removeValue(forKey: DocumentReader.instanceParameter) ?? .integer(1)
        var scope = bindDefaults(number: number, bag)
        scope.owner = label
        for parameter in template.parameters {
            if let given = parameters.removeValue(forKey: parameter.name) {
                guard let value = parameter.type.convert(given), value.isInside(parameter.range) else {
                    let shown = parameter.isSecret ? "" : ", found \(given.shown)"
                    let wanted = parameter.range.map(describe) ?? parameter.type.wanted
                    bag.error(
                        parameter.position, "\(label): parameter \(quoted(parameter.name)) takes \(wanted)\(shown).")
                    continue
                }
                scope.entries[parameter.name]?.value = value
                if !parameter.isSecret { scope.entries[parameter.name]?.isSecret = false }
            } else if scope.entries[parameter.name]?.value == nil,
                isStarting || parameter.defaultValue == nil && !mayComeLater(parameter)
            {
                bag.error(
                    parameter.position, "\(label): parameter \(quoted(parameter.name)) has no value.",
                    advice: "Give it when an instance is started, or add a \"default\".")
            }
        }
        for name in parameters.keys.sorted() {
            bag.error(
                template.position, "\(label) has no parameter \(quoted(name)).",
                advice: suggestion(for: name, in: template.parameters.map(\.name), listing: "It takes"))
        }
        var bodies = bodies
        bodies.checksStarts = false
        return bodies.plan(template.body, scope: scope, parent: parent, outer: templates, bag).0
    }

    /// The template's parameters over those around it; a default may refer to those and to `${instance}`.
    private func bindDefaults(number: ParameterValue?, _ bag: DiagnosticBag) -> ParameterScope {
        var outer = outerScope
        outer.entries[DocumentReader.instanceParameter] = ParameterScope.Entry(type: .integer, value: number)
        return ParameterBinder(sources: sources, bag: bag, template: label).bind(template.parameters, outer: outer)
    }
}
