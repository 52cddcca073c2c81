import Sluice

/// A route's path: segments that are there word for word, or are named (`{name}`).
struct PathPattern: Hashable {
    enum Segment: Hashable {
        case word(String)
        case named(String)
    }

    let segments: [Segment]

    /// Throws `NodeError` for what is no such path.
    init(_ text: String) throws {
        guard text.hasPrefix("/") else { throw PathPattern.refusal(text, "begins with no /") }
        var names: Set<String> = []
        segments = try text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard part.contains("{") || part.contains("}") else { return .word(String(part)) }
            let name = part.dropFirst().dropLast()
            guard part.first == "{", part.last == "}", part.utf8.count > 2,
                name.utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == 0x5f })
            else { throw PathPattern.refusal(text, "has the segment \(part), which is neither a word nor {name}") }
            guard names.insert(String(name)).inserted else { throw PathPattern.refusal(text, "names \(name) twice") }
            return .named(String(name))
        }
    }

    private static func refusal(_ text: String, _ what: String) -> NodeError {
        NodeError("the route \(text) \(what)", isInputError: true)
    }

    /// The same whatever the names are: two routes of one shape fit the same paths.
    var shape: String {
        segments.map {
            switch $0 {
            case .word(let word): "/" + word
            case .named: "/{}"
            }
        }.joined()
    }

    var hasNames: Bool { segments.contains { if case .named = $0 { true } else { false } } }

    /// The named segments, where the path fits.
    func names(in path: [String]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var names: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .word(let word): guard word == text else { return nil }
            case .named(let name):
                guard !text.isEmpty else { return nil }
                names[name] = text
            }
        }
        return names
    }

    /// Of two that fit one path, the one whose earlier segments are words comes first.
    func isBefore(_ other: PathPattern) -> Bool {
        for (mine, its) in zip(segments, other.segments) {
            switch (mine, its) {
            case (.word, .named): return true
            case (.named, .word): return false
            default: continue
            }
        }
        return false
    }
}
