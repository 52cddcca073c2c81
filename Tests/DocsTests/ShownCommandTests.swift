import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// Each command that a page shows is one that works: its options are there, its graph takes the values that it gives,
/// and where no network, device or file of the reader's is needed it runs.
@Suite struct ShownCommandTests {
    struct Shown: CustomStringConvertible {
        let page: String
        let words: [String]
        /// The lines below it.
        let answer: String

        var description: String { "\(page): \(words.joined(separator: " "))" }

        func values(of option: String) -> [String] {
            words.indices.dropLast().filter { words[$0] == option }.map { words[$0 + 1] }
        }
    }

    /// Words of a shell's line, without what is not the command's own.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for character in line.split(separator: " #").first ?? line {
            if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            } else if quote == nil, character == " " {
                words.append(word)
                word = ""
            } else {
                word.append(character)
            }
        }
        return (words + [word]).filter { !$0.isEmpty && !["&", "\\", "2>/dev/null"].contains($0) }
    }

    private static var shown: [Shown] {
        get throws {
            var all: [Shown] = []
            for page in try Page.all {
                for block in page.blocks where ["console", "sh", "bash"].contains(block.language) {
                    let isConsole = block.language == "console"
                    let text = isConsole ? "\n" + block.text : "\n$ " + block.text.replacing("\n", with: "\n$ ")
                    for entry in text.split(separator: "\n$ ") {
                        let lines = entry.split(separator: "\n", maxSplits: 1)
                        guard let first = lines.first else { continue }
                        let answer = lines.count > 1 ? String(lines[1]) : ""
                        all.append(Shown(page: page.path, words: words(first), answer: answer))
                    }
                }
            }
            return all
        }
    }

    static var ofSluice: [Shown] {
        get throws {
            try shown.filter { ["sluice", "tools/sluice"].contains($0.words.first) && $0.words.count > 1 }
        }
    }

    static var ofTools: [Shown] {
        get throws {
            var all = try shown.filter { $0.words.first?.hasPrefix("tools/") == true }
            for page in try Page.all {
                for span in page.spans where span.hasPrefix("tools/") && !span.contains(".") && span != "tools/" {
                    all.append(Shown(page: page.path, words: words(Substring(span)), answer: ""))
                }
            }
            return all
        }
    }

    @Test(arguments: try ofSluice) func anOptionIsOneOfItsCommand(_ command: Shown) throws {
        guard !command.answer.contains("there is no command") else { return }
        let help = try Repository.sluice("help", command.words[1])
        #expect(help.status == 0, "\(command)")
        for word in command.words.dropFirst(2) where word.hasPrefix("-") {
            #expect(help.output.contains("  \(word) ") || help.output.contains("  \(word)\n"), "\(command)")
        }
    }

    /// A graph of the repository with the values that the line gives it.
    private func plan(_ command: Shown) throws -> GraphPlan? {
        guard ["run", "latency"].contains(command.words[1]), command.words.count > 2,
            try Repository.graphs.contains(command.words[2])
        else { return nil }
        let pairs = command.values(of: "--set").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let values = Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0.count > 1 ? $0[1] : "") })
        return try GraphLoader.load(
            path: Repository.root.appending(path: "graphs/\(command.words[2]).json").path,
            catalog: PluginCatalog(directories: [Built.directory.path]),
            sources: ParameterSources(
                overrides: values, environment: { _ in nil }, readFile: GraphFiles.system.read, missing: .isOpen))
    }

    @Test(arguments: try ofSluice) func aGraphTakesTheValuesAndRunsWhereNothingElseIsNeeded(_ command: Shown) throws {
        guard let plan = try plan(command) else { return }
        let given = command.values(of: "--set").map { $0.prefix { $0 != "=" } }
        let needsMore =
            given.contains { ["input", "file", "sdp"].contains($0) } || command.words[2] == "record"
            || plan.allNodes.contains { $0.spec.descriptor.traits.contains(.live) || $0.spec.type == "av-segments" }
        guard command.words[1] == "run", !needsMore, !command.answer.contains("See \"sluice help") else { return }
        var words = command.words.dropFirst().filter { !$0.hasPrefix(">") }
        if let place = words.firstIndex(of: "--for") { words.removeSubrange(place...(place + 1)) }
        if !words.contains("--clock") { words += ["--clock", "virtual"] }
        let scratch = try Scratch()
        let run = try CommandRun(
            words + ["--for", "300ms"], in: scratch.url,
            environment: ["SLUICE_GRAPH_PATH": Repository.root.appending(path: "graphs").path])
        #expect(run.status == 0, "\(command): \(run.errors)")
    }

    @Test(arguments: try ofTools) func aScriptIsThereAndKnowsItsOptions(_ command: Shown) throws {
        let script = command.words[0]
        #expect(
            FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: script).path), "\(command)")
        guard !["tools/run", "tools/sluice", "tools/bench"].contains(script) else { return }
        let text = try Repository.text(script)
        for word in command.words.dropFirst() where word.hasPrefix("-") && script != "tools/prove" {
            #expect(text.contains(word) || script == "tools/fuzz", "\(command)")
        }
    }
}
