import Foundation
import Net
import Sluice
import TestSupport
import Testing

/// The command itself, with so few descriptors that it can take only some of those who call.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct ExhaustionTests {
    @Test func aConnectionThatCannotBeTakenDoesNotKeepTheLaneAwake() throws {
        let scratch = try Scratch()
        let path = "/tmp/sluice-\(UUID().uuidString.prefix(8)).sock"
        try scratch.write(
            "graph.json",
            """
            { "nodes": {
                "a": { "type": "av-segments", "socket": "\(path)", "on_end": "wait", "max_peers": 200 },
                "b": { "type": "null-sink" } },
              "edges": [ "a.audio -> b" ] }
            """)
        let callers = Callers(path, count: 100)
        let run = try CommandRun(
            [
                "--nofile=48", Built.file("sluice").path, "run", "./graph.json", "--for", "3s", "--report",
                "report.json",
            ], in: scratch.url, executable: URL(filePath: "/usr/bin/prlimit"),
            during: { _ in Thread.detachNewThread { callers.call() } })
        callers.hangUp()
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("a connection to \(path) is refused"), "\(run.errors)")
        let report = try Data(contentsOf: scratch.url.appending(path: "report.json"))
        let nodes = try #require(
            (JSONSerialization.jsonObject(with: report) as? [String: Any])?["nodes"] as? [String: Any])
        let wakeups = try #require((nodes["a"] as? [String: Any])?["wakeups"] as? Int)
        // One for each who called.
        #expect(wakeups < 200, "\(wakeups) wake-ups")
    }

    /// Connects and says nothing.
    private final class Callers: @unchecked Sendable {
        private let path: String
        private let count: Int
        private let lock = NSLock()
        private var descriptors: [Int32] = []

        init(_ path: String, count: Int) { (self.path, self.count) = (path, count) }

        func call() {
            for _ in 0..<1_000 {
                let descriptor = (try? LocalSocket.connect(path)) ?? nil
                if let descriptor {
                    let isEnough = lock.withLock {
                        descriptors.append(descriptor)
                        return descriptors.count >= count
                    }
                    if isEnough { return }
                } else {
                    usleep(10_000)
                }
            }
        }

        func hangUp() { lock.withLock { for descriptor in descriptors { close(descriptor) } } }
    }
}
