import Foundation
import TestSupport
import Testing

/// Every public declaration that authors of plugins see, or that plugins share, has a doc comment.
///
/// The cases of an enumeration need none, since their names say it. Overrides need none. Nor do members that a protocol
/// of the standard library asks for (`==`, `hash`, `description`, literals), or one of ours, which says it there.
@Suite struct DocCommentTests {
    private static let standard: Set<String> = [
        "==", "<", "hash", "description", "rawValue", "init(rawValue", "init(stringLiteral", "init(integerLiteral",
        "init(floatLiteral", "init(booleanLiteral", "init(arrayLiteral", "init(dictionaryLiteral",
    ]

    /// `path: kind name` of each that lacks one.
    static func lacking(in sources: [(path: String, text: String)]) -> [String] {
        let files = sources.map { (path: $0.path, all: DocComments($0.text).all) }
        var asked: [String: Set<String>] = [:]
        for found in files.flatMap(\.all) where found.isRequirement {
            for name in found.around { asked[name, default: []].insert(found.name) }
        }
        return files.flatMap { file in
            file.all.filter { found in
                !found.isDocumented && !found.isOverride && !standard.contains(found.name)
                    && (found.isRequirement || !found.around.contains { asked[$0]?.contains(found.name) ?? false })
            }.map { "\(file.path): \($0.kind) \($0.name)" }
        }
    }

    @Test func everyPublicDeclarationHasADocComment() throws {
        let folders = ["Engine/Sources/Sluice", "Engine/Testing/Sources", "Plugins/Shared/Sources"]
        let paths = folders.flatMap { folder -> [String] in
            let root = Built.root.appending(path: folder)
            let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
            return names.filter { $0.hasSuffix(".swift") }.sorted().map { folder + "/" + $0 }
        }
        #expect(paths.count > 250)
        let sources = try paths.map {
            (path: $0, text: try String(contentsOf: Built.root.appending(path: $0), encoding: .utf8))
        }
        #expect(sources.map { DocComments($0.text).all.count }.reduce(0, +) > 1_500)
        for found in Self.lacking(in: sources) { Issue.record("no doc comment: \(found)") }
    }

    @Test func aMissingOneIsFoundWhereverItStands() {
        let source = """
            public struct A: P { public var a: Int { b { 1 } }; var b: Int; public init() {} }
            /// Of all.
            public protocol P { func c(); /// Said.
                func d() }
            extension A { public func d() {}; public static func == (a: A, b: A) -> Bool { true } }
            extension A: P { public func d() {}; public func e() { let f = 1; func g() {} } }
            @_spi(Host) public struct H { public var h: Int }
            /// Of one.
            @frozen public enum I { case j; @inlinable public static func + (a: I, b: I) -> I { a }
                /// Said.
                @available(*, deprecated) public private(set) static var k = Kind.init(1)
                public override class func l() {}; public class func m() {} }
            """
        #expect(
            DocCommentTests.lacking(in: [("x", source)]) == [
                "x: struct A", "x: var a", "x: init init(", "x: func c", "x: func d", "x: func e", "x: func +",
                "x: func m",
            ])
    }
}
