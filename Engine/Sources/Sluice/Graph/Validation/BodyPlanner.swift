/// Plans a session together with the templates that it holds: the graph, or an instance of a template.
struct BodyPlanner: Sendable {
    let file: String
    let catalog: any NodeCatalog
    let sources: ParameterSources
    /// Whether what `start` gives is tried out: once for the file, not again for each instance of what is around it.
    var checksStarts = true

    /// `outer` are the templates of the sessions around it, which its nodes may start too. The planner that comes
    /// with the plan knows what of the parent its edges touch.
    func plan(
        _ body: SessionDocument, scope: ParameterScope, parent: SessionView?, outer: [String: TemplateDocument],
        _ bag: DiagnosticBag
    ) -> (SessionPlan, SessionPlanner) {
        let inside = outer.merging(body.templates.map { ($0.name, $0) }) { $1 }
        let planner = SessionPlanner(body, scope: scope, catalog: catalog, parent: parent, templates: inside, bag)
        var plan = planner.plan()
        var used: Set<EndPlan> = []
        var planners: [String: TemplatePlanner] = [:]
        for template in body.templates {
            let inner = TemplatePlanner(
                template: template, bodies: self, outerScope: scope, parent: planner.picture, templates: inside)
            let (outline, ends, nodes) = inner.outline(bag)
            used.formUnion(ends)
            planner.touchedNodes.formUnion(nodes)
            planners[template.name] = inner
            plan.templates[template.name] = inner.plan(outline: outline)
        }
        planner.checkConnections(used: used)
        plan.start = body.start.compactMap { planStart($0, planners, scope, bag) }
        return (plan, planner)
    }

    private func planStart(
        _ start: StartDocument, _ planners: [String: TemplatePlanner], _ scope: ParameterScope, _ bag: DiagnosticBag
    ) -> GraphPlan.Start? {
        let label = "start of \(quoted(start.template))"
        let range = 0...Double(GraphValidator.maximumCount)
        let count = start.count.map {
            scope.resolve($0, as: .integer, range: range, label: "\(label): count", bag)?.value.flatMap(Int.init) ?? 1
        }
        guard let planner = planners[start.template] else {
            bag.error(
                start.templatePosition, "there is no template \(quoted(start.template)).",
                advice: planners.isEmpty
                    ? "Declare it in \"templates\"."
                    : suggestion(for: start.template, in: planners.keys, listing: "The templates are"))
            return nil
        }
        var parameters: [String: ParameterValue] = [:]
        var open: Set<String> = []
        let declared = planner.template.parameters
        let byName = Dictionary(declared.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for member in start.parameters {
            guard let parameter = byName[member.key] else {
                bag.error(
                    member.keyPosition, "\(label): the template has no parameter \(quoted(member.key)).",
                    advice: declared.isEmpty
                        ? "It declares none."
                        : suggestion(for: member.key, in: declared.map(\.name), listing: "It takes"))
                continue
            }
            let resolved = scope.resolve(
                member.value, as: parameter.type, range: parameter.range, label: "\(label): \(parameter.name)", bag)
            parameters[parameter.name] = resolved?.value
            if resolved?.value == nil { open.insert(parameter.name) }
        }
        let needed = declared.filter { parameters[$0.name] == nil && !open.contains($0.name) }
        for parameter in planner.needing(among: needed) {
            bag.error(
                start.position, "\(label): the template's parameter \(quoted(parameter.name)) has no value.",
                advice: "Add \"parameters\": { \(quoted(parameter.name)): … }, or a \"default\" in the template.")
            open.insert(parameter.name)
        }
        if open.isEmpty, checksStarts { bag.add(from: planner.problems(with: parameters)) }
        return GraphPlan.Start(
            template: start.template, count: count ?? 1, parameters: parameters, position: start.position)
    }
}
