import HTTP
import Sluice

@testable import HTTPPlugin

let httpTargets = [
    FuzzTarget("http", "What a client sends to the HTTP port, in pieces", longest: 20_000) { bytes in
        Stranger().run(bytes, opening: [])
    },
    FuzzTarget("websocket", "Frames behind the opening of a WebSocket, in pieces", longest: 80_000) { bytes in
        Stranger().run(bytes, opening: Array(Stranger.upgrade.utf8))
    },
]

/// One connection without a socket, whose requests are answered at once.
private final class Stranger: ConversationLine, @unchecked Sendable {
    static let upgrade =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    private let desk = Desk(token: nil, perSecond: 100_000)
    private var answers: [(UInt64, HTTPResponse)] = []
    private var opened = 0
    private var closed = 0

    private func told(_ event: WebSocketEvent) -> Bool {
        switch event {
        case .opened: opened += 1
        case .closed: closed += 1
        case .text(let socket, let text):
            mustHold(text.utf8.count <= WebSocketReader.most, "a message has \(text.utf8.count) bytes")
            mustHold(opened == 1 && closed == 0, "a message comes between opening and end")
            socket.send(text)
        }
        return true
    }

    func answer(_ conversation: UInt64, _ sequence: UInt64, _ response: HTTPResponse) {
        answers.append((sequence, response))
    }
    func wakeSocket(_ conversation: UInt64) {}
    func keep(_ event: WebSocketEvent, for post: @escaping @Sendable (WebSocketEvent) -> Bool) {}
    var date: String { "" }

    func run(_ bytes: UnsafeRawBufferPointer, opening: [UInt8]) {
        var route = HTTPRoute(.get, .post, .patch, path: "/{a}/{b}", exposes: ["ETag"])
        route.bodyLimit = 1_000
        desk.table.withLock { table in
            _ = try? table.add(
                [
                    (
                        route.path, route.methods,
                        .route(route) {
                            mustHold($0.request.body.count <= 1_000, "a body has \($0.request.body.count) bytes")
                            mustHold($0.request.names["a"]?.isEmpty == false, "a name is empty")
                            $0.answer(HTTPResponse(200, "text/plain", "x", headers: ["ETag": $0.request.path]))
                            return true
                        }
                    ),
                    ("/ws", [.get], .socket(WebSocketRoute(path: "/ws")) { [unowned self] in told($0) }),
                ], for: "fuzz")
        }
        let peer = Peer(shown: "", host: [127, 0, 0, 1])
        var now = Instant(nanoseconds: 0)
        let conversation = Conversation(id: 1, peer: peer, desk: desk, line: self, now: now)
        var output: [UInt8] = []
        func settle() {
            while true {
                while conversation.hasOutput {
                    let part = conversation.nextOutput(16_384)
                    output += part
                    conversation.didWrite(part.count, now: now)
                    conversation.drained(now: now)
                }
                guard !answers.isEmpty else { break }
                let (sequence, response) = answers.removeFirst()
                conversation.answer(sequence, response, now: now)
            }
            conversation.wakeSocket(now: now)
        }
        opening.withUnsafeBytes { if !$0.isEmpty { conversation.receive($0, now: now) } }
        settle()
        var input = FuzzInput(bytes)
        let seed = input.byte()
        input.pieces(seed: seed) { piece in
            conversation.receive(piece, now: now)
            settle()
        }
        mustHold(output.isEmpty || output.starts(with: Array("HTTP/1.1 ".utf8)), "an answer begins with its line")
        // It ends, whatever it waits for.
        for _ in 0..<100 where !conversation.isOver && !conversation.isAborted {
            mustHold(conversation.wake < .distantFuture, "a time to wake")
            now = max(now, conversation.wake)
            conversation.tick(now)
            settle()
        }
        mustHold(conversation.isOver || conversation.isAborted, "an end")
        conversation.closed()
        mustHold(opened == closed, "\(opened) opened, \(closed) closed")
    }
}
