@_spi(Host) import Sluice

enum DrawCommand: Subcommand {
    static let help = Help(
        name: "draw", summary: "Draws a graph", operands: "GRAPH",
        options: [
            .init(
                name: "--format", value: "dot|mermaid|svg",
                help: "what to write; otherwise FILE's ending says it, and without FILE it is dot"),
            .init(name: "-o", value: "FILE", help: "write to FILE instead of standard output"),
            Help.pluginPath,
        ],
        example: "sluice draw demo -o demo.svg")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let format: GraphDrawing.Format? = try arguments.choice("--format")
        let output = arguments.value("-o")
        let chosen = try format ?? DrawCommand.format(ofFile: output, arguments)
        let catalog = try Surroundings.catalog(arguments)
        let path = try Surroundings.graphs.path(of: try arguments.operand())
        let plan = try GraphLoader.load(
            path: path, catalog: catalog, sources: try Surroundings.sources(arguments, missing: .isOpen))
        let text = GraphDrawing(plan).text(chosen)
        guard let output else {
            Console.answer(text)
            return 0
        }
        var file = try OutputFile(output, for: "-o", arguments)
        try file.write(text)
        return 0
    }

    /// dot for standard output. A file's name says it, or is refused: a picture that no viewer opens helps nobody.
    private static func format(ofFile name: String?, _ arguments: Arguments) throws(UsageError) -> GraphDrawing.Format {
        guard let name else { return .dot }
        let endings: [(String, GraphDrawing.Format)] = [
            (".svg", .svg), (".mmd", .mermaid), (".mermaid", .mermaid), (".dot", .dot), (".gv", .dot),
        ]
        if let known = endings.first(where: { name.hasSuffix($0.0) }) { return known.1 }
        throw arguments.error(
            "-o \(name): it writes files that end in \(endings.map(\.0).joined(separator: ", ")).",
            "Choose such a name, or say --format.")
    }
}
