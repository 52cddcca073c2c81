/// Swift source as words and marks, comments and the text of strings left out. The text of an interpolation is code.
struct SwiftTokens {
    enum Token: Equatable {
        case word(String)
        case mark(Character)
    }

    private(set) var all: [Token] = []
    /// Places in `all` of those that stand behind a doc comment.
    private(set) var documented: Set<Int> = []
    private let text: [Character]
    private var at = 0

    init(_ source: String) {
        text = Array(source)
        while at < text.count { step() }
    }

    private func starts(with words: String) -> Bool {
        let words = Array(words)
        return at + words.count <= text.count && text[at..<at + words.count].elementsEqual(words)
    }

    private mutating func step() {
        let character = text[at]
        if starts(with: "//") {
            if starts(with: "///") { documented.insert(all.count) }
            while at < text.count, text[at] != "\n" { at += 1 }
        } else if starts(with: "/*") {
            skipComment()
        } else if character == "\"" || character == "#" && isRawString {
            skipString()
        } else if character.isLetter || character == "_" {
            var word = ""
            while at < text.count, text[at].isLetter || text[at].isNumber || text[at] == "_" {
                word.append(text[at])
                at += 1
            }
            all.append(.word(word))
        } else {
            if !character.isWhitespace { all.append(.mark(character)) }
            at += 1
        }
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                at += 2
            } else if starts(with: "*/") {
                depth -= 1
                at += 2
            } else {
                at += 1
            }
        } while depth > 0 && at < text.count
    }

    private var isRawString: Bool {
        var end = at
        while end < text.count, text[end] == "#" { end += 1 }
        return end < text.count && text[end] == "\""
    }

    private mutating func skipString() {
        var hashes = ""
        while text[at] == "#" {
            hashes.append("#")
            at += 1
        }
        let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        at += quote.count
        while at < text.count, !starts(with: quote + hashes) {
            if starts(with: "\\" + hashes + "(") {
                at += hashes.count + 2
                interpolate()
            } else if starts(with: "\\" + hashes) {
                at += hashes.count + 2
            } else {
                at += 1
            }
        }
        at += quote.count + hashes.count
    }

    private mutating func interpolate() {
        var depth = 1
        while at < text.count, depth > 0 {
            if text[at] == "(" { depth += 1 }
            if text[at] == ")" { depth -= 1 }
            if depth > 0 { step() } else { at += 1 }
        }
    }

    static let kinds: Set<String> = ["class", "struct", "enum", "protocol", "typealias", "actor"]

    /// Types that other files may name: declared at the top, not private.
    static func types(in tokens: [Token]) -> [String] {
        var depth = 0
        var found: [String] = []
        for (index, token) in tokens.enumerated() {
            if token == .mark("{") { depth += 1 }
            if token == .mark("}") { depth -= 1 }
            guard depth == 0, case .word(let kind) = token, kinds.contains(kind), index + 1 < tokens.count,
                case .word(let name) = tokens[index + 1], name.first?.isUppercase == true,
                !tokens[max(0, index - 3)..<index].contains(where: {
                    $0 == .word("private") || $0 == .word("fileprivate")
                })
            else { continue }
            found.append(name)
        }
        return found
    }

    /// Every type and case that a file declares, at whatever depth.
    static func declared(in tokens: [Token]) -> Set<String> {
        var found = Set<String>()
        for (index, token) in tokens.enumerated() where index + 1 < tokens.count {
            guard case .word(let kind) = token, kinds.contains(kind) || kind == "case",
                case .word(let name) = tokens[index + 1]
            else { continue }
            found.insert(name)
        }
        return found
    }
}
