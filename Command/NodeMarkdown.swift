@_spi(Host) import Sluice

/// Every node type of a catalog as one Markdown page, plugin by plugin: `docs/nodes.md`.
struct NodeList {
    private let catalog: PluginCatalog

    init(_ catalog: PluginCatalog) { self.catalog = catalog }

    var markdown: String {
        let pages = catalog.types.compactMap { type in
            catalog.spec(for: type).map { NodePage($0, plugin: catalog.plugin(of: type) ?? "") }
        }
        let plugins = Dictionary(grouping: pages, by: \.pluginName).sorted { $0.key < $1.key }
        var text = """
            # Node types

            `sluice inspect --markdown` makes this page from what the plugins declare, and `tools/update-docs` writes it
            anew. [graph-file.md](graph-file.md) tells how a graph uses ports, parameters and controls. `lane` and
            `on_error` may be given to every node.

            | type | what it does |
            | --- | --- |

            """
        for page in pages {
            text += "| [`\(page.spec.type)`](#\(page.spec.type)) | \(page.spec.descriptor.summary) |\n"
        }
        for (plugin, pages) in plugins {
            text += "\n## Plugin \(plugin)\n"
            for page in pages { text += "\n" + page.markdown }
        }
        let services = catalog.serviceNames.compactMap(catalog.service(named:))
        if !services.isEmpty { text += "\n## Services\n" }
        for service in services {
            text += "\n" + ServicePage(service, plugin: catalog.plugin(ofService: service.name) ?? "").markdown
        }
        return text
    }
}

extension NodePage {
    /// `Opus` of `…/libOpusPlugin.so`.
    var pluginName: String {
        var name = plugin.split(separator: "/").last.map(String.init) ?? plugin
        if name.hasPrefix("lib") { name.removeFirst(3) }
        if name.hasSuffix("Plugin.so") { name.removeLast(9) }
        return name
    }

    var markdown: String {
        var text = "### \(spec.type)\n\n\(spec.descriptor.summary).\n\n"
        if let example = spec.descriptor.example { text += "```json\n{ \(example) }\n```\n\n" }
        text += ([work] + traits).map { "- \($0)\n" }.joined()
        let ports =
            spec.inputs.map { ["`\($0.name)`", "input", media(of: $0)] }
            + spec.outputs.map { ["`\($0.name)`", "output", media(of: $0)] }
        text += markdownTable(["port", "", "media"], ports)
        for schema in schemas {
            text += markdownTable(
                ["data `\(schema.name)`", "meaning"], schema.fields.map { ["`\($0.name)`", help(of: $0)] })
        }
        text += markdownTable(
            ["parameter", "value", "meaning"],
            spec.parameters.map { ["`\($0.name)`", ParameterFacts.of($0).joined(separator: ", "), $0.help] })
        text += markdownTable(
            ["control", "", "meaning"],
            spec.controlInputs.flatMap { rows($0, "takes") } + spec.controlOutputs.flatMap { rows($0, "sends") })
        text += markdownTable(
            ["metric", "", "meaning"], spec.metrics.map { ["`\($0.name)`", facts(of: $0), $0.help] })
        return text
    }

    private func rows(_ control: ControlSpec, _ verb: String) -> [[String]] {
        [["`\(control.name)`", "\(verb) a \(control.kind.rawValue)", control.help]]
            + control.fields.map { ["`\(control.name).\($0.name)`", "", help(of: $0)] }
    }
}

func markdownTable(_ heads: [String], _ rows: [[String]]) -> String {
    guard !rows.isEmpty else { return "" }
    func line(_ cells: [String]) -> String {
        "| "
            + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
            .joined(separator: " | ") + " |\n"
    }
    return "\n" + line(heads) + line(heads.map { _ in "---" }) + NumberedRows.merged(rows).map(line).joined()
}
