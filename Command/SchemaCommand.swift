@_spi(Host) import Sluice

enum SchemaCommand: Subcommand {
    static let help = Help(
        name: "schema", summary: "Prints the JSON Schema of graphs that use the plugins present",
        options: [Help.pluginPath],
        details: "With it an editor completes and checks graphs whose \"$schema\" names it.",
        example: "sluice schema > graphs/graph.schema.json")

    static func run(_ arguments: Arguments) throws -> Int32 {
        if let surplus = arguments.operands.first { throw arguments.error("\"\(surplus)\" is one argument too many.") }
        Console.answer(GraphSchema(try Surroundings.catalog(arguments)).text)
        return 0
    }
}
