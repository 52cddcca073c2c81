/// The public declarations of a source that stand at the top of the file or in a public type, with their doc comments.
struct DocComments {
    struct Declaration {
        let kind: String
        /// `init(rawValue`, `take`, `==`: with the first label where it is an initializer.
        let name: String
        let isOverride: Bool
        let isDocumented: Bool
        /// The types and protocols that the head of the type or extension around it names.
        let around: Set<String>
        let isRequirement: Bool
    }

    private struct Scope {
        var kind: String
        var names: Set<String> = []
        var isPublic = false
        var isHidden = false
    }

    private static let types: Set<String> = ["class", "struct", "enum", "protocol", "actor", "extension"]
    private static let members: Set<String> = [
        "func", "var", "let", "init", "subscript", "typealias", "associatedtype",
    ]
    private static let modifiers: Set<String> = [
        "public", "open", "package", "internal", "private", "fileprivate", "static", "class", "final", "override",
        "mutating", "nonmutating", "convenience", "required", "indirect", "borrowing", "consuming", "lazy", "weak",
        "unowned", "nonisolated",
    ]

    private(set) var all: [Declaration] = []
    private let source: SwiftTokens
    private var tokens: [SwiftTokens.Token] { source.all }
    private var scopes = [Scope(kind: "file")]

    init(_ text: String) {
        source = SwiftTokens(text)
        var next: Scope?
        for index in tokens.indices {
            switch tokens[index] {
            case .mark("{"):
                scopes.append(next ?? Scope(kind: "code"))
                next = nil
            case .mark("}"): if scopes.count > 1 { scopes.removeLast() }
            case .word(let kind) where isDeclaration(kind, at: index): next = note(kind, at: index) ?? next
            default: break
            }
        }
    }

    private func isDeclaration(_ kind: String, at index: Int) -> Bool {
        let isType = Self.types.contains(kind)
        guard isType || Self.members.contains(kind), scopes[scopes.count - 1].kind != "code" else { return false }
        // `class func`, `.init(`, `any P.Type`.
        if isType, word(index + 1).map({ Self.modifiers.union(Self.members).contains($0) }) ?? true { return false }
        return index == 0 || ![.mark("."), .mark(":"), .mark("`")].contains(tokens[index - 1])
    }

    private func word(_ index: Int) -> String? {
        guard tokens.indices.contains(index), case .word(let word) = tokens[index] else { return nil }
        return word
    }

    /// Adds a public declaration. Returns the scope that a type opens.
    private mutating func note(_ kind: String, at index: Int) -> Scope? {
        var (start, words) = (index, Set<String>())
        while start > 0 {
            var at = start - 1
            if tokens[at] == .mark(")"), let open = tokens[..<at].lastIndex(of: .mark("(")), open > 0 { at = open - 1 }
            guard let name = word(at) else { break }
            let isAttribute = at > 0 && tokens[at - 1] == .mark("@")
            guard isAttribute || Self.modifiers.contains(name) else { break }
            words.insert(name)
            start = isAttribute ? at - 1 : at
        }
        let around = scopes[scopes.count - 1]
        let isHidden = around.isHidden || words.contains("_spi")
        let isRequirement = around.kind == "protocol" && around.isPublic
        let isPublic = words.contains("public") || words.contains("open") || isRequirement
        if isPublic && !isHidden && kind != "extension" {
            all.append(
                Declaration(
                    kind: kind, name: name(of: kind, at: index), isOverride: words.contains("override"),
                    isDocumented: (start...index).contains { source.documented.contains($0) }, around: around.names,
                    isRequirement: isRequirement))
        }
        guard Self.types.contains(kind) else { return nil }
        let head = tokens[index...].prefix { $0 != .mark("{") }
        let names = head.compactMap { token -> String? in if case .word(let name) = token { name } else { nil } }
        return Scope(kind: kind, names: Set(names), isPublic: isPublic, isHidden: isHidden)
    }

    private func name(of kind: String, at index: Int) -> String {
        if kind == "init", let open = tokens[index...].firstIndex(of: .mark("(")) {
            return "init(" + (word(open + 1) ?? "")
        }
        if let word = word(index + 1) { return word }
        let marks = tokens[(index + 1)...].prefix { $0 != .mark("(") }
        return String(marks.compactMap { token in if case .mark(let mark) = token { mark } else { nil } })
    }
}
