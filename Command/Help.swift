@_spi(Host) import Sluice

/// A command's description of itself; the parser of its arguments works from the same lines.
struct Help {
    let name: String
    /// One sentence without a full stop.
    let summary: String
    /// `GRAPH`, `GRAPH…`, `[TYPE]`; empty for none.
    var operands = ""
    var options: [Option] = []
    var details = ""
    let example: String
    var isHidden = false

    struct Option {
        /// `--for`
        let name: String
        /// The name of its value; nil for a flag.
        let value: String?
        let help: String
        var repeats = false
    }

    static let pluginPath = Option(
        name: "--plugin-path", value: "DIR", help: "look for plugins here too, after SLUICE_PLUGIN_PATH", repeats: true)

    var usage: String {
        (["sluice", name] + (operands.isEmpty ? [] : [operands]) + options.map(\.usage)).joined(separator: " ")
    }

    var text: String {
        var text = "\(summary).\n\nUsage: \(usage)\n"
        if !options.isEmpty {
            text += "\n" + table(options.map { ("  \($0.heading)", $0.help) })
        }
        if !details.isEmpty { text += "\n\(details)\n" }
        return text + "\nExample: \(example)\n"
    }
}

extension Help.Option {
    var heading: String { name + (value.map { " " + $0 } ?? "") }
    var usage: String { "[\(heading)]" + (repeats ? "…" : "") }
}

/// Two columns.
func table(_ rows: [(String, String)]) -> String {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { left, right in
        right.isEmpty ? left + "\n" : left + String(repeating: " ", count: width - left.count + 2) + right + "\n"
    }.joined()
}

enum HelpCommand: Subcommand {
    static let help = Help(
        name: "help", summary: "Explains a command", operands: "[COMMAND]", example: "sluice help run")

    static var overview: String {
        "Sluice runs media graphs.\n\nUsage: sluice COMMAND …\n\n" + table(shown.map { ("  \($0.name)", $0.summary) })
            + places
    }

    private static let places = """

        GRAPH is a file if it holds "/" or ends in ".json". Any other word is a name. It is looked for in ./graphs, in the
        directories of SLUICE_GRAPH_PATH and among the installed graphs. Plugins are looked for beside this command, in the
        directories of SLUICE_PLUGIN_PATH and in those of --plugin-path.

        Example: sluice run demo --for 10s

        """

    /// The commands that people type.
    static var shown: [Help] {
        var all: [Help] = []
        for command in Main.commands where !command.help.isHidden { all.append(command.help) }
        return all
    }

    static func run(_ arguments: Arguments) throws -> Int32 {
        guard let name = try arguments.optionalOperand() else {
            Console.answer(overview)
            return 0
        }
        guard let command = Main.commands.first(where: { $0.help.name == name }) else {
            throw UsageError(
                "sluice help: there is no command \"\(name)\".",
                Spelling.suggestion(
                    for: name, in: shown.map(\.name), listing: "The commands are"))
        }
        Console.answer(command.help.text)
        return 0
    }
}
