/// Checks a whole graph against the node types that are present, and plans it.
struct GraphValidator {
    /// Instances that one entry of `start` may ask for.
    static let maximumCount = 10_000

    let document: GraphDocument
    let catalog: any NodeCatalog
    let sources: ParameterSources
    let bag: DiagnosticBag

    /// Throws `GraphError` with every independent error.
    func plan(named name: String) throws(GraphError) -> GraphPlan {
        let scope = ParameterBinder(sources: sources, bag: bag).bind(document.parameters, outer: ParameterScope())
        let root = SessionPlanner(document.body, scope: scope, catalog: catalog, parent: nil, bag)
        let rootPlan = root.plan()
        var used: Set<EndPlan> = []
        var planners: [String: TemplatePlanner] = [:]
        var templates: [String: TemplatePlan] = [:]
        for template in document.templates {
            let planner = TemplatePlanner(
                template: template, file: document.file, graphScope: scope, catalog: catalog, parent: root.picture,
                sources: sources)
            let (outline, ends, nodes) = planner.outline(bag)
            used.formUnion(ends)
            root.touchedNodes.formUnion(nodes)
            planners[template.name] = planner
            templates[template.name] = planner.plan(outline: outline)
        }
        root.checkConnections(used: used)
        let start = document.start.compactMap { planStart($0, planners, scope) }
        let plan = GraphPlan(
            name: name, file: document.file, summary: document.summary, root: rootPlan, templates: templates,
            start: start, warnings: [], lanes: LanePlanner(document, scope, bag).plan(rootPlan, templates))
        warnOfUnused(plan)
        for warning in HoleCheck(plan.root).warnings {
            bag.warning(warning.position, warning.message, advice: warning.advice)
        }
        try bag.throwIfFailed()
        var result = plan
        result.warnings = bag.warningsInFileOrder
        return result
    }

    private func planStart(
        _ start: StartDocument, _ planners: [String: TemplatePlanner], _ scope: ParameterScope
    ) -> GraphPlan.Start? {
        let label = "start of \(quoted(start.template))"
        let range = 0...Double(Self.maximumCount)
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
        for member in start.parameters {
            guard let parameter = declared.first(where: { $0.name == member.key }) else {
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
        for parameter in declared
        where parameters[parameter.name] == nil && !open.contains(parameter.name) && planner.needs(parameter) {
            bag.error(
                start.position, "\(label): the template's parameter \(quoted(parameter.name)) has no value.",
                advice: "Add \"parameters\": { \(quoted(parameter.name)): … }, or a \"default\" in the template.")
            open.insert(parameter.name)
        }
        if open.isEmpty { bag.add(planner.problems(with: parameters)) }
        return GraphPlan.Start(
            template: start.template, count: count ?? 1, parameters: parameters, position: start.position)
    }

    /// A template counts as used when `start` or any parameter of a node names it: that node will start it.
    private func warnOfUnused(_ plan: GraphPlan) {
        var used = Set(document.start.map(\.template))
        for node in plan.root.nodes + plan.templates.values.flatMap(\.outline.nodes) {
            for parameter in node.spec.parameters {
                if case .string(let text)? = node.parameters[parameter.name] ?? parameter.defaultValue {
                    used.insert(text)
                }
            }
        }
        for template in document.templates where !used.contains(template.name) {
            bag.warning(
                template.position, "template \(quoted(template.name)) is never started.",
                advice:
                    "Add { \"template\": \(quoted(template.name)) } to \"start\", or name it in the node that starts it."
            )
        }
    }
}
