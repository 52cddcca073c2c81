import Foundation
import TestSupport
import Testing

/// The engine's folders are storeys: a file names no type that is declared in a storey above its own.
@Suite struct StoreyTests {
    /// From the ground up. Folders in one line know each other.
    static let storeys: [[String]] = [
        ["Base"], ["JSON"], ["Media"], ["Declaration"], ["Metrics"], ["Graph"], ["Runtime/Edge"], ["Runtime/Ports"],
        ["Node"], ["Services"],
        ["Runtime/Lane", "Runtime/Build", "Runtime/Session", "Runtime/Snapshot", "Runtime/Watch", "Runtime/Virtual"],
        ["Loading"], ["Drawing"], ["Report"],
    ]

    private struct File {
        let path: String
        let storey: Int
        let tokens: [SwiftTokens.Token]
    }

    private static func storey(of path: String) -> Int? {
        storeys.firstIndex { $0.contains { path.hasPrefix($0 + "/") } }
    }

    private static func files(in root: URL) throws -> [File] {
        let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            let storey = try #require(Self.storey(of: path), "\(path) stands in no storey")
            let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
            return File(path: path, storey: storey, tokens: SwiftTokens(text).all)
        }
    }

    /// `path: name of path` for each type that is named from below.
    static func climbs(in files: [(path: String, storey: Int, tokens: [SwiftTokens.Token])]) -> [String] {
        var declared: [String: [(storey: Int, path: String)]] = [:]
        for file in files {
            for name in SwiftTokens.types(in: file.tokens) {
                declared[name, default: []].append((file.storey, file.path))
            }
        }
        var found: [String] = []
        for file in files {
            // A type of its own may have the name of another one elsewhere.
            let own = SwiftTokens.declared(in: file.tokens)
            var named = Set<String>()
            for (index, token) in file.tokens.enumerated() {
                guard case .word(let name) = token, !own.contains(name), let homes = declared[name],
                    index == 0 || file.tokens[index - 1] != .mark("."),
                    index < 2 || file.tokens[index - 2] != .word("_spi"),
                    homes.allSatisfy({ $0.storey > file.storey }), named.insert(name).inserted
                else { continue }
                found.append("\(file.path): \(name) of \(homes[0].path)")
            }
        }
        return found
    }

    @Test func noFileOfTheEngineNamesATypeOfAStoreyAboveItsOwn() throws {
        let root = Built.root.appendingPathComponent("Engine/Sources/Sluice")
        let files = try StoreyTests.files(in: root).map { (path: $0.path, storey: $0.storey, tokens: $0.tokens) }
        #expect(files.count > 100)
        let climbs = StoreyTests.climbs(in: files)
        #expect(climbs.isEmpty, "\(climbs.joined(separator: "\n"))")
    }

    @Test func aNameFromAboveIsFoundInCodeAndInInterpolationsAlone() {
        let above = SwiftTokens("final class Session<T> { struct Place {} }\nprivate struct Hidden {}").all
        func climbs(_ text: String) -> [String] {
            StoreyTests.climbs(in: [("Base/A.swift", 0, SwiftTokens(text).all), ("Report/B.swift", 9, above)])
        }
        let found = ["Base/A.swift: Session of Report/B.swift"]
        #expect(climbs("let all: [Session] = []") == found)
        #expect(climbs(#"let text = "of \(Session<Int>.self) \(f("a"))""#) == found)
        #expect(climbs("let text = #\"Session \\(Session) \\#(Session.self)\"#") == found)
        #expect(climbs("/// A Session.\n/* Session /* in */ Session */ let place: Hidden, Place") == [])
        #expect(climbs(#"let text = "Session""#) == [])
        #expect(climbs("let text = \"\"\"\n    a Session \"quoted\"\n    \"\"\"") == [])
        #expect(climbs("struct Session {}; let all: [Session] = []") == [])
        #expect(climbs("let all = other.Session") == [])
    }
}
