@_spi(Host) import Sluice

enum CheckCommand: Subcommand {
    static let help = Help(
        name: "check", summary: "Tries what this machine can do: codecs", operands: "codecs",
        options: [
            .init(name: "--size", value: "1280x720", help: "of the pictures that are encoded, 30 a second"),
            .init(name: "--json", value: nil, help: "the answer as JSON"), Help.pluginPath,
        ],
        details: """
            codecs encodes a second of pattern with each encoder of each node type, one after the other on one thread. It
            tells whether the encoder opens or why not, ms from a picture to its packet, and whether that keeps up. It
            tells profile and level as the stream's own bytes say them. Exit status 1 if no encoder works.
            """,
        example: "sluice check codecs --size 1920x1080")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let subject = try arguments.operand()
        guard subject == "codecs" else {
            throw arguments.error(
                "there is nothing called \"\(subject)\" to check.",
                Spelling.suggestion(for: subject, in: ["codecs"], listing: "It checks"))
        }
        let size = try size(arguments)
        let check = CodecCheck(try Surroundings.catalog(arguments), width: size.width, height: size.height)
        let results = check.results()
        let page = CodecTable(results, width: size.width, height: size.height)
        Console.answer(arguments.all("--json").isEmpty ? page.text : page.json)
        return results.contains { $0.works } ? 0 : 1
    }

    private static func size(_ arguments: Arguments) throws(UsageError) -> (width: Int, height: Int) {
        guard let word = arguments.value("--size") else { return (1_280, 720) }
        let sides = word.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard sides.count == 2, sides.allSatisfy({ 16...8_192 ~= $0 }) else {
            throw arguments.error("--size takes two sides of 16 to 8192 as 1280x720, not \"\(word)\".")
        }
        return (sides[0], sides[1])
    }
}
