/// Control links: a value goes to a live parameter, a request to a request input.
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
        let join = planJoin(document, kind: output?.kind, label)
        guard let output, let name else { return nil }
        return ControlPlan(
            from: EndPlan(node: document.from.node, port: output.name, isParent: document.from.isParent),
            to: EndPlan(node: document.to.node, port: name, isParent: document.to.isParent), kind: output.kind,
            join: join,
            position: document.position)
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
        let requests = spec.controlInputs.filter { $0.kind == .request }.map(\.name)
        let fitting = output.kind == .value ? values + live.filter { !values.contains($0) } : requests
        guard let name = end.port else {
            if fitting.count == 1 { return fitting[0] }
            bag.error(
                end.position,
                "\(label): \(end.node) has \(fitting.isEmpty ? "nothing that takes a \(output.kind.rawValue)" : "several controls and none is named").",
                advice: fitting.isEmpty ? "" : "Write " + alternatives(fitting.map { "\(end.text).\($0)" }) + ".")
            return nil
        }
        if fitting.contains(name) { return name }
        let wanted = output.kind == .value ? "live parameter" : "request input"
        let list = suggestion(for: name, in: fitting, listing: "It has")
        if values.contains(name) || live.contains(name) || requests.contains(name) {
            let other: ControlSpec.Kind = output.kind == .value ? .request : .value
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

    private func planJoin(_ document: ControlDocument, kind: ControlSpec.Kind?, _ label: String) -> ControlPlan.Join? {
        let leaves = document.to.isParent && !document.from.isParent && parent != nil
        guard let json = document.join else {
            if leaves {
                bag.error(
                    document.position, "\(label) leaves the template and does not say how its instances are joined.",
                    advice: kind == .request
                        ? "Add \"join\": \"any\"."
                        : kind == .value
                            ? "Add \"join\": \"min\", \"max\" or \"last\"." : "Add \"join\".")
            }
            return nil
        }
        guard leaves else {
            bag.error(
                json.position, "\(label): \"join\" is for links that leave a template for $parent.",
                advice: "Remove it.")
            return nil
        }
        let names = ControlPlan.Join.allCases.map(\.rawValue)
        guard let value = scope.resolve(json, as: .choice(names), label: "\(label): join", bag)?.value,
            let join = String(value).flatMap(ControlPlan.Join.init)
        else { return nil }
        if let kind, (kind == .request) != (join == .any) {
            bag.error(
                json.position, "\(label): \"join\": \"\(join.rawValue)\" does not fit a \(kind.rawValue).",
                advice: kind == .request
                    ? "Requests are joined by \"any\"." : "Values are joined by \"min\", \"max\" or \"last\".")
        }
        return join
    }
}
