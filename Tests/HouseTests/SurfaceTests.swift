import Foundation
import TestSupport
import Testing

/// The types that an author of plugins sees are a list in docs/node-contract-details.md: one more is a decision.
///
/// `@_spi` is not seen: `Host` is for those who run graphs, `Testing` for the test kit. Types that only inlined code of
/// others names are `@usableFromInline`.
@Suite struct SurfaceTests {
    /// Public types at the top of a file that need no `@_spi` import.
    static func types(in tokens: [SwiftTokens.Token]) -> [String] {
        var depth = 0
        var found: [String] = []
        for (index, token) in tokens.enumerated() {
            if token == .mark("{") { depth += 1 }
            if token == .mark("}") { depth -= 1 }
            guard depth == 0, case .word(let kind) = token, SwiftTokens.kinds.contains(kind), index + 1 < tokens.count,
                case .word(let name) = tokens[index + 1]
            else { continue }
            let modifiers = SurfaceTests.modifiers(before: index, in: tokens)
            if modifiers.contains("public") && !modifiers.contains("_spi") { found.append(name) }
        }
        return found
    }

    /// Words and attributes of a declaration, the last first.
    private static func modifiers(before index: Int, in tokens: [SwiftTokens.Token]) -> [String] {
        let words: Set = ["public", "open", "package", "final", "indirect", "nonisolated", "distributed"]
        var found: [String] = []
        var at = index - 1
        while at >= 0 {
            if tokens[at] == .mark(")"), let open = tokens[..<at].lastIndex(of: .mark("(")) { at = open - 1 }
            guard at >= 0, case .word(let word) = tokens[at] else { break }
            if at > 0, tokens[at - 1] == .mark("@") {
                at -= 1
            } else if !words.contains(word) {
                break
            }
            found.append(word)
            at -= 1
        }
        return found
    }

    /// The names in backticks under the heading "The types".
    private static func listed() throws -> [String] {
        let page = try String(contentsOf: Built.root.appending(path: "docs/node-contract-details.md"), encoding: .utf8)
        let parts = page.components(separatedBy: "\n## ")
        let section = try #require(parts.first { $0.hasPrefix("The types\n") })
        return section.matches(of: /`([A-Z]\w*)`/).map { String($0.1) }
    }

    @Test func thePublicTypesOfTheEngineAreThoseThatTheContractLists() throws {
        let root = Built.root.appending(path: "Engine/Sources/Sluice")
        let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        let files = names.filter { $0.hasSuffix(".swift") }
        #expect(files.count > 100)
        let found = try files.flatMap {
            SurfaceTests.types(in: SwiftTokens(try String(contentsOf: root.appending(path: $0), encoding: .utf8)).all)
        }
        let listed = try SurfaceTests.listed()
        #expect(Set(listed).count == listed.count, "a type stands twice in docs/node-contract-details.md")
        let unlisted = Set(found).subtracting(listed).sorted()
        #expect(
            unlisted.isEmpty,
            "hide these from authors (internal, @usableFromInline, @_spi(Host)), or list them: \(unlisted)")
        let gone = Set(listed).subtracting(found).sorted()
        #expect(gone.isEmpty, "docs/node-contract-details.md lists types that are not public: \(gone)")
    }

    @Test func hiddenTypesAndNestedOnesAreNotCounted() {
        let source = """
            public struct A { public enum B { case c } }
            @_spi(Host) public final class D {}
            @_spi(Testing)
            public struct E: ~Copyable {}
            @frozen @usableFromInline struct F {}
            @propertyWrapper public final class G<Value> {}
            @available(*, deprecated) public typealias H = Int
            extension A { public protocol I {} }
            final class J {}
            """
        #expect(SurfaceTests.types(in: SwiftTokens(source).all) == ["A", "G", "H"])
    }
}
