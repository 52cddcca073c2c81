import Testing

@Suite struct GeneratedTests {
    @Test func theListOfNodeTypesIsCurrent() throws {
        let isCurrent = try Repository.text("docs/nodes.md") == Repository.sluice("inspect", "--markdown").output
        #expect(isCurrent, "run tools/update-docs")
    }

    @Test func theSchemaIsCurrent() throws {
        let isCurrent = try Repository.text("graphs/graph.schema.json") == Repository.sluice("schema").output
        #expect(isCurrent, "run tools/update-docs")
    }

    /// A block that begins with `$ sluice COMMAND` shows what these commands print.
    @Test(arguments: ["help", "help run", "help list", "help validate", "help inspect", "help schema", "help draw", "list"])
    func theCommandLinePageShowsWhatTheCommandPrints(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let answer = try words.count == 2 ? Repository.sluice(words[0], words[1]) : Repository.sluice(words[0])
        let shown = try Page("docs/command-line.md").blocks.contains {
            $0.text == "$ sluice \(command)\n" + answer.output
        }
        #expect(shown, "run tools/update-docs")
    }
}
