/// Checks and plans the `services` section.
struct ServicePlanner {
    let catalog: any NodeCatalog
    let scope: ParameterScope
    let bag: DiagnosticBag

    /// nil where it is not set up, or where that is an error.
    func plan(_ document: ServiceDocument) -> ServicePlan? {
        let label = "service \(quoted(document.name))"
        guard let spec = catalog.service(named: document.name) else {
            let known = catalog.serviceNames
            bag.error(
                document.position, "there is no \(label).",
                advice: known.isEmpty
                    ? "No plugin that was found provides a service that graphs set up."
                    : suggestion(for: document.name, in: known, listing: "The services are"))
            return nil
        }
        let filling = ParameterFilling(
            owner: document.name, label: label, noun: "setting", otherKeys: [], scope: scope, bag: bag)
        let result = filling.fill(spec.settings, from: document.settings, at: document.position)
        if let when = document.when, !WhenCheck(scope: scope, bag: bag).holds(when, label) { return nil }
        return ServicePlan(spec, settings: result.values, secrets: result.secrets, position: document.position)
    }
}
