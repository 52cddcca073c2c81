import Foundation

/// A program beside the tests. It ends by itself, or after a minute; what it says on stderr is kept for messages.
public final class PeerProcess: @unchecked Sendable {
    private let process = Process()
    private let words: [String]
    private let errors: URL
    private let ownsErrors: Bool

    private static let running = LockedList<WeakPeer>()
    private struct WeakPeer { weak var peer: PeerProcess? }

    /// - Parameters:
    ///   - output: gets what it writes on stdout.
    ///   - errors: gets what it says; without it a file that goes with this object.
    public init(_ words: [String], output: URL? = nil, errors: URL? = nil) throws {
        func handle(_ file: URL?) throws -> FileHandle {
            guard let file else { return .nullDevice }
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            return try FileHandle(forWritingTo: file)
        }
        self.words = words
        ownsErrors = errors == nil
        self.errors =
            errors ?? FileManager.default.temporaryDirectory.appending(path: "sluice-peer-\(UUID().uuidString)")
        process.executableURL = URL(filePath: "/usr/bin/env")
        // A process inherits what the thread that starts it blocks, and then would not hear `terminate`.
        process.arguments = ["--default-signal", "timeout", "-k", "1", "60"] + words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try handle(output)
        process.standardError = try handle(self.errors)
        try process.run()
        PeerProcess.running.append(WeakPeer(peer: self))
    }

    deinit { if ownsErrors { try? FileManager.default.removeItem(at: errors) } }

    public var said: String {
        let text = (try? Data(contentsOf: errors)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return process.isRunning ? text : text + "\n(ended with status \(process.terminationStatus))"
    }

    public var name: String { words.prefix(3).joined(separator: " ") }
    public var isRunning: Bool { process.isRunning }
    public var terminationStatus: Int32 { process.terminationStatus }
    public func waitUntilExit() { process.waitUntilExit() }
    public func terminate() { process.terminate() }

    /// Of the program behind `timeout`, while it runs.
    public var childID: Int32? {
        let id = process.processIdentifier
        let children = try? String(contentsOfFile: "/proc/\(id)/task/\(id)/children", encoding: .utf8)
        return children?.split(separator: " ").first.flatMap { Int32($0) }
    }

    /// To the program behind `timeout`, which would not survive it.
    public func signal(_ number: Int32) { if let id = childID { kill(id, number) } }

    /// The words of every peer that some test holds.
    public static var allSaid: [String: String] {
        let peers = running.all.compactMap(\.peer).map { ("\($0.name) (\($0.process.processIdentifier))", $0.said) }
        return Dictionary(peers, uniquingKeysWith: { $1 })
    }
}

/// A list that several threads use.
final class LockedList<Element>: @unchecked Sendable {
    private let lock = NSLock()
    private var elements: [Element] = []
    func append(_ element: Element) { lock.withLock { elements.append(element) } }
    var all: [Element] { lock.withLock { elements } }
}
