import Foundation

/// The working copy that the tests were built from, and the command that was built beside them.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

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
            try names(in: "graphs", ending: ".json").filter { !$0.hasSuffix(".schema.json") }.map { String($0.dropLast(5)) }
        }
    }

    struct Answer {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs the command that lies where these tests do, in the root of the repository and with its plugins alone.
    static func sluice(_ arguments: String...) throws -> Answer {
        let home = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        return try run(home.appending(path: "sluice").path, arguments)
    }

    static func run(_ command: String, _ arguments: [String]) throws -> Answer {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-docs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (output, errors) = (folder.appending(path: "out"), folder.appending(path: "err"))
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(filePath: command)
        process.arguments = arguments
        process.currentDirectoryURL = root
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SLUICE_") }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Answer(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}
