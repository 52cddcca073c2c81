import Foundation

/// The products beside the engine that this process uses: the command and the plugins.
public enum Built {
    public static let directory: URL = {
        let engine = mappedFiles().first { $0.hasSuffix("/libSluice.so") }
        return URL(fileURLWithPath: engine ?? "/libSluice.so").deletingLastPathComponent()
    }()

    /// The tests run under a sanitizer, which needs terabytes of addresses.
    public static let isSanitized = ProcessInfo.processInfo.environment.keys.contains { $0.hasSuffix("SAN_OPTIONS") }

    /// A file of the build; `tools/build debug` makes those that the tests do not link.
    public static func file(_ name: String) -> URL { directory.appendingPathComponent(name) }

    /// The command, and the libraries without which it does not start.
    public static let command = ["sluice", "libSluice.so", "libBitstream.so", "libRTP.so", "libSpool.so"]

    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}

/// One run of the command `sluice` that was built with these tests.
public struct CommandRun: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String

    /// Seconds after which a run is killed: its status is then -9.
    public static let limit = 120.0

    /// A plain environment for the command: nothing of the tests' own gets through but the settings of a sanitizer that
    /// they run under, with which the command was built too.
    public static let environment = ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }
        .merging(["PATH": "/usr/bin:/bin", "SLUICE_GRAPH_PATH": ""]) { $1 }

    /// - Parameters:
    ///   - environment: added to the plain one.
    ///   - during: called when the command runs, with its process id.
    public init(
        _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:],
        executable: URL = Built.file("sluice"), during: (@Sendable (Int32) -> Void)? = nil
    ) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = directory ?? FileManager.default.temporaryDirectory
        process.environment = CommandRun.environment.merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (output, errors, FileHandle.nullDevice)
        try process.run()
        let watch = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + CommandRun.limit, execute: watch)
        defer { watch.cancel() }
        during?(process.processIdentifier)
        let reader = Reader(errors.fileHandleForReading)
        self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        self.errors = reader.text
        process.waitUntilExit()
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Reads beside the one who reads the other pipe, so that neither fills up.
    private final class Reader: @unchecked Sendable {
        private var data = Data()
        private let done = DispatchSemaphore(value: 0)

        init(_ handle: FileHandle) {
            Thread.detachNewThread { [self] in
                data = handle.readDataToEndOfFile()
                done.signal()
            }
        }

        var text: String {
            done.wait()
            return String(decoding: data, as: UTF8.self)
        }
    }
}

/// A directory of its own for one test, gone with it.
public final class Scratch {
    public let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("sluice test \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    public func write(_ name: String, _ text: String) throws -> URL {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// A copy of a file of the build.
    public func copy(_ name: String, as new: String? = nil) throws -> URL {
        let file = url.appendingPathComponent(new ?? name)
        try Data(contentsOf: Built.file(name)).write(to: file)
        return file
    }
}
