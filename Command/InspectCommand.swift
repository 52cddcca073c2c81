@_spi(Host) import Sluice

enum InspectCommand: Subcommand {
    static let help = Help(
        name: "inspect",
        summary:
            "Tells what a node type or a service takes and gives, or a graph's parameters; alone, all types briefly",
        operands: "[TYPE|GRAPH]",
        options: [
            .init(name: "--markdown", value: nil, help: "all that is known, as a page of Markdown"), Help.pluginPath,
        ],
        example: "sluice inspect null-sink")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let type = try arguments.optionalOperand()
        if let type, type.contains("/") || type.hasSuffix(".json") {
            Console.answer(try GraphPage(type).text)
            return 0
        }
        let catalog = try Surroundings.catalog(arguments)
        let isMarkdown = !arguments.all("--markdown").isEmpty
        guard let type else {
            if isMarkdown {
                Console.answer(NodeList(catalog).markdown)
                return 0
            }
            Console.answer(catalog.types.compactMap(catalog.spec(for:)).map(brief).joined())
            Console.answer(
                catalog.serviceNames.compactMap(catalog.service(named:)).map {
                    "\($0.name): \($0.summary) (a service)\n"
                }
                .joined())
            for type in catalog.unavailableTypes { Console.answer("\(type): \(unavailable(type, catalog))") }
            Surroundings.say(catalog.refused)
            return 0
        }
        if let spec = catalog.spec(for: type) {
            let page = NodePage(spec, plugin: catalog.plugin(of: type) ?? "")
            Console.answer(isMarkdown ? page.markdown : page.text)
            if !isMarkdown, let graph = try? Surroundings.graphs.path(of: type) {
                Console.say("A graph has that name too: sluice inspect \(graph)\n")
            }
        } else if let service = catalog.service(named: type) {
            let page = ServicePage(service, plugin: catalog.plugin(ofService: type) ?? "")
            Console.answer(isMarkdown ? page.markdown : page.text)
        } else if let spec = catalog.unavailableSpec(for: type) {
            Console.answer(unavailable(type, catalog) + "\n")
            Console.answer(NodePage(spec, plugin: catalog.unavailability(of: type)?.plugin ?? "").text)
        } else if Surroundings.graphs.names.contains(type) {
            Console.answer(try GraphPage(type).text)
        } else {
            Surroundings.say(catalog.refused)
            throw arguments.error(
                "there is no node type \"\(type)\" and no graph of that name.",
                Spelling.suggestion(
                    for: type, in: catalog.types + catalog.serviceNames + Surroundings.graphs.names,
                    listing: "The types and graphs are"))
        }
        return 0
    }

    private static func unavailable(_ type: String, _ catalog: PluginCatalog) -> String {
        guard let reason = catalog.unavailability(of: type) else { return "" }
        return "not available: \(reason.reason). \(reason.advice)\n"
    }

    /// `relay: Shares … (takes in; gives out…)`
    private static func brief(_ spec: NodeSpec) -> String {
        func ports(_ verb: String, _ ports: [PortSpec]) -> [String] {
            let names = NumberedRows.merged(ports.map { [$0.name + ($0.isMany ? "…" : "")] }).map { $0[0] }
            return names.isEmpty ? [] : [verb + " " + names.joined(separator: ", ")]
        }
        let media = ports("takes", spec.inputs) + ports("gives", spec.outputs)
        return "\(spec.type): \(spec.descriptor.summary) (\(media.joined(separator: "; ")))\n"
    }
}
