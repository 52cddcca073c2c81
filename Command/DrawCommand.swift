@_spi(Host) import Sluice

enum DrawCommand: Subcommand {
    static let help = Help(
        name: "draw", summary: "Draws a graph", operands: "GRAPH",
        options: [
            .init(name: "--format", value: "dot|mermaid|svg", help: "what to write; dot, or what FILE's name ends in"),
            .init(name: "-o", value: "FILE", help: "write to FILE instead of standard output"),
            Help.pluginPath,
        ],
        example: "sluice draw demo -o demo.svg")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let format: GraphDrawing.Format? = try arguments.choice("--format")
        let catalog = try Surroundings.catalog(arguments)
        let path = try Surroundings.graphs.path(of: try arguments.operand())
        let plan = try GraphLoader.load(
            path: path, catalog: catalog, sources: try Surroundings.sources(arguments, missing: .isOpen))
        let output = arguments.value("-o")
        let text = GraphDrawing(plan).text(format ?? self.format(ofFile: output ?? ""))
        guard let output else {
            Console.answer(text)
            return 0
        }
        var file = try OutputFile(output, for: "-o", arguments)
        try file.write(text)
        return 0
    }

    private static func format(ofFile name: String) -> GraphDrawing.Format {
        if name.hasSuffix(".svg") { return .svg }
        return name.hasSuffix(".mmd") || name.hasSuffix(".mermaid") ? .mermaid : .dot
    }
}
