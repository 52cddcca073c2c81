import Foundation
import TestSupport
import Testing

/// The Swift in docs/ is compiled: each block stands, line for line, in a file in `Examples`, or is what
/// `tools/new-plugin` writes, which tests of its own build and run.
@Suite struct SwiftExampleTests {
    private static var blocks: [Page.Block] {
        get throws { try Page.all.flatMap(\.blocks).filter { $0.language == "swift" } }
    }

    @Test(arguments: try blocks) func everySwiftExampleIsCompiled(_ block: Page.Block) throws {
        let folder = try Scratch()
        let made = try [("Gain", []), ("Mirror", ["--video"])].flatMap { name, options in
            let directory = folder.url.appending(path: name)
            let script = try CommandRun(
                options + [name, directory.path], executable: Repository.root.appending(path: "tools/new-plugin"))
            #expect(script.status == 0, "\(script.errors)")
            let files = [
                "Package.swift", "Sources/\(name)Plugin/\(name).swift", "Tests/\(name)Tests/\(name)Tests.swift",
            ]
            return try files.map {
                try String(contentsOf: directory.appending(path: $0), encoding: .utf8)
                    .replacing(Repository.root.path, with: "/path/to/sluice")
            }
        }
        let examples = try Repository.names(in: "Tests/DocsTests/Examples", ending: ".swift").map {
            Self.plain(try Repository.text("Tests/DocsTests/Examples/\($0)"))
        }
        let sources = examples + made.map(Self.plain)
        #expect(sources.contains { $0.contains(Self.plain(block.text)) }, "\(block) is in none of the examples")
    }

    /// Without indentation and empty lines.
    private static func plain(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }.filter { !$0.isEmpty }
            .map { $0 + "\n" }.joined()
    }
}
