import Foundation
import TestSupport
import Testing

/// How sources and pages are written, as far as a program can read it.
@Suite struct WordsTests {
    /// Text of one file, by its path in the repository.
    private struct File {
        let path: String
        let lines: [String]
    }

    /// Of files, in the order of their names; folders are left out.
    private static func paths(in folders: [String]) -> [String] {
        folders.flatMap { folder -> [String] in
            let all = FileManager.default.enumerator(atPath: Built.root.appendingPathComponent(folder).path)
            var found: [String] = []
            while let name = all?.nextObject() as? String {
                if name.hasSuffix(".build") { all?.skipDescendants() }
                guard all?.fileAttributes?[.type] as? FileAttributeType == .typeRegular else { continue }
                found.append(folder + "/" + name)
            }
            return found
        }.sorted()
    }

    private static func files(in folders: [String], ending: String) throws -> [File] {
        try paths(in: folders).filter { $0.hasSuffix(ending) }.map(file)
    }

    private static func file(_ path: String) throws -> File {
        let text = try String(contentsOf: Built.root.appendingPathComponent(path), encoding: .utf8)
        return File(path: path, lines: text.components(separatedBy: "\n"))
    }

    private static var sources: [File] {
        get throws {
            try files(in: ["Engine", "Plugins", "Command", "Tests"], ending: ".swift") + [file("Package.swift")]
        }
    }

    private static var pages: [File] {
        get throws {
            try files(in: ["docs"], ending: ".md") + ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(file)
        }
    }

    /// Scripts, and what C there is.
    private static var scripts: [File] {
        get throws {
            let folders = ["tools", "docs/examples", "Tests/Scripts", "Engine", "Plugins", "Tests/Fuzz/CFuzzer"]
            return try paths(in: folders).filter { path in
                let name = path.split(separator: "/").last ?? ""
                return [".py", ".sh", ".c", ".h", ".modulemap"].contains { name.hasSuffix($0) }
                    || path.hasPrefix("tools/") && !name.contains(".")
            }.map(file)
        }
    }

    // MARK: Length

    @Test func noLineOfSwiftIsLongerThan120ColumnsUnlessItHoldsAText() throws {
        let sources = try Self.sources
        #expect(sources.count > 600)
        for source in sources {
            let long = LineLengths.long(in: source.lines)
            #expect(long.isEmpty, "\(source.path): lines \(long)")
        }
    }

    @Test func noLineOfAPageIsLongerThan120ColumnsUnlessItIsATableOrShowsSomething() throws {
        for page in try Self.pages where page.path != "docs/nodes.md" {
            let long = MarkdownProse(page.lines).long
            #expect(long.isEmpty, "\(page.path): lines \(long)")
        }
    }

    @Test func noFileIsLongerThan600LinesAndHalfOfThemAreShorterThan150() throws {
        // A text that ends with a line feed has no line behind it.
        let lengths = try Self.sources.map { (path: $0.path, count: $0.lines.count - 1) }
        let long = lengths.filter { $0.count > 600 }
        #expect(long.isEmpty, "\(long)")
        let sorted = lengths.map(\.count).sorted()
        #expect(sorted[sorted.count / 2] < 150)
    }

    // MARK: Sentences

    @Test func noSentenceOfACommentBeginsWithAWordThatHidesItsSubject() throws {
        for source in try Self.sources {
            for found in Sentences.hidden(in: CommentBlocks.all(in: source.lines)) {
                Issue.record("\(source.path):\(found)")
            }
        }
    }

    @Test func noSentenceOfACommentInAScriptOrInCBeginsSo() throws {
        let scripts = try Self.scripts
        #expect(scripts.count > 30)
        for script in scripts {
            let documented = script.lines.enumerated().compactMap { line in
                line.element.firstMatch(of: /^ *"""(.+)/).map { TextBlock(line: line.offset + 1, text: String($0.1)) }
            }
            let comments =
                CommentBlocks.all(in: script.lines, mark: "#")
                + CommentBlocks.all(in: script.lines, mark: "//")
            for found in Sentences.hidden(in: comments + documented) { Issue.record("\(script.path):\(found)") }
        }
    }

    @Test func noMessageOrHelpBeginsSo() throws {
        for source in try Self.sources where !source.path.hasPrefix("Tests/") && !source.path.contains("/Tests/") {
            for found in Sentences.hidden(in: TextLiterals.all(in: source.lines)) {
                Issue.record("\(source.path):\(found)")
            }
        }
    }

    @Test func noSentenceOfAPageBeginsWithAWordThatHidesItsSubject() throws {
        let pages = try Self.pages
        #expect(pages.count > 20)
        for page in pages {
            for found in Sentences.hidden(in: MarkdownProse(page.lines).blocks) {
                Issue.record("\(page.path):\(found)")
            }
        }
    }

    @Test func noSummaryOrHelpOfAGraphBeginsSo() throws {
        for graph in try Self.files(in: ["graphs"], ending: ".json") {
            let texts = graph.lines.enumerated().flatMap { line in
                line.element.matches(of: /"(?:summary|help|\$comment|description)": "([^"]*)"/).map {
                    TextBlock(line: line.offset + 1, text: String($0.1))
                }
            }
            for found in Sentences.hidden(in: texts) { Issue.record("\(graph.path):\(found)") }
        }
    }

    // MARK: These checks

    @Test func aLongLineIsFoundUnlessItHoldsAText() {
        let long = String(repeating: "x", count: 121)
        #expect(LineLengths.long(in: [long]) == [1])
        #expect(LineLengths.long(in: [String(long.dropFirst())]).isEmpty)
        #expect(LineLengths.long(in: ["// \"quoted\" " + long, "let a = \"\(long)\""]) == [1])
        #expect(LineLengths.long(in: ["let a = \"\"\"", long, "\"\"\"", long]) == [4])
        #expect(
            MarkdownProse([long, "| \(long) |", "```text", long, "```", "    " + long, "- " + long]).long == [1, 7])
    }

    @Test func aHiddenSubjectIsFoundWhereASentenceBegins() {
        func found(_ lines: String...) -> [String] { Sentences.hidden(in: CommentBlocks.all(in: lines)) }
        #expect(found("/// What it does.") == ["1: What it does."])
        #expect(found("let a = 1", "    // It is so. Who knows?", "// Whoever asks.") == ["3: Whoever asks."])
        #expect(found("/// It goes on.", "/// What follows is lost.") == ["2: What follows is lost."])
        #expect(found("/// It shows", "/// What the user typed.", "let x = \"What\"") == [])
        #expect(found("/// - Parameter a: What it is.") == ["1: What it is."])
        #expect(found("// MARK: What happened") == ["1: What happened"])
        #expect(Sentences.hidden(in: CommentBlocks.all(in: ["#: Whatever it is"], mark: "#")) == ["1: Whatever it is"])
        #expect(Sentences.hidden(in: TextLiterals.all(in: ["say(1, \"What it is\") // \"a\""])) == ["1: What it is"])
        func shown(_ lines: String...) -> [String] { Sentences.hidden(in: MarkdownProse(lines).blocks) }
        #expect(shown("Text. What", "comes goes.") == ["1: What comes goes."])
        #expect(shown("- **What it is.** Text.", "", "## Who calls") == ["1: What it is.", "3: Who calls"])
        #expect(shown("| key | What it is |", "```", "What", "```") == ["1: What it is"])
    }
}
