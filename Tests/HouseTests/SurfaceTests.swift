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

    /// Public types inside others, `VideoLayout.PixelFormat`, in whatever file. A type that `@_spi` hides has none.
    static func nested(in files: [[SwiftTokens.Token]]) -> [String] {
        let found = files.flatMap(declared(in:))
        let known = Set(found)
        return found.filter { path in
            let names = path.split(separator: ".")
            return names.count > 1
                && (1..<names.count).allSatisfy { known.contains(names[..<$0].joined(separator: ".")) }
        }
    }

    /// Public types with those around them; extensions count as what they extend.
    private static func declared(in tokens: [SwiftTokens.Token]) -> [String] {
        var around: [(name: String, isHidden: Bool)] = []
        var begun: (name: String, isHidden: Bool)?
        var found: [String] = []
        for (index, token) in tokens.enumerated() {
            if token == .mark("{") {
                around.append(begun ?? ("", false))
                begun = nil
            }
            if token == .mark("}") { _ = around.popLast() }
            guard case .word(let kind) = token, kind == "extension" || SwiftTokens.kinds.contains(kind),
                index + 1 < tokens.count, case .word(var name) = tokens[index + 1], name.first?.isUppercase == true
            else { continue }
            var next = index + 2
            while next + 1 < tokens.count, tokens[next] == .mark("."), case .word(let part) = tokens[next + 1] {
                name += "." + part
                next += 2
            }
            let modifiers = modifiers(before: index, in: tokens)
            let isHidden = modifiers.contains("_spi")
            if kind != "extension" && modifiers.contains("public") && !isHidden && !around.contains(where: \.isHidden) {
                found.append((around.map(\.name).filter { !$0.isEmpty } + [name]).joined(separator: "."))
            }
            if kind != "typealias" { begun = (name, isHidden) }
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

    /// The section "The types" of the contract.
    private static func section() throws -> String {
        let page = try String(contentsOf: Built.root.appending(path: "docs/node-contract-details.md"), encoding: .utf8)
        return try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix("The types\n") })
    }

    private static func sources() throws -> [[SwiftTokens.Token]] {
        let root = Built.root.appending(path: "Engine/Sources/Sluice")
        let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(".swift") }.map {
            SwiftTokens(try String(contentsOf: root.appending(path: $0), encoding: .utf8)).all
        }
    }

    @Test func thePublicTypesOfTheEngineAreThoseThatTheContractLists() throws {
        let files = try Self.sources()
        #expect(files.count > 100)
        let found = files.flatMap(SurfaceTests.types(in:))
        let section = try Self.section()
        let listed = section.matches(of: /`([A-Z]\w*)`/).map { String($0.1) }
        #expect(Set(listed).count == listed.count, "a type stands twice in docs/node-contract-details.md")
        #expect(section.contains("shows \(listed.count) names at the top level"), "the page tells another number")
        let unlisted = Set(found).subtracting(listed).sorted()
        #expect(
            unlisted.isEmpty,
            "hide these from authors (internal, @usableFromInline, @_spi(Host)), nest or list them: \(unlisted)")
        let gone = Set(listed).subtracting(found).sorted()
        #expect(gone.isEmpty, "docs/node-contract-details.md lists types that are not public: \(gone)")
    }

    @Test func theNestedTypesAreThoseThatTheContractLists() throws {
        let found = Set(SurfaceTests.nested(in: try Self.sources()))
        let listed = Set(try Self.section().matches(of: /`([A-Z]\w*\.[A-Z][\w.]*)`/).map { String($0.1) })
        #expect(found.subtracting(listed).isEmpty, "docs/node-contract-details.md does not list them")
        #expect(listed.subtracting(found).isEmpty, "docs/node-contract-details.md lists types that are not public")
    }

    @Test func hiddenTypesAreNotCountedAndNestedOnesApart() {
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
            extension D { public enum K {} }
            extension A { private enum L {}; class func m() {} }
            @_spi(Host) extension A { public enum N {} }
            """
        #expect(SurfaceTests.types(in: SwiftTokens(source).all) == ["A", "G", "H"])
        #expect(SurfaceTests.nested(in: [SwiftTokens(source).all]) == ["A.B", "A.I"])
    }
}
