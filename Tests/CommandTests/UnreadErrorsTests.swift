import Foundation
import TestSupport
import Testing

/// Standard error is a pipe that is full, and nobody reads it.
@Suite struct UnreadErrorsTests {
    private let scratch: Scratch
    private let full: FileHandle

    init() throws {
        scratch = try Scratch()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let block = [UInt8](repeating: 0x2E, count: 4_096)
        while write(ends[1], block, block.count) > 0 {}
        _ = fcntl(ends[1], F_SETFL, 0)
        full = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        // The reader's end stays open as long as this process lasts.
    }

    /// Nil if it had to be killed.
    private func status(of arguments: [String]) throws -> Int32? {
        let process = Process()
        process.executableURL = Built.file("sluice")
        process.arguments = arguments
        process.currentDirectoryURL = scratch.url
        process.environment = CommandRun.environment
        (process.standardError, process.standardInput) = (full, FileHandle.nullDevice)
        let end = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in end.signal() }
        try process.run()
        guard end.wait(timeout: .now() + 20) == .success else {
            kill(process.processIdentifier, SIGKILL)
            return nil
        }
        return process.terminationStatus
    }

    @Test func aRunGoesOnAndEndsAllTheSame() throws {
        try scratch.write(
            "graph.json",
            """
            { "nodes": { "source": { "type": "bench-source", "frames": 200, "rate_per_s": 1000 },
                         "pass": { "type": "bench-pass" }, "end": { "type": "null-sink" } },
              "edges": [ "source -> pass -> end" ] }
            """)
        #expect(try status(of: ["run", "graph.json", "--report", "report.json"]) == 0)
        let report = try JSONSerialization.jsonObject(
            with: Data(contentsOf: scratch.url.appendingPathComponent("report.json")))
        let nodes = try #require((report as? [String: Any])?["nodes"] as? [String: [String: Any]])
        #expect(nodes["end"]?["frames_in"] as? Int == 200)
    }

    @Test func anErrorStillIsTheExitStatus() throws {
        #expect(try status(of: ["run", "nowhere.json"]) == 2)
    }
}
