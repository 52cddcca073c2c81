import Foundation
import Glibc
import Net
import Sluice
import TestSupport
import Testing

@testable import SRTPlugin

/// Hundreds of callers at one `srt-input`, in a process of its own.
@Suite("A crowd of callers", .serialized, .realPeers) struct CrowdTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Names of the threads of the process behind `peer`.
    private func threads(of peer: PeerProcess) -> [String] {
        guard let id = peer.childID else { return [] }
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")) ?? []
        return tasks.compactMap {
            try? String(contentsOfFile: "/proc/\(id)/task/\($0)/comm", encoding: .utf8).filter { $0 != "\n" }
        }
    }

    private func call(_ count: Int, named name: (Int) -> String, passphrase: String = "") throws -> [SRTSocket] {
        let target = try #require(SocketAddress(numeric: "127.0.0.1", port: place.port))
        // From one port, so that libsrt needs one pair of threads for all of them.
        let own = try #require(SocketAddress(numeric: "127.0.0.1", port: freePort()))
        return try (0..<count).map { number in
            let socket = try SRTSocket(
                SRTOptions(
                    latencyMilliseconds: 30, streamID: name(number), passphrase: passphrase,
                    connectTimeoutMilliseconds: 20_000))
            try socket.bind(own)
            try socket.call(target)
            return socket
        }
    }

    /// - Parameter addresses: kB of addresses that the process may have.
    private func desk(_ more: String = "", addresses: Int? = nil) throws -> PeerProcess {
        let graph = place.file("crowd.json")
        let text = """
            { "nodes": { "desk": { "type": "srt-input", "url": "\(place.listening)", "latency_ms": 30,
                                   "template": "caller"\(more) } },
              "templates": { "caller": {
                "parameters": { "name": { "help": "the caller's" } },
                "nodes": { "in": { "type": "srt-input" }, "sink": { "type": "null-sink" } },
                "edges": [ "in.audio -> sink" ] } } }
            """
        try Data(text.utf8).write(to: graph)
        let command = [Built.file("sluice").path, "run", graph.path]
        guard let addresses else { return try startPeer(command) }
        return try startPeer(["prlimit", "--as=\(addresses << 10)"] + command)
    }

    /// Every caller sends something: then libsrt has a thread for each.
    private func serve(_ callers: [SRTSocket], by desk: PeerProcess) throws {
        try waitUntil("all calls to be answered") { callers.allSatisfy { $0.state == .connected } }
        // A null packet of a transport stream.
        let packet = [0x47, 0x1f, 0xff, 0x10] + [UInt8](repeating: 0xff, count: 184)
        for caller in callers { packet.withUnsafeBytes { _ = caller.send($0, origin: 0) } }
        try waitUntil("\(callers.count) callers to be served") {
            threads(of: desk).filter { $0.hasPrefix("SRT:TsbPd") }.count == callers.count
        }
    }

    /// kB of the process's memory.
    private func memory(of peer: PeerProcess) -> Int {
        guard let id = peer.childID, let text = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
        else { return 0 }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    @Test(.disabled(if: Built.isSanitized, "a sanitizer needs more addresses"))
    func ninetyNineAnonymousCallersFitIntoThreeGigabytesOfAddresses() throws {
        let desk = try desk(addresses: 3 << 20)
        defer { desk.signal(SIGKILL) }
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        let callers = try call(99) { _ in "" }
        try serve(callers, by: desk)
        #expect(desk.isRunning)
        let last = try call(1) { _ in "" }
        try waitUntil("another caller to come in") { last[0].state == .connected }
        withExtendedLifetime(callers) {}
    }

    @Test func wrongPassphrasesCostLittleMemoryAndThoseWhoKnowItComeIn() throws {
        let desk = try desk(#", "passphrase": "correct-horse""#)
        defer { desk.signal(SIGKILL) }
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        let before = memory(of: desk)
        var most = before
        for _ in 0..<10 {
            let strangers = try call(100, named: { _ in "" }, passphrase: "wrong-wrong-wrong")
            try waitUntil("all to be refused") {
                most = max(most, memory(of: desk))
                return strangers.allSatisfy { $0.state != .connecting }
            }
            #expect(strangers.allSatisfy { $0.state != .connected })
        }
        // A sanitizer keeps memory that was given back.
        #expect(Built.isSanitized || most - before < 60_000, "\(before) kB grew to \(most) kB")
        #expect(desk.said.split(separator: "\n").count < 40, "\(desk.said)")
        // As a caller does: again and again.
        try waitUntil("a friend to come in") {
            guard let friend = try? call(1, named: { _ in "friend" }, passphrase: "correct-horse")[0] else {
                return false
            }
            while friend.state == .connecting { usleep(1_000) }
            return friend.state == .connected
        }
    }

    @Test func fiveHundredCallersNeedFewThreads() throws {
        let desk = try desk(#", "max_callers": 500"#)
        defer { desk.signal(SIGKILL) }
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        let callers = try call(500) { "n\($0)" }
        try serve(callers, by: desk)
        let own = threads(of: desk).filter { !$0.hasPrefix("SRT:") }
        // A sanitizer has a thread of its own.
        #expect(own.count <= (Built.isSanitized ? 9 : 8), "\(own)")
        // One more than may be is refused.
        let late = try call(1) { _ in "late" }
        try waitUntil("the refusal") { late[0].state != .connecting }
        #expect(late[0].state == .broken(SRTRejection(reason: SRTRejection.overload)), "\(desk.said)")
        withExtendedLifetime(callers) {}
    }
}
