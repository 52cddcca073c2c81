import Foundation
import TestSupport
import Testing

/// A run of the built command that a test talks to while it lasts. Killed, and said so, when it lasts too long.
final class Running: @unchecked Sendable {
    private let process = Process()
    private let output: Collector
    private let errors: Collector
    private let lock = NSLock()
    private var wasTooLong = false

    /// A time that no input may need; a run that is stopped by hand takes a second or two.
    static let limit = 60.0

    /// - Parameters:
    ///   - shell: what a shell does before it becomes the command: `ulimit -f 100`, `exec 1>&-`.
    ///   - input: standard input; empty where none is given.
    init(
        _ arguments: [String], in scratch: Scratch, shell: String? = nil, input: FileHandle? = nil,
        environment: [String: String] = [:]
    ) throws {
        let command = Built.file("sluice").path
        process.executableURL = shell == nil ? URL(filePath: command) : URL(filePath: "/bin/bash")
        process.arguments =
            shell.map { ["-c", "\($0)\nexec \"$0\" \"$@\"", command] + arguments } ?? arguments
        process.currentDirectoryURL = scratch.url
        process.environment = CommandRun.environment
            .merging(["SLUICE_GRAPH_PATH": Built.root.appending(path: "graphs").path]) { $1 }.merging(environment) {
                $1
            }
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (out, err)
        process.standardInput = input ?? FileHandle.nullDevice
        try process.run()
        output = Collector(out.fileHandleForReading)
        errors = Collector(err.fileHandleForReading)
        DispatchQueue.global().asyncAfter(deadline: .now() + Running.limit) { [weak self] in self?.giveUp() }
    }

    private func giveUp() {
        guard process.isRunning else { return }
        lock.withLock { wasTooLong = true }
        kill(process.processIdentifier, SIGKILL)
    }

    /// Returns when standard error holds `text`. Throws if the run ends without having said it.
    func wait(for text: String) throws {
        guard errors.wait(for: text) else { throw NotSaid(text: text, errors: errors.whole) }
    }

    struct NotSaid: Error { let text, errors: String }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// As one who presses Ctrl-C again and again.
    func signalUntilItEnds(_ number: Int32) {
        while process.isRunning {
            signal(number)
            errors.waitForEnd(until: Date.now + 0.1)
        }
    }

    /// Waits for its end.
    func end() -> Ended {
        let (output, errors) = (output.whole, errors.whole)
        process.waitUntilExit()
        let number = process.terminationStatus
        return Ended(
            status: process.terminationReason == .exit ? number : -number, output: output, errors: errors,
            wasTooLong: lock.withLock { wasTooLong })
    }

    /// Reads a pipe to its end on a thread of its own.
    private final class Collector: @unchecked Sendable {
        private let condition = NSCondition()
        private var bytes = Data()
        private var isDone = false

        init(_ handle: FileHandle) {
            Thread.detachNewThread { [self] in
                while case let new = handle.availableData, !new.isEmpty {
                    condition.withLock {
                        bytes += new
                        condition.broadcast()
                    }
                }
                condition.withLock {
                    isDone = true
                    condition.broadcast()
                }
            }
        }

        private var text: String { String(decoding: bytes, as: UTF8.self) }

        func wait(for wanted: String) -> Bool {
            condition.withLock {
                while !text.contains(wanted) {
                    if isDone { return false }
                    condition.wait()
                }
                return true
            }
        }

        func waitForEnd(until limit: Date) {
            condition.withLock { while !isDone, condition.wait(until: limit) {} }
        }

        var whole: String {
            condition.withLock {
                while !isDone { condition.wait() }
                return text
            }
        }
    }
}

/// How a run ended.
struct Ended {
    /// Negative: the signal that ended it.
    let status: Int32
    let output: String
    let errors: String
    let wasTooLong: Bool

    /// The lines at the end of the run or instead of it, without the times that lines of a run begin with.
    var lines: [String] {
        errors.split(separator: "\n").map { String($0.replacing(#/^\d+\.\d s /#, with: "")) }
    }

    /// It ended with `status` by itself, and crashed nowhere.
    func check(_ status: Int32, _ place: SourceLocation = #_sourceLocation) {
        #expect(!wasTooLong, "it did not end: \(errors)", sourceLocation: place)
        #expect(self.status == status, "\(errors)", sourceLocation: place)
        for crash in ["Fatal error", "Program crashed", "Sanitizer"] {
            #expect(!errors.contains(crash), sourceLocation: place)
        }
    }

    /// The same, and said `words`, which may be several lines with their advice.
    func check(_ status: Int32, says words: String, _ place: SourceLocation = #_sourceLocation) {
        check(status, place)
        #expect(lines.joined(separator: "\n").contains(words), "\(errors)", sourceLocation: place)
    }

    /// The same, and said nothing else.
    func check(_ status: Int32, saysOnly words: String, _ place: SourceLocation = #_sourceLocation) {
        check(status, place)
        #expect(errors == words + "\n", sourceLocation: place)
    }
}

extension Scratch {
    func path(_ name: String) -> String { url.appending(path: name).path }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

    /// Runs a graph to its end.
    func run(
        _ arguments: String..., shell: String? = nil, environment: [String: String] = [:]
    ) throws -> Ended {
        try Running(["run"] + arguments, in: self, shell: shell, environment: environment).end()
    }

    /// Writes `graph.json` of these nodes and edges, each in a line of its own from line 2 on.
    @discardableResult
    func graph(_ nodes: [String], _ edges: [String], more: String = "") throws -> String {
        try write(
            "graph.json",
            """
            { "nodes": {
            \(nodes.joined(separator: ",\n")) },
              "edges": [
            \(edges.joined(separator: ",\n")) ]\(more) }
            """)
        return "./graph.json"
    }

    func fifo(_ name: String) { #expect(mkfifo(path(name), 0o600) == 0) }
}

/// Seconds that a file plays, all of it decoded by ffmpeg without a word of complaint; `isCut` allows it to say that
/// the file ends early.
func playable(_ path: String, isCut: Bool = false, _ place: SourceLocation = #_sourceLocation) throws -> Double {
    let level = isCut ? "fatal" : "error"
    let told: [UInt8]
    do {
        _ = try FFmpeg.run(["ffmpeg", "-v", level, "-i", path, "-f", "null", "-"], feeding: [])
        told = try FFmpeg.run(
            ["ffprobe", "-v", level, "-show_entries", "packet=pts_time", "-of", "csv=p=0", path], feeding: [])
    } catch let error as FFmpeg.Failure {
        Issue.record("\(path) does not play: \(error.text)", sourceLocation: place)
        return 0
    }
    let times = String(decoding: told, as: UTF8.self).split(whereSeparator: { ",\n".contains($0) }).compactMap {
        Double($0)
    }
    return (times.max() ?? 0) - (times.min() ?? 0)
}
