import Foundation
import TestSupport

/// The working copy that the tests were built from.
enum Repository {
    static let root = Built.root

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The names in a folder that end so, sorted.
    static func names(in folder: String, ending: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
            .filter { $0.hasSuffix(ending) }.sorted()
    }

    /// The graphs in `graphs/`, without `.json`.
    static var graphs: [String] {
        get throws {
            try names(in: "graphs", ending: ".json").filter { !$0.hasSuffix(".schema.json") }.map {
                String($0.dropLast(5))
            }
        }
    }

    /// Runs the command in the root of the repository.
    static func sluice(_ arguments: String...) throws -> CommandRun { try CommandRun(arguments, in: root) }
}
