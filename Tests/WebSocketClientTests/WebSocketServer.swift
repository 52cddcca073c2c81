import Foundation
import HTTP
import Sluice
import Synchronization
import TestSupport
import Testing
import WebSocketClient

/// A server of WebSockets by Python's `websockets`, which does what the path asks for.
final class WebSocketServer {
    private let process: PeerProcess
    private let scratch: Scratch
    let port: Int

    /// With a certificate and its key it speaks TLS.
    init(certificate: String = "", key: String = "") throws {
        scratch = try Scratch()
        let told = scratch.url.appending(path: "port")
        process = try PeerProcess(["/usr/bin/python3", "-c", Self.script, certificate, key], output: told)
        var port: Int?
        try wait(for: "the server's port") {
            port = Int(try String(contentsOf: told, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
            return port != nil
        }
        self.port = port ?? 0
    }

    deinit { process.terminate() }

    private static let script = """
        import asyncio, http, ssl, sys, websockets
        async def serve(socket, path):
            if path == "/fields":
                await socket.send(socket.request_headers.get("X-Name", "") + "|" + socket.request_headers["Host"])
            if path == "/pieces":
                await socket.send(["one ", "two ", "three"])
            if path == "/long":
                await socket.send("x" * 1000000)
                await socket.send("y" * (1 << 20) + "y")
            if path == "/reset":
                socket.transport.abort()
            if path.startswith("/close/"):
                return await socket.close(int(path[7:]), "a secret reason")
            async for message in socket:
                if path == "/deaf":
                    await asyncio.sleep(3600)
                await socket.send(message if isinstance(message, str) else str(len(message)))
        async def look(path, headers):
            if path == "/busy":
                return http.HTTPStatus.TOO_MANY_REQUESTS, [("Retry-After", "7")], b"a secret"
        async def main():
            trust = None
            if sys.argv[1]:
                trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                trust.load_cert_chain(sys.argv[1], sys.argv[2])
            # Without a queue a server that does not read stops the sender.
            server = await websockets.serve(
                serve, "127.0.0.1", 0, process_request=look, ssl=trust, max_queue=1, read_limit=4096,
                ping_interval=None)
            print(server.sockets[0].getsockname()[1], flush=True)
            await asyncio.Future()
        asyncio.run(main())
        """

    /// A call of that path, and what happens to it.
    func call(
        _ path: String, fields: HTTPHeaders = [:], hasTLS: Bool = false, sign: WebSocketCall.Sign? = nil
    ) throws -> Heard {
        let heard = Heard()
        let target = try #require(WebSocketAddress("\(hasTLS ? "wss" : "ws")://localhost:\(port)\(path)"))
        let call = try WebSocketCall(target, address: "127.0.0.1", fields: fields, sign: sign) { heard.take($0) }
        heard.begin(call)
        return heard
    }
}

/// A call and its events, in words.
final class Heard: Sendable {
    private let events = Mutex<[String]>([])
    private let owned = Mutex<WebSocketCall?>(nil)

    func begin(_ call: WebSocketCall) { owned.withLock { $0 = call } }
    var call: WebSocketCall { owned.withLock { $0! } }

    func take(_ event: WebSocketCall.Event) {
        let words =
            switch event {
            case .opened: "opened"
            case .text(let text): "text \(text)"
            case .pong: "pong"
            case .refused(let status, let retryAfter): "refused \(status) \(retryAfter ?? "")"
            case .closed(let reason, let isClean): "closed: \(reason)\(isClean ? ", clean" : "")"
            }
        events.withLock { $0.append(words) }
    }

    var all: [String] { events.withLock { $0 } }

    /// All of its events, once there are so many.
    func wait(count: Int) throws -> [String] {
        func said() -> [String: String] { ["the call": all.joined(separator: "\n")] }
        try TestSupport.wait(for: "event \(count)", said: said) { all.count >= count }
        return all
    }
}
