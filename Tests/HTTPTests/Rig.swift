import Foundation
import HTTP
import Sluice
import Synchronization

@testable import HTTPPlugin

/// A server at a free port of the loopback, and what it said.
final class Rig {
    let server = HTTPServer()
    let said = Said()
    private var leases: [HTTPLease] = []

    init(_ change: (inout HTTPSettings) -> Void = { _ in }) throws {
        var settings = HTTPSettings()
        settings.listen = "127.0.0.1:0"
        change(&settings)
        try server.open(settings) { [said] in said.add("\($0.rawValue): \($1)") }
    }

    deinit { server.close() }

    var port: Int { Int(server.address.split(separator: ":").last ?? "") ?? 0 }

    /// Requests of `route` are answered at once by `answer`, on the service's thread.
    func serve(_ route: HTTPRoute, _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws {
        leases.append(
            try server.serve([route], for: "test") {
                $0.answer(answer($0.request))
                return true
            })
    }

    func serve(_ contents: HTTPContent...) throws { leases.append(try server.serve(contents, for: "test")) }

    /// Each text message comes back with `!` behind it.
    func echo(_ route: WebSocketRoute, _ seen: Said = Said()) throws {
        leases.append(
            try server.serve(route, for: "test") { event in
                switch event {
                case .opened(let socket):
                    seen.add("opened \(socket.request.path) \(socket.subprotocol ?? "-")")
                case .text(let socket, let text):
                    seen.add("text \(text.count)")
                    if text.hasPrefix("close") {
                        socket.close(4_000, "as you wish")
                    } else {
                        socket.send(text + "!")
                    }
                case .closed(_, let code, let reason): seen.add("closed \(code) \(reason)")
                }
                return true
            })
    }

    func endLeases() { leases = [] }
}

/// Lines that some threads say.
final class Said: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// A program's end: its status, and what it said on both.
struct Finished {
    let status: Int32
    let output: String
    let errors: String

    init(_ words: [String], input: String? = nil) throws {
        let process = Process()
        let (out, err, into) = (Pipe(), Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal", "timeout", "-k", "1", "60"] + words
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, into)
        try process.run()
        if let input { try into.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try into.fileHandleForWriting.close()
        output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }

    /// curl, with what it says of the answer: status, headers, body.
    static func curl(_ words: String...) throws -> Finished {
        try Finished(["curl", "-sS", "-i", "--max-time", "20"] + words)
    }
}
