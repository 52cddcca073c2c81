@_spi(Host) import Sluice

enum VersionCommand: Subcommand {
    static let help = Help(
        name: "version", summary: "Tells the version, and the stamp that plugins have to share",
        example: "sluice version")

    static var line: String { "sluice \(version) (engine \(Plugin.engineStamp))\n" }

    static func run(_ arguments: Arguments) throws -> Int32 {
        if let surplus = arguments.operands.first { throw arguments.error("\"\(surplus)\" is one argument too many.") }
        Console.answer(line)
        return 0
    }
}
