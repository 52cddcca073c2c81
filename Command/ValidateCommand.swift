@_spi(Host) import Sluice

enum ValidateCommand: Subcommand {
    static let help = Help(
        name: "validate", summary: "Checks graphs without running them", operands: "GRAPH…", options: [Help.pluginPath],
        details: "Nothing is opened. Values that hang on a parameter without a default are not checked.",
        example: "sluice validate graphs/*.json")

    static func run(_ arguments: Arguments) throws -> Int32 {
        if arguments.operands.isEmpty { throw arguments.error("GRAPH is missing.") }
        let catalog = try Surroundings.catalog(arguments)
        let sources = try Surroundings.sources(arguments, missing: .isOpen)
        var isValid = true
        for graph in arguments.operands {
            do throws(GraphError) {
                let path = try Surroundings.graphs.path(of: graph)
                let plan = try GraphLoader.load(path: path, catalog: catalog, sources: sources)
                for warning in plan.warnings { Console.say("\(warning)\n") }
                Console.answer("\(path): valid, \(contents(plan))\n")
            } catch {
                isValid = false
                Console.say("\(error)\n")
            }
        }
        if !isValid { Surroundings.say(catalog.refusedUnseen) }
        return isValid ? 0 : 2
    }

    private static func contents(_ plan: GraphPlan) -> String {
        var parts = [counted(plan.root.nodes.count, "node"), counted(plan.root.edges.count, "edge")]
        if plan.templateCount > 0 { parts.append(counted(plan.templateCount, "template")) }
        return parts.joined(separator: ", ")
    }
}

/// `1 node`, `2 nodes`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
