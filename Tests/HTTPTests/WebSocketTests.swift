import Foundation
import HTTP
import Sluice
import TestSupport
import Testing

@testable import HTTPPlugin

/// Debian's python3-websockets on the other end.
@Suite(.realPeers) struct WebSocketTests {
    /// Runs the body of an async function that has `ws`.
    private func python(_ rig: Rig, _ path: String, protocols: [String] = [], _ body: String) throws -> Finished {
        let list = protocols.isEmpty ? "None" : "[" + protocols.map { "'\($0)'" }.joined(separator: ", ") + "]"
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { "        " + $0 }
        return try Finished([
            "/usr/bin/python3", "-c",
            """
            import asyncio, websockets
            async def main():
                async with websockets.connect('ws://127.0.0.1:\(rig.port)\(path)', subprotocols=\(list), max_size=None, compression=None) as ws:
            \(lines.joined(separator: "\n"))
                print('fine')
            asyncio.run(asyncio.wait_for(main(), 30))
            """,
        ])
    }

    @Test func messagesGoBothWaysAndFragmentsAreJoined() throws {
        let rig = try Rig()
        let seen = Said()
        try rig.echo(WebSocketRoute(path: "/peer/{name}", subprotocols: ["sluice"]), seen)
        let run = try python(
            rig, "/peer/avatar", protocols: ["other", "sluice"],
            """
            assert ws.subprotocol == 'sluice'
            await ws.send('hi')
            assert await ws.recv() == 'hi!'
            await ws.send(['a' * 30000, 'b' * 30000, 'c' * 5536])
            assert await ws.recv() == 'a' * 30000 + 'b' * 30000 + 'c' * 5536 + '!'
            for turn in range(200):
                await ws.send(str(turn))
                assert await ws.recv() == str(turn) + '!'
            await asyncio.wait_for(await ws.ping(), 10)
            """)
        #expect(run.output == "fine\n", "\(run)")
        try wait(for: "the end") { seen.all.last == "closed 1000 " }
        #expect(seen.all.first == "opened /peer/avatar sluice" && seen.all.contains("text 65536"))
        try wait(for: "the count") { rig.server.counts.sockets == 0 }
    }

    @Test func bothSidesHearWhyASocketIsClosed() throws {
        let rig = try Rig()
        let seen = Said()
        try rig.echo(WebSocketRoute(path: "/a"), seen)
        for (message, code, reason) in [
            ("'close'", 4_000, "as you wish"), ("'x' * 65537", 1_009, "a message has at most 65536 bytes"),
            ("b'x'", 1_003, "messages are text here"),
        ] {
            let run = try python(
                rig, "/a",
                """
                await ws.send(\(message))
                try:
                    await ws.recv()
                    raise Exception('a message')
                except websockets.ConnectionClosed as end:
                    assert (end.code, end.reason) == (\(code), '\(reason)'), (end.code, end.reason)
                """)
            #expect(run.output == "fine\n", "\(run)")
            try wait(for: "closed \(code)") { seen.all.last == "closed \(code) \(reason)" }
        }
    }

    @Test func aSocketEndsWithItsRouteAndWithTheService() throws {
        for ends in [{ (rig: Rig) in rig.endLeases() }, { (rig: Rig) in rig.server.close() }] {
            let rig = try Rig()
            let seen = Said()
            try rig.echo(WebSocketRoute(path: "/a"), seen)
            let client = RawClient(port: rig.port)
            client.send(
                "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            #expect(client.answers().first?.hasPrefix("HTTP/1.1 101") == true)
            ends(rig)
            let frame = client.receive()
            #expect(frame.prefix(1) == [0x88] && frame.dropFirst(2).prefix(2).elementsEqual([0x03, 0xe9]))
            try wait(for: "the end") { seen.all.last == "closed 1001 the service ends" }
        }
    }

    @Test func aReaderThatStopsReadingIsClosedAndOthersDoNotNotice() throws {
        let rig = try Rig()
        let sockets = LockedSockets()
        let seen = Said()
        let lease = try rig.server.serve(WebSocketRoute(path: "/a"), for: "test") { event in
            if case .opened(let socket) = event { sockets.add(socket) }
            if case .closed(_, let code, _) = event { seen.add("\(code)") }
            return true
        }
        defer { lease.end() }
        try rig.serve(HTTPRoute(.get, path: "/b")) { _ in HTTPResponse(204) }
        let client = RawClient(port: rig.port)
        client.send(
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        _ = client.answers()
        let socket = try #require(sockets.all.first)
        let text = String(repeating: "x", count: 60_000)
        // The kernel's buffers take some megabytes, the queue 64 messages.
        var sent = 0
        try wait(for: "the end of its patience") {
            while sent < 10_000, socket.send(text) { sent += 1 }
            return !socket.isOpen
        }
        #expect(sent > 60 && sent < 10_000)
        #expect(seen.all == ["1008"] && rig.server.counts.socketsStuck == 1)
        #expect(RawClient.ask(rig.port, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("HTTP/1.1 204"))
        try wait(for: "its connection's end") { rig.server.counts.connections <= 1 }
    }
}

final class LockedSockets: @unchecked Sendable {
    private let lock = NSLock()
    private var sockets: [WebSocket] = []
    func add(_ socket: WebSocket) { lock.withLock { sockets.append(socket) } }
    var all: [WebSocket] { lock.withLock { sockets } }
}
