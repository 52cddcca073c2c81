import Glibc
@_spi(Host) import Sluice

/// The command `sluice`. Exit status 0: ran and finished; 1: the run failed; 2: the input was wrong.
enum Main {
    static let commands: [any Subcommand.Type] = [
        RunCommand.self, ServeCommand.self, ListCommand.self, ValidateCommand.self, InspectCommand.self,
        SchemaCommand.self, DrawCommand.self, LatencyCommand.self, CheckCommand.self, TimingCommand.self,
        SpoolCommand.self, VersionCommand.self, HelpCommand.self, ManifestCommand.self,
    ]

    static func main() {
        Console.prepare()
        let status = status(of: Array(CommandLine.arguments.dropFirst()))
        Console.drain()
        exit(status)
    }

    private static func status(of words: [String]) -> Int32 {
        do {
            try refuseWhatIsNoText()
            let status = try start(words)
            return max(status, statusOfAnswer())
        } catch {
            Console.say(printable("\(error)\n"))
            return self.status(after: error)
        }
    }

    /// Swift puts U+FFFD where an argument is no UTF-8: a name of a file would lead to another one.
    private static func refuseWhatIsNoText() throws(UsageError) {
        for index in 0..<Int(CommandLine.argc) {
            guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else { continue }
            throw UsageError(
                "sluice: the argument \"\(String(cString: word))\" is not UTF-8.",
                "Names of files have to be UTF-8 here: rename the file, or let a link lead to it (ln -s).")
        }
    }

    static func status(after error: any Error) -> Int32 {
        switch error {
        case is UsageError: 2
        case let error as GraphError: error.isInputError ? 2 : 1
        case let error as NodeError: error.isInputError ? 2 : 1
        default: 1
        }
    }

    /// A reader that has left, as `head` does, has what it wanted.
    private static func statusOfAnswer() -> Int32 {
        let code = Console.answerError
        guard code != 0, code != EPIPE else { return 0 }
        Console.say("standard output cannot be written: \(errorText(code)).\n")
        return 1
    }

    private static func start(_ words: [String]) throws -> Int32 {
        guard let first = words.first else {
            Console.say(HelpCommand.overview)
            return 2
        }
        switch first {
        case "-h", "--help": return answer(HelpCommand.overview)
        case "--version": return answer(VersionCommand.line)
        default: break
        }
        guard let command = commands.first(where: { $0.help.name == first }) else {
            let kind = first.hasPrefix("-") ? "option" : "command"
            throw UsageError(
                "sluice: there is no \(kind) \"\(first)\".",
                Spelling.suggestion(
                    for: first, in: HelpCommand.shown.map(\.name), listing: "The commands are"))
        }
        let rest = Array(words.dropFirst())
        if rest.contains("--help") || rest.contains("-h") { return try explain(command, rest) }
        return try command.run(Arguments(rest, of: command.help))
    }

    /// `run GRAPH --help` asks for that graph's parameters.
    private static func explain(_ command: any Subcommand.Type, _ words: [String]) throws -> Int32 {
        let others = words.filter { $0 != "--help" && $0 != "-h" }
        guard command.takesParameters, let graph = try Arguments(others, of: command.help).operands.first else {
            return answer(command.help.text)
        }
        let page = try GraphPage(graph)
        return answer(page.text + "\n\"sluice help \(command.help.name)\" tells of the options.\n")
    }

    private static func answer(_ text: String) -> Int32 {
        Console.answer(text)
        return 0
    }
}

let version = "0.1.0"

/// One command: its help, and what it does. Returns the exit status.
protocol Subcommand: SendableMetatype {
    static var help: Help { get }
    static func run(_ arguments: Arguments) throws -> Int32
}

extension Subcommand {
    /// It runs a graph with the values of --set.
    static var takesParameters: Bool { help.options.contains { $0.name == "--set" } }
}

/// The command line cannot be understood: exit status 2.
struct UsageError: Error, CustomStringConvertible {
    let message: String
    let advice: String

    init(_ message: String, _ advice: String = "") {
        self.message = message
        self.advice = advice
    }

    var description: String { advice.isEmpty ? message : "\(message)\n  \(advice)" }
}
