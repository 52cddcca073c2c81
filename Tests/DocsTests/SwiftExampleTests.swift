import Testing

/// What docs/ shows of Swift is compiled: each block stands, line for line, in a file in `Examples`.
@Suite struct SwiftExampleTests {
    private static var blocks: [Page.Block] {
        get throws { try Page.all.flatMap(\.blocks).filter { $0.language == "swift" } }
    }

    @Test(arguments: try blocks) func everySwiftExampleIsCompiled(_ block: Page.Block) throws {
        let sources = try Repository.names(in: "Tests/DocsTests/Examples", ending: ".swift").map {
            Self.plain(try Repository.text("Tests/DocsTests/Examples/\($0)"))
        }
        #expect(sources.contains { $0.contains(Self.plain(block.text)) }, "\(block) is in none of the examples")
    }

    /// Without indentation and empty lines.
    private static func plain(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }.filter { !$0.isEmpty }
            .map { $0 + "\n" }.joined()
    }
}
