import Foundation
import Glibc
import HTTP
import Sluice
import TestSupport
import Testing

@testable import HTTPPlugin

/// Strangers come from addresses of their own, all in 127.0.0.0/8.
@Suite(.realPeers, .serialized) struct StrangerTests {
    private func status(_ answer: String) -> String { String(answer.prefix(12).suffix(3)) }

    @Test func idleConnectionsOfOneAddressAreClosedOverItsShareAndOthersAreServed() throws {
        let rig = try Rig { ($0.connections, $0.connectionsPerAddress) = (400, 100) }
        try rig.serve(HTTPRoute(.post, path: "/p")) { _ in HTTPResponse(204) }
        // Those that were refused are let go: Foundation starts no process beside some 1,300 descriptors.
        var strangers: [RawClient] = []
        for turn in 1...10 {
            let more = (0..<100).map { _ in RawClient(port: rig.port, from: "127.0.0.66") }
            try wait(for: "the strangers") { rig.server.counts.connectionsMade == turn * 100 }
            if turn == 1 { strangers = more }
        }
        #expect(rig.server.counts.connections == 100 && rig.server.counts.connectionsRefused == 900)
        #expect(status(RawClient.ask(rig.port, "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")) == "204")
        let lines = rig.said.all.dropFirst()
        #expect(
            lines.count >= 1 && lines.count <= 3
                && lines.first?.hasPrefix("warning: refuses a connection from 127.0.0.66:") == true)
        withExtendedLifetime(strangers) {}
    }

    @Test func manyAddressesTogetherLeaveTheServiceWithinItsBound() throws {
        let rig = try Rig { ($0.connections, $0.connectionsPerAddress) = (50, 20) }
        let strangers = (0..<200).map { RawClient(port: rig.port, from: "127.0.1.\($0 % 20 + 1)") }
        try wait(for: "the strangers") { rig.server.counts.connectionsMade == 200 }
        #expect(rig.server.counts.connections == 50)
        withExtendedLifetime(strangers) {}
    }

    @Test func aThousandPostsOfAStrangerAreLimitedAndAFriendIsAnsweredAtOnce() throws {
        let rig = try Rig { ($0.token, $0.changesPerSecond) = ("0123abcd", 50) }
        try rig.serve(HTTPRoute(.post, path: "/p")) { _ in HTTPResponse(204) }
        let stranger = RawClient(port: rig.port, from: "127.0.0.66")
        var answers: [String: Int] = [:]
        for _ in 0..<10 {
            stranger.send(String(repeating: "POST /p HTTP/1.1\r\nHost: a\r\n\r\n", count: 100))
            for answer in stranger.answers(100) { answers[status(answer), default: 0] += 1 }
            let friend = RawClient.ask(
                rig.port, "POST /p HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123abcd\r\n\r\n")
            #expect(status(friend) == "204")
        }
        #expect(answers["401", default: 0] + answers["429", default: 0] == 1_000, "\(answers)")
        #expect(answers["401", default: 0] >= 100)
        #expect(rig.server.counts.requestsLimited == answers["429", default: 0])
        #expect(rig.server.counts.requestsUnauthorized == answers["401", default: 0])
        #expect(!rig.said.all.joined().contains("0123abcd"))
    }

    /// A page that leaves, or a conference that ends: an end makes no work that could be put off.
    @Test func endsOfSessionsAreNotRefusedHoweverManyThereAre() throws {
        let rig = try Rig { $0.changesPerSecond = 5 }
        try rig.serve(HTTPRoute(.post, .delete, path: "/s/{x}")) { _ in HTTPResponse(204) }
        let client = RawClient(port: rig.port)
        client.send(String(repeating: "DELETE /s/1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 100))
        #expect(client.answers(100).allSatisfy { status($0) == "204" })
        #expect(rig.server.counts.requestsLimited == 0)
        // A token that is guessed by them counts all the same.
        let guarded = try Rig { ($0.token, $0.changesPerSecond) = ("0123abcd", 5) }
        try guarded.serve(HTTPRoute(.delete, path: "/s/{x}")) { _ in HTTPResponse(204) }
        let stranger = RawClient(port: guarded.port)
        stranger.send(String(repeating: "DELETE /s/1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 100))
        let answers = stranger.answers(100).map(status)
        #expect(answers.contains("429") && answers.allSatisfy { ["401", "429"].contains($0) })
    }

    @Test func anythingAtAllIsAnsweredOrClosedAndNothingCrashes() throws {
        let rig = try Rig()
        try rig.serve(HTTPRoute(.post, path: "/{x}")) { _ in HTTPResponse(204) }
        try rig.echo(WebSocketRoute(path: "/a"))
        var dice = Dice(seed: 7)
        let seeds = [
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\u{1}\u{7f}abc",
        ].map { Array($0.utf8) }
        for turn in 0..<400 {
            var bytes = seeds[turn % 2]
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            let client = RawClient(port: rig.port)
            client.send(Array(bytes.prefix(Int.random(in: 1...bytes.count, using: &dice))))
        }
        #expect(status(RawClient.ask(rig.port, "POST /b HTTP/1.1\r\nHost: a\r\n\r\n")) == "204")
        try wait(for: "their end") { rig.server.counts.connections == 0 }
    }

    @Test func whatWaitsIsAnsweredWhenTheServiceCloses() throws {
        let rig = try Rig()
        let held = Held()
        let lease = try rig.server.serve([HTTPRoute(.get, path: "/wait")], for: "test") { held.take($0) }
        let clients = (0..<20).map { _ in RawClient(port: rig.port) }
        for client in clients.prefix(10) { client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n") }
        try wait(for: "the requests") { held.count == 10 }
        rig.server.close()
        lease.end()
        for (index, client) in clients.enumerated() {
            let end = client.all()
            #expect(index < 10 ? status(end) == "503" : end.isEmpty, "\(end)")
        }
        #expect(try Rig { $0.listen = "127.0.0.1:\(rig.port)" }.port == rig.port)
    }

    @Test func aServiceThatClosesLeavesNoDescriptorAndNoThread() throws {
        // Other tests have some too, but not one for each turn.
        func held() throws -> (descriptors: Int, threads: Int) {
            (
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
            )
        }
        func turn() throws {
            let rig = try Rig()
            try rig.serve(HTTPContent("/", type: "text/plain", "page"))
            #expect(status(RawClient.ask(rig.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")) == "200")
            let idle = RawClient(port: rig.port)
            try wait(for: "it") { rig.server.counts.connectionsMade == 2 }
            rig.server.close()
            withExtendedLifetime(idle) {}
        }
        try turn()
        let before = try held()
        for _ in 0..<60 { try turn() }
        let after = try held()
        #expect(after.descriptors - before.descriptors < 40, "\(before) \(after)")
        #expect(after.threads - before.threads < 40, "\(before) \(after)")
    }
}
