import Foundation
import TestSupport
import Testing

/// Pages that a newcomer follows from the top to the bottom: their files are written and their commands run, in order
/// and in one directory, and each prints what the page shows. Numbers may differ, and `…` stands for any lines.
@Suite struct WalkthroughTests {
    private enum Step {
        case file(name: String, text: String)
        case command(words: [String], shown: String, line: Int)
    }

    /// A block after "Write `NAME.json`" is that file; a line `$ sluice …` in a console block is a command.
    private func steps(of path: String) throws -> [Step] {
        let page = try Page(path)
        let lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
        var steps: [Step] = []
        for block in page.blocks {
            let before = lines[..<(block.line - 1)].suffix(12).joined(separator: " ")
            if block.language == "json" || block.language == "text",
                let name = before.matches(of: /Write `([a-z]+\.json)`/).last?.1
            {
                if case .file(name: String(name), text: _)? = steps.last { continue }
                steps.append(.file(name: String(name), text: block.text))
            }
            guard block.language == "console" else { continue }
            for entry in ("\n" + block.text).split(separator: "\n$ ", omittingEmptySubsequences: true) {
                let parts = entry.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
                var words = parts[0].split(separator: " ").map(String.init)
                switch words.removeFirst() {
                case "sluice", "tools/sluice": break
                case "tools/run": words.insert("run", at: 0)
                default: continue
                }
                let shown = parts.count > 1 ? String(parts[1]) : ""
                steps.append(
                    .command(
                        words: words, shown: shown.isEmpty || shown.hasSuffix("\n") ? shown : shown + "\n",
                        line: block.line))
            }
        }
        return steps
    }

    private func plain(_ text: String) -> String { text.replacing(/[0-9][0-9,.]*[0-9]|[0-9]/, with: "0") }

    @Test(arguments: ["README.md", "docs/tutorial.md"]) func everyCommandOfAPagePrintsWhatThePageShows(_ page: String)
        throws
    {
        let scratch = try Scratch()
        var commands = 0
        for step in try steps(of: page) {
            switch step {
            case .file(let name, let text): try scratch.write(name, text)
            case .command(let words, let shown, let line):
                commands += 1
                let run = try CommandRun(
                    words, in: scratch.url,
                    environment: ["SLUICE_GRAPH_PATH": Repository.root.appending(path: "graphs").path])
                let said = plain(run.output + run.errors)
                let wanted = plain(shown)
                let isRight =
                    wanted.hasSuffix("…\n") ? said.hasPrefix(wanted.dropLast(2)) : said == wanted
                #expect(isRight, "\(page):\(line): sluice \(words.joined(separator: " ")) prints\n\(said)")
            }
        }
        #expect(commands > 3)
    }
}
