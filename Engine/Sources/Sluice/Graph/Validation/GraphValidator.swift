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
        let planner = BodyPlanner(file: document.file, catalog: catalog, sources: sources)
        let (root, _) = planner.plan(document.body, scope: scope, parent: nil, outer: [:], bag)
        let lanes = LanePlanner(document, scope, bag).plan(root)
        warnOfUnused(document.body, root)
        for warning in HoleCheck(root).warnings {
            bag.warning(warning.position, warning.message, advice: warning.advice)
        }
        let services = document.services.compactMap(ServicePlanner(catalog: catalog, scope: scope, bag: bag).plan)
        try bag.throwIfFailed()
        var plan = GraphPlan(
            name: name, file: document.file, summary: document.summary, root: root, warnings: bag.warningsInFileOrder,
            lanes: lanes)
        plan.services = services
        return plan
    }

    /// A template counts as used when `start` or any parameter of a node names it: that node will start it. So does one
    /// that a node names which other parameters would choose, and one that is a choice of a graph's parameter.
    private func warnOfUnused(_ body: SessionDocument, _ plan: SessionPlan) {
        guard !body.templates.isEmpty else { return }
        var used = Set(body.start.map(\.template))
        for parameter in document.parameters {
            if case .choice(let names) = parameter.type { used.formUnion(names) }
        }
        for node in plan.allNodes {
            for parameter in node.spec.parameters {
                if case .string(let text)? = node.parameters[parameter.name] ?? parameter.defaultValue {
                    used.insert(text)
                }
            }
        }
        for node in body.nodes where node.when != nil {
            used.formUnion(node.parameters.compactMap(\.value.string))
        }
        for template in body.templates {
            if !used.contains(template.name) {
                bag.warning(
                    template.position, "template \(quoted(template.name)) is never started.",
                    advice:
                        "Add { \"template\": \(quoted(template.name)) } to \"start\", or name it in the node that starts it."
                )
            }
            if let inner = plan.templates[template.name] { warnOfUnused(template.body, inner.outline) }
        }
    }
}
