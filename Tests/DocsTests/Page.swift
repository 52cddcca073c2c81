import Foundation

/// One page of Markdown, as far as the tests look at it.
struct Page: CustomStringConvertible {
    /// `docs/graph-file.md`
    let path: String
    private(set) var blocks: [Block] = []
    private(set) var links: [String] = []
    /// Code spans outside of blocks.
    private(set) var spans: [String] = []
    /// The anchors of headings.
    private(set) var anchors: Set<String> = []

    var description: String { path }

    struct Block: CustomStringConvertible {
        let page: String
        let line: Int
        let language: String
        var text: String

        var description: String { "\(page):\(line)" }
    }

    /// Every page under `docs/`, and those at the root.
    static var all: [Page] {
        get throws {
            let pages = ["docs", "docs/graphs"].flatMap { folder in
                ((try? Repository.names(in: folder, ending: ".md")) ?? []).map { folder + "/" + $0 }
            }
            return try (pages + Repository.names(in: "", ending: ".md")).map(Page.init)
        }
    }

    init(_ path: String) throws {
        self.path = path
        var open: Block?
        for (index, line) in try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = Block(page: path, line: index + 1, language: String(line.dropFirst(3)), text: "")
                }
            } else if open != nil {
                open!.text += line + "\n"
            } else {
                read(String(line))
            }
        }
    }

    /// The lines that a console block shows below a command; nil if none shows it.
    func answer(to command: String) -> String? {
        for block in blocks where block.language == "console" {
            for entry in ("\n" + block.text).split(separator: "\n$ ", omittingEmptySubsequences: true)
            where entry.hasPrefix(command + "\n") || entry == command {
                let answer = entry.dropFirst(command.count + 1)
                return answer.isEmpty || answer.hasSuffix("\n") ? String(answer) : answer + "\n"
            }
        }
        return nil
    }

    private mutating func read(_ line: String) {
        if line.hasPrefix("#") {
            // As GitHub makes them: lower case, spaces to hyphens, punctuation left out.
            let title = line.drop { $0 == "#" || $0 == " " }.lowercased()
            anchors.insert(
                String(
                    title.map { $0 == " " ? "-" : $0 }.filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }))
        }
        let pieces = line.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
        spans += pieces.indices.filter { $0 % 2 == 1 && $0 + 1 < pieces.count }.map { pieces[$0] }
        let prose = line.replacing(/`[^`]*`/, with: "")
        links += prose.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
    }
}
