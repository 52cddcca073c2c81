@_spi(Host) import Sluice

enum ListCommand: Subcommand {
    static let help = Help(
        name: "list", summary: "Lists node types, services and graphs, one line each",
        options: [
            .init(name: "--all", value: nil, help: "list the types too that measure the engine itself"),
            Help.pluginPath,
        ],
        example: "sluice list")

    static func run(_ arguments: Arguments) throws -> Int32 {
        if let surplus = arguments.operands.first { throw arguments.error("\"\(surplus)\" is one argument too many.") }
        let catalog = try Surroundings.catalog(arguments)
        let isAll = !arguments.all("--all").isEmpty
        let specs = catalog.types.compactMap(catalog.spec(for:))
        // One width for all groups.
        let width = specs.filter { isAll || $0.role != .bench }.map(\.type.count).max() ?? 0
        for role in NodeRole.allCases where role != .bench || isAll {
            let rows = specs.filter { $0.role == role }.map { spec in
                let gap = String(repeating: " ", count: max(0, width - spec.type.count))
                return ("  \(spec.type)\(gap)", spec.descriptor.summary)
            }
            if !rows.isEmpty { Console.answer("\(title(role))\n" + table(rows)) }
        }
        if specs.isEmpty { Console.answer("Node types\n  none\n") }
        let rows = catalog.unavailableTypes.map { ("  \($0)", "see \"sluice inspect \($0)\"") }
        if !rows.isEmpty { Console.answer("Not available\n" + table(rows)) }
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

    private static func title(_ role: NodeRole) -> String {
        switch role {
        case .source: "Sources"
        case .codec: "Encoders and decoders"
        case .processing: "In between"
        case .transport: "Network"
        case .sink: "Outputs"
        case .bench: "To measure the engine"
        }
    }

    private static func summary(of graph: String, _ locator: GraphLocator) -> String {
        guard let path = try? locator.path(of: graph), let bytes = try? GraphFiles.system.read(path),
            let document = try? GraphLoader.document(bytes, path: path)
        else { return "cannot be read: see \"sluice validate \(graph)\"" }
        return document.summary
    }
}
