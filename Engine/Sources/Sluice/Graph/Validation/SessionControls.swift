/// Control links: a value goes to a live parameter, a request to a request input, a record to a record input.
extension SessionPlanner {
    func planControls() -> [ControlPlan] {
        var first: [EndPlan: [EndPlan: SourcePosition]] = [:]
        return document.controls.compactMap { document in
            guard let plan = plan(document) else { return nil }
            if let earlier = first[plan.from]?[plan.to] {
                bag.error(
                    document.position,
                    "control \"\(document.text)\" is given twice; the first is in line \(earlier.line).",
                    advice: "Remove one of them.")
                return nil
            }
            first[plan.from, default: [:]][plan.to] = document.position
            return plan
        }
    }

    private func plan(_ document: ControlDocument) -> ControlPlan? {
        let label = "control \"\(document.text)\""
        let source = node(document.from, label)
        let target = node(document.to, label)
        if document.from.isParent, document.to.isParent, source != nil, target != nil {
            bag.error(
                document.position, "\(label): both ends are outside of the template.",
                advice: "Move it to the \"controls\" of the graph.")
            return nil
        }
        let output = source.flatMap { controlOutput(document.from, $0, label) }
        let name = output.flatMap { output in target.flatMap { controlInput(document.to, $0, output, label) } }
        let fields = output.flatMap { output in target.flatMap { agree(document, output, $0, name, label) } }
        let combination = planCombination(document, kind: output?.kind, label)
        guard let output, let name, let fields else { return nil }
        return ControlPlan(
            from: EndPlan(node: document.from.node, port: output.name, isParent: document.from.isParent),
            to: EndPlan(node: document.to.node, port: name, isParent: document.to.isParent), kind: output.kind,
            combination: combination, fields: fields, position: document.position)
    }

    /// The fields that are handed over; nil, and an error, where the record lacks what its receiver wants.
    private func agree(
        _ link: ControlDocument, _ output: ControlSpec, _ target: NodeState, _ name: String?, _ label: String
    ) -> [String]? {
        guard output.kind == .record, let name,
            let input = target.spec?.controlInputs.first(where: { $0.name == name })
        else { return [] }
        let missing = output.lacks(for: input)
        guard missing.isEmpty else {
            func named(_ end: EndDocument, _ control: String) -> String {
                EndPlan(node: end.node, port: control, isParent: end.isParent).description
            }
            func list(_ fields: [DataSchema.Field]) -> String { fields.map(\.name).joined(separator: ", ") }
            bag.error(
                link.position,
                "\(label): \(named(link.from, output.name)) gives a record of \(list(output.fields)), \(named(link.to, name)) takes one of \(list(input.fields)).",
                advice: "It lacks \(missing.joined(separator: " and ")).")
            return nil
        }
        return input.fields.map(\.name).filter { wanted in output.fields.contains { $0.name == wanted } }
    }

    private func controlOutput(_ end: EndDocument, _ node: NodeState, _ label: String) -> ControlSpec? {
        guard let spec = node.spec else { return nil }
        let outputs = spec.controlOutputs
        guard let name = end.port else {
            if outputs.count == 1 { return outputs[0] }
            bag.error(
                end.position,
                "\(label): \(end.node) has \(outputs.isEmpty ? "no control output" : "several control outputs and none is named").",
                advice: outputs.isEmpty ? "" : "Write " + alternatives(outputs.map { "\(end.text).\($0.name)" }) + ".")
            return nil
        }
        if let output = outputs.first(where: { $0.name == name }) { return output }
        let isMedia = spec.outputs.contains { $0.name == name }
        bag.error(
            end.position, "\(label): \(end.node) is of type \(spec.type), which has no control output \(quoted(name)).",
            advice: isMedia
                ? "\(quoted(name)) carries media: it belongs in \"edges\"."
                : suggestion(for: name, in: outputs.map(\.name), listing: "Its control outputs are"))
        return nil
    }

    /// The request input or live parameter that takes the output.
    private func controlInput(
        _ end: EndDocument, _ node: NodeState, _ output: ControlSpec, _ label: String
    ) -> String? {
        guard let spec = node.spec else { return nil }
        let live = spec.parameters.filter(\.isLive).map(\.name)
        let values = spec.controlInputs.filter { $0.kind == .value }.map(\.name)
        let fitting =
            output.kind == .value
            ? values + live.filter { !values.contains($0) }
            : spec.controlInputs.filter { $0.kind == output.kind }.map(\.name)
        guard let name = end.port else {
            if fitting.count == 1 { return fitting[0] }
            bag.error(
                end.position,
                "\(label): \(end.node) has \(fitting.isEmpty ? "nothing that takes a \(output.kind.rawValue)" : "several controls and none is named").",
                advice: fitting.isEmpty ? "" : "Write " + alternatives(fitting.map { "\(end.text).\($0)" }) + ".")
            return nil
        }
        if fitting.contains(name) { return name }
        let wanted = output.kind == .value ? "live parameter" : "\(output.kind.rawValue) input"
        let list = suggestion(for: name, in: fitting, listing: "It has")
        let others = spec.controlInputs.first { $0.name == name }?.kind
        if let other = others ?? (live.contains(name) ? .value : nil) {
            bag.error(
                end.position,
                "\(label): \(output.name) is a \(output.kind.rawValue), and \(end.node).\(name) takes a \(other.rawValue).",
                advice: list)
        } else if spec.parameters.contains(where: { $0.name == name }) {
            bag.error(
                end.position, "\(label): \(quoted(name)) of \(spec.type) is fixed at the start.",
                advice: fitting.isEmpty ? "It has no live parameter." : list)
        } else {
            bag.error(
                end.position, "\(label): \(end.node) is of type \(spec.type), which has no \(wanted) \(quoted(name)).",
                advice: fitting.isEmpty ? "It has none." : list)
        }
        return nil
    }

    private func planCombination(_ document: ControlDocument, kind: ControlSpec.Kind?, _ label: String) -> ControlPlan
        .Combination?
    {
        let leaves = document.to.isParent && !document.from.isParent && parent != nil
        guard let json = document.join else {
            if leaves {
                bag.error(
                    document.position, "\(label) leaves the template and does not say how its instances are joined.",
                    advice: kind.map { "Add \"join\": \(Self.combinations($0))." } ?? "Add \"join\".")
            }
            return nil
        }
        guard leaves else {
            bag.error(
                json.position, "\(label): \"join\" is for links that leave a template for $parent.",
                advice: "Remove it.")
            return nil
        }
        let names = ControlPlan.Combination.allCases.map(\.rawValue)
        guard let value = scope.resolve(json, as: .choice(names), label: "\(label): join", bag)?.value,
            let combination = String(value).flatMap(ControlPlan.Combination.init)
        else { return nil }
        if let kind, !ControlPlan.Combination.fitting(kind).contains(combination) {
            bag.error(
                json.position, "\(label): \"join\": \"\(combination.rawValue)\" does not fit a \(kind.rawValue).",
                advice:
                    "\(kind.rawValue.prefix(1).uppercased())\(kind.rawValue.dropFirst())s are joined by \(Self.combinations(kind))."
            )
        }
        return combination
    }

    private static func combinations(_ kind: ControlSpec.Kind) -> String {
        alternatives(ControlPlan.Combination.fitting(kind).map { quoted($0.rawValue) })
    }
}
