import Foundation

/// Words that belong together, from a line of a file on.
struct TextBlock {
    let line: Int
    var text: String
    /// Where the text of each further line begins.
    var breaks: [Int] = []

    /// The file's line that holds the character at `offset`.
    func line(at offset: Int) -> Int { line + breaks.count { $0 <= offset } }

    mutating func add(_ more: Substring) {
        text += " "
        breaks.append(text.count)
        text += more
    }
}

enum LineLengths {
    static let most = 120

    /// Lines over `most` columns. The formatter breaks no texts, so a line of code that holds one may be longer.
    static func long(in lines: [String]) -> [Int] {
        var isInText = false
        var found: [Int] = []
        for (index, line) in lines.enumerated() {
            let wasInText = isInText
            if line.components(separatedBy: "\"\"\"").count % 2 == 0 { isInText.toggle() }
            guard line.count > most, !wasInText, !isInText else { continue }
            let isComment = line.drop { $0 == " " }.hasPrefix("//")
            if isComment || !line.contains("\"") { found.append(index + 1) }
        }
        return found
    }
}

enum CommentBlocks {
    /// Lines of comment that follow each other, without their marks. An empty one parts them. `mark` is `//` or `#`.
    static func all(in lines: [String], mark: String = "//") -> [TextBlock] {
        var found: [TextBlock] = []
        var isOpen = false
        for (index, line) in lines.enumerated() {
            let code = line.drop { $0 == " " }
            let text = code.drop { $0 == mark.first || $0 == ":" }.drop { $0 == " " }
            guard code.hasPrefix(mark), !text.isEmpty else {
                isOpen = false
                continue
            }
            if isOpen {
                found[found.count - 1].add(text)
            } else {
                found.append(TextBlock(line: index + 1, text: String(text)))
                isOpen = true
            }
        }
        return found
    }
}

enum TextLiterals {
    /// The texts of a line of code, as far as they stand in quotes on it.
    static func all(in lines: [String]) -> [TextBlock] {
        lines.enumerated().flatMap { line -> [TextBlock] in
            guard !line.element.drop(while: { $0 == " " }).hasPrefix("//") else { return [] }
            return line.element.matches(of: /"((?:[^"\\]|\\.)*)"/).map {
                TextBlock(line: line.offset + 1, text: String($0.1))
            }
        }
    }
}

/// The text of a page: paragraphs, items, headings and cells, without the blocks that show something.
struct MarkdownProse {
    private(set) var blocks: [TextBlock] = []
    /// Lines over 120 columns outside of tables.
    private(set) var long: [Int] = []

    init(_ lines: [String]) {
        var isShown = false
        var isOpen = false
        for (index, line) in lines.enumerated() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("```") { isShown.toggle() }
            guard !isShown, !text.isEmpty, !text.hasPrefix("```"), !(line.hasPrefix("    ") && !isOpen) else {
                isOpen = false
                continue
            }
            if text.hasPrefix("|") {
                blocks += text.split(separator: "|").map {
                    TextBlock(line: index + 1, text: $0.trimmingCharacters(in: .whitespaces))
                }
                isOpen = false
                continue
            }
            if line.count > LineLengths.most { long.append(index + 1) }
            let marked = text.prefixMatch(of: /(?:#+|[-*]|\d+\.) +/)
            if isOpen, marked == nil {
                blocks[blocks.count - 1].add(text)
            } else {
                blocks.append(TextBlock(line: index + 1, text: String(text[(marked?.endIndex ?? text.startIndex)...])))
            }
            isOpen = !text.hasPrefix("#")
        }
    }
}

enum Sentences {
    /// `line: sentence` of each sentence that begins with what, who, whoever or whatever and asks nothing.
    static func hidden(in blocks: [TextBlock]) -> [String] {
        blocks.flatMap { block in
            block.text.matches(of: /(?:^|[.!?:] )\**(What|Who|Whoever|Whatever)\b/).compactMap { match in
                let rest = block.text[match.1.startIndex...]
                let end = rest.firstIndex { $0 == "." || $0 == "?" }
                if let end, rest[end] == "?" { return nil }
                let sentence = end.map { rest[...$0] } ?? rest
                let offset = block.text.distance(from: block.text.startIndex, to: rest.startIndex)
                return "\(block.line(at: offset)): \(sentence)"
            }
        }
    }
}
