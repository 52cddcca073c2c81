@_spi(Host) import Sluice

enum ListCommand: Subcommand {
    static let help = Help(
        name: "list", summary: "Lists node types, services and graphs, one line each", options: [Help.pluginPath],
        example: "sluice list")

    static func run(_ arguments: Arguments) throws -> Int32 {
        if let surplus = arguments.operands.first { throw arguments.error("\"\(surplus)\" is one argument too many.") }
        let catalog = try Surroundings.catalog(arguments)
        var rows = catalog.types.map { ("  \($0)", catalog.spec(for: $0)?.descriptor.summary ?? "") }
        rows += catalog.unavailableTypes.map { ("  \($0)", "not available: see \"sluice inspect \($0)\"") }
        Console.answer("Node types\n" + (rows.isEmpty ? "  none\n" : table(rows)))
        let services = catalog.serviceNames.compactMap { name in
            catalog.service(named: name).map { ("  \(name)", $0.summary) }
        }
        if !services.isEmpty { Console.answer("Services\n" + table(services)) }
        let locator = Surroundings.graphs
        let graphs = locator.names.map { ("  \($0)", summary(of: $0, locator)) }
        Console.answer("Graphs\n" + (graphs.isEmpty ? "  none\n" : table(graphs)))
        Surroundings.say(catalog.refused)
        return 0
    }

    private static func summary(of graph: String, _ locator: GraphLocator) -> String {
        guard let path = try? locator.path(of: graph), let bytes = try? GraphFiles.system.read(path),
            let document = try? GraphLoader.document(bytes, path: path)
        else { return "cannot be read: see \"sluice validate \(graph)\"" }
        return document.summary
    }
}
