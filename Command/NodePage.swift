@_spi(Host) import Sluice

/// Everything that is declared of a node type, as `inspect` prints it.
struct NodePage {
    let spec: NodeSpec
    let plugin: String

    init(_ spec: NodeSpec, plugin: String) {
        self.spec = spec
        self.plugin = plugin
    }

    var text: String {
        var text = "\(spec.type): \(spec.descriptor.summary)\n"
        text += table([("  plugin", plugin), ("  work", work)] + traits.map { ("  trait", $0) })
        text += section("Inputs", spec.inputs.map { row($0, gives: "takes") })
        text += section("Outputs", spec.outputs.map { row($0, gives: "gives") })
        for schema in schemas {
            text += section("Data \(schema.name)", schema.fields.map { ("  \($0.name)", help(of: $0)) })
        }
        text += section("Parameters", spec.parameters.map(row))
        text += section(
            "Controls",
            spec.controlInputs.flatMap { rows($0, "takes") } + spec.controlOutputs.flatMap { rows($0, "sends") })
        text += section("Metrics", spec.metrics.map { ("  \($0.name)", "\($0.help) (\(facts(of: $0)))") })
        if let example = spec.descriptor.example { text += "\nExample\n  \(example)\n" }
        return text
    }

    private func rows(_ control: ControlSpec, _ verb: String) -> [(String, String)] {
        [("  \(verb) \(control.name)", "\(control.help) (\(control.kind.rawValue))")]
            + control.fields.map { ("        .\($0.name)", help(of: $0)) }
    }

    func help(of field: DataSchema.Field) -> String { field.help + (field.isOptional ? " It may be missing." : "") }

    private func section(_ title: String, _ rows: [(String, String)]) -> String {
        let merged = NumberedRows.merged(rows.map { [$0.0, $0.1] }).map { ($0[0], $0[1]) }
        return merged.isEmpty ? "" : "\n\(title)\n" + table(merged)
    }

    /// Of the data that it takes and gives, each once.
    var schemas: [DataSchema] {
        var all: [DataSchema] = []
        for pattern in (spec.inputs + spec.outputs).flatMap(\.formats.patterns) {
            for schema in pattern.schemas ?? [] where !all.contains(where: { $0.name == schema.name }) {
                all.append(schema)
            }
        }
        return all
    }

    var work: String {
        switch spec.descriptor.work {
        case .light: "light: shares a lane"
        case .heavy: "heavy: has a lane of its own unless \"lane\" names one"
        case .blocking: "blocking: has a lane of its own unless \"lane\" names one, and may wait in a call"
        }
    }

    var traits: [String] {
        let all: [(NodeDescriptor.Traits, String)] = [
            (.live, "live: talks to a socket or device, so not under --clock virtual"),
            (.paced, "paced: its lane asks for real-time priority"),
            (.shares, "shares: edges from it drop unless it is \"lossless\""),
            (.joins, "joins: puts its inputs in the order of time"),
            (.keeps, "keeps: what an edge drops before it is said"),
        ]
        return all.filter { spec.descriptor.traits.contains($0.0) }.map(\.1)
    }

    private func row(_ port: PortSpec, gives verb: String) -> (String, String) {
        ("  \(port.name)", "\(verb) \(media(of: port))")
    }

    /// `audio opus`, `what in takes; any number of edges`.
    func media(of port: PortSpec) -> String {
        var words = port.follows.map { "what \($0) takes" } ?? "\(port.formats)"
        var rest = port.variants[...]
        while let first = rest.first {
            let alike = rest.filter { $0.formats == first.formats }
            rest.removeAll { $0.formats == first.formats }
            words += "; \(first.formats) if " + NodePage.conditions(alike)
        }
        if port.isMany { words += "; any number of edges" }
        if port.isOptional { words += "; may be left open" }
        if let buffer = port.buffer {
            words += "; its edge is a buffer of \(buffer.items) items and \(buffer.milliseconds) ms that drops"
        }
        return words
    }

    /// `format is ts or path ends in .ts, .mts, .m2ts`.
    private static func conditions(_ variants: some Collection<FormatSet.Variant>) -> String {
        var groups: [(head: String, values: [String])] = []
        for variant in variants {
            let head = "\(variant.parameter) \(variant.isEnding ? "ends in" : "is")"
            if let index = groups.firstIndex(where: { $0.head == head }) {
                groups[index].values.append("\(variant.value)")
            } else {
                groups.append((head, ["\(variant.value)"]))
            }
        }
        return groups.map { "\($0.head) \($0.values.joined(separator: ", "))" }.joined(separator: " or ")
    }

    private func row(_ parameter: ParameterSpec) -> (String, String) {
        ("  \(parameter.name)", "\(parameter.help) (\(ParameterFacts.of(parameter).joined(separator: ", ")))")
    }

    /// Its kind, and its unit where the name does not say what is counted.
    func facts(of metric: Metric) -> String {
        metric.unit.map { $0 == "count" ? metric.kind.rawValue : "\(metric.kind.rawValue), \($0)" }
            ?? metric.kind.rawValue
    }
}
