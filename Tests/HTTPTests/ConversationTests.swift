import HTTP
import Sluice
import Testing

@testable import HTTPPlugin

/// A connection without a socket, in a time of its own.
private final class Talk: ConversationLine, @unchecked Sendable {
    let desk: Desk
    private(set) var conversation: Conversation!
    var now = Instant(nanoseconds: 0)
    var held: [HTTPExchange] = []
    var events: [WebSocketEvent] = []
    var takes = true
    var kept: [WebSocketEvent] = []
    var answers: [(UInt64, HTTPResponse)] = []
    private var leases: [UInt64] = []

    init(token: String = "", perSecond: Int = 100) throws {
        desk = Desk(token: try AccessToken.read(token), perSecond: perSecond)
        let peer = Peer(shown: "10.0.0.1:5", host: [10, 0, 0, 1])
        conversation = Conversation(id: 1, peer: peer, desk: desk, line: self, now: now)
        var route = HTTPRoute(.get, .post, path: "/p/{x}", exposes: ["ETag"])
        route.bodyLimit = 10
        route.answersWithin = .seconds(3)
        try desk.table.withLock {
            _ = try $0.add(
                [
                    (
                        route.path, route.methods,
                        .route(route) { [unowned self] in
                            if takes { held.append($0) }
                            return takes
                        }
                    ),
                    (
                        "/ws", [.get],
                        .socket(WebSocketRoute(path: "/ws", subprotocols: ["v1"])) { [unowned self] in
                            if takes { events.append($0) }
                            return takes
                        }
                    ),
                ], for: "test")
        }
    }

    func answer(_ conversation: UInt64, _ sequence: UInt64, _ response: HTTPResponse) {
        answers.append((sequence, response))
    }
    func wakeSocket(_ conversation: UInt64) { self.conversation.wakeSocket(now: now) }
    func keep(_ event: WebSocketEvent, for post: @escaping @Sendable (WebSocketEvent) -> Bool) { kept.append(event) }
    var date: String { "D" }

    /// The bytes that it answers with until it waits.
    func bytes(_ input: [UInt8] = [], piece: Int = 7) -> [UInt8] {
        if !input.isEmpty { input.withUnsafeBytes { conversation.receive($0, now: now) } }
        var all: [UInt8] = []
        while conversation.hasOutput {
            let part = conversation.nextOutput(piece)
            all += part
            conversation.didWrite(part.count, now: now)
            conversation.drained(now: now)
        }
        return all
    }

    func text(_ input: String = "") -> String {
        String(decoding: bytes(Array(input.replacing("\n", with: "\r\n").utf8)), as: UTF8.self)
    }

    /// Lets time pass up to the next wake-up.
    func wait() -> String {
        now = conversation.wake
        conversation.tick(now)
        return text()
    }

    func deliver() {
        for (sequence, response) in answers { conversation.answer(sequence, response, now: now) }
        answers = []
    }

    static let upgrade =
        "GET /ws HTTP/1.1\nHost: a\nConnection: keep-alive, Upgrade\nUpgrade: WebSocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
}

@Suite struct ConversationTests {
    private func status(_ text: String) -> String { String(text.prefix(12).suffix(3)) }

    @Test func aHeadThatComesTooSlowlyIsAnsweredAndEnds() throws {
        let talk = try Talk()
        _ = talk.text("GET /p/1 HT")
        #expect(talk.conversation.wake == Instant(nanoseconds: 10_000_000_000))
        #expect(status(talk.wait()) == "408")
        #expect(!talk.conversation.isOver)
        _ = talk.wait()
        #expect(talk.conversation.isOver && talk.now == Instant(nanoseconds: 12_000_000_000))
        let silent = try Talk()
        #expect(silent.wait().isEmpty && silent.conversation.isOver)
        #expect(silent.desk.counts.withLock { $0.connectionsTimedOut } == 1)
    }

    @Test func aBodyThatDripsDoesNotHoldTheConnection() throws {
        let talk = try Talk()
        #expect(talk.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 9\n\n").isEmpty)
        for _ in 0..<8 {
            talk.now = talk.now + .milliseconds(1_800)
            _ = talk.text("x")
        }
        #expect(status(talk.wait()) == "408" && talk.now == Instant(nanoseconds: 15_000_000_000))
        #expect(talk.held.isEmpty)
    }

    @Test func anAnswerThatNeverComesIsA504AndALateOneIsLost() throws {
        let talk = try Talk()
        #expect(talk.text("GET /p/1 HTTP/1.1\nHost: a\nOrigin: b\n\n").isEmpty)
        let late = talk.wait()
        #expect(status(late) == "504" && late.contains("Access-Control-Allow-Origin: *"))
        talk.held[0].answer(HTTPResponse(200))
        talk.deliver()
        #expect(talk.text().isEmpty)
        _ = talk.text("GET /p/2 HTTP/1.1\nHost: a\n\n")
        talk.held[1].answer(HTTPResponse(204))
        talk.deliver()
        #expect(status(talk.text()) == "204")
        #expect(talk.wait().isEmpty && talk.conversation.isOver)
    }

    @Test func aFullInboxIsA503WithATimeToComeAgain() throws {
        let talk = try Talk()
        talk.takes = false
        let text = talk.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi")
        #expect(status(text) == "503" && text.contains("Retry-After: 1\r\n"))
        talk.deliver()
        #expect(talk.text().isEmpty && talk.desk.counts.withLock { $0.requestsUntaken } == 1)
        #expect(status(talk.text(Talk.upgrade + "\n")) == "503")
        #expect(talk.conversation.isOver)
    }

    @Test func onlyAClientThatWaitsForItHearsContinue() throws {
        let talk = try Talk()
        #expect(
            talk.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 2\nExpect: 100-continue\n\n")
                == "HTTP/1.1 100 Continue\r\n\r\n")
        _ = talk.text("hi")
        #expect(talk.held.first?.request.text == "hi")
        let large = try Talk()
        #expect(
            status(large.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 11\nExpect: 100-continue\n\n")) == "413")
        let eager = try Talk()
        #expect(eager.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 2\nExpect: 100-continue\n\nhi").isEmpty)
        #expect(eager.held.count == 1)
    }

    @Test func aRefusalIsNotLostToWhatIsStillSent() throws {
        let talk = try Talk()
        #expect(status(talk.text("POST /p/1 HTTP/1.1\nHost: a\nContent-Length: 5000000\n\n")) == "413")
        let part = [UInt8](repeating: 0x78, count: 16_384)
        for _ in 0..<16 {
            #expect(talk.bytes(part).isEmpty)
            #expect(!talk.conversation.isOver)
        }
        _ = talk.bytes(part)
        #expect(talk.conversation.isOver)
    }

    @Test func aClientThatDoesNotTakeItsAnswerIsCutOff() throws {
        let talk = try Talk()
        let head = Array("GET /p/1 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        head.withUnsafeBytes { talk.conversation.receive($0, now: talk.now) }
        talk.held[0].answer(HTTPResponse(200, body: [UInt8](repeating: 0, count: 1_000)))
        talk.deliver()
        talk.now = talk.conversation.wake
        talk.conversation.tick(talk.now)
        #expect(talk.conversation.isAborted && talk.now == Instant(nanoseconds: 15_000_000_000))
    }

    @Test func manyRequestsForALargeFileWaitUntilTheOnesBeforeAreTaken() throws {
        let talk = try Talk()
        let content = Content(HTTPContent("/", type: "text/plain", String(repeating: "x", count: 100_000)))
        talk.desk.table.withLock { _ = try? $0.add([("/", [.get], .content(content))], for: "test") }
        let requests = Array(String(repeating: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 50).utf8)
        requests.withUnsafeBytes { talk.conversation.receive($0, now: talk.now) }
        let waiting = talk.conversation.nextOutput(100_000_000).count
        #expect(waiting > 100_000 && waiting < 101_000 && !talk.conversation.wantsInput)
        let all = talk.bytes(piece: 16_384)
        #expect(all.count > 5_000_000 && talk.conversation.wantsInput && !talk.conversation.isOver)
    }

    @Test func whatComesWhileAnAnswerIsWaitedForIsBounded() throws {
        let talk = try Talk()
        _ = talk.text("GET /p/1 HTTP/1.1\nHost: a\n\n")
        #expect(talk.conversation.wantsInput)
        _ = talk.bytes([UInt8](repeating: 0x78, count: 16_384))
        #expect(!talk.conversation.wantsInput)
        talk.held[0].answer(HTTPResponse(204))
        talk.deliver()
        #expect(talk.conversation.wantsInput)
    }

    @Test func theTokenIsAskedForAndGuessesAreLimited() throws {
        let talk = try Talk(token: "0123abcd", perSecond: 2)
        let request = "GET /p/1 HTTP/1.1\nHost: a\n"
        let bare = talk.text(request + "Origin: b\n\n")
        #expect(status(bare) == "401" && bare.contains("WWW-Authenticate: Bearer\r\n"))
        #expect(bare.contains("Access-Control-Allow-Origin: *\r\n"))
        #expect(talk.text(request + "Authorization: Bearer 0123abcd\n\n").isEmpty && talk.held.count == 1)
        talk.held[0].answer(HTTPResponse(204))
        talk.deliver()
        _ = talk.text()
        let guesses = (0..<10).map { _ in status(talk.text(request + "Authorization: Bearer 0123abce\n\n")) }
        #expect(guesses.prefix(3) == ["401", "401", "401"] && guesses.dropFirst(3).allSatisfy { $0 == "429" })
        #expect(talk.desk.counts.withLock { $0.requestsUnauthorized } == 4)
    }

    // MARK: WebSockets

    @Test func aWebSocketIsOpenedWithTheSubprotocolThatBothSpeak() throws {
        let talk = try Talk()
        let answer = talk.text(Talk.upgrade + "Sec-WebSocket-Protocol: v2, v1\n\n")
        #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(answer.contains("Sec-WebSocket-Protocol: v1\r\n"))
        guard case .opened(let socket)? = talk.events.first else {
            Issue.record("no event")
            return
        }
        #expect(socket.subprotocol == "v1" && socket.request.peer == "10.0.0.1:5")
        #expect(socket.send("hi"))
        #expect(talk.bytes().elementsEqual([0x81, 2, 0x68, 0x69]))
        #expect(talk.bytes(FrameTests.frame(0x89, [7])).elementsEqual([0x8a, 1, 7]))
        socket.close(4_000, "x")
        #expect(talk.bytes().elementsEqual([0x88, 3, 0x0f, 0xa0, 0x78]))
        #expect(!talk.conversation.isOver && !socket.send("late"))
        _ = talk.bytes(FrameTests.frame(0x88, [0x0f, 0xa0]))
        #expect(talk.conversation.isOver)
        guard case .closed(_, let code, let reason)? = talk.events.last else {
            Issue.record("no end")
            return
        }
        #expect(code == 4_000 && reason == "x" && talk.events.count == 2)
    }

    @Test func theTokenOfAPageIsASubprotocol() throws {
        for (offer, wanted, chosen) in [
            ("v1, bearer.0123abcd", "101", "v1"), ("bearer.0123abcd", "101", "bearer.0123abcd"),
            ("v1, bearer.0123abce", "401", nil), ("v1", "401", nil),
        ] as [(String, String, String?)] {
            let talk = try Talk(token: "0123abcd")
            let answer = talk.text(Talk.upgrade + "Sec-WebSocket-Protocol: \(offer)\n\n")
            #expect(status(answer) == wanted)
            #expect(answer.firstMatch(of: /Protocol: ([^\r]*)/).map { String($0.1) } == chosen)
        }
    }

    @Test func aRequestForAWebSocketThatIsNoneIsToldWhatIsMissing() throws {
        func answer(_ text: String) throws -> String { try Talk().text(text) }
        #expect(try status(answer(Talk.upgrade.replacing(": 13", with: ": 8") + "\n")) == "426")
        #expect(try status(answer(Talk.upgrade.replacing("dGhl", with: "") + "\n")) == "400")
        #expect(try status(answer("GET /ws HTTP/1.1\nHost: a\n\n")) == "426")
        #expect(try status(answer("POST /ws HTTP/1.1\nHost: a\n\n")) == "405")
        #expect(try status(answer(Talk.upgrade.replacing("/ws", with: "/none") + "\n")) == "404")
    }

    @Test func silenceIsAskedAboutAndThenEndsIt() throws {
        let talk = try Talk()
        _ = talk.text(Talk.upgrade + "\n")
        talk.now = talk.conversation.wake
        talk.conversation.tick(talk.now)
        #expect(talk.bytes().elementsEqual([0x89, 0]) && talk.now == Instant(nanoseconds: 20_000_000_000))
        _ = talk.bytes(FrameTests.frame(0x8a, []))
        talk.now = talk.conversation.wake
        talk.conversation.tick(talk.now)
        #expect(talk.bytes().elementsEqual([0x89, 0]) && talk.now == Instant(nanoseconds: 40_000_000_000))
        talk.now = talk.conversation.wake
        talk.conversation.tick(talk.now)
        #expect(talk.conversation.isOver && talk.now == Instant(nanoseconds: 60_000_000_000))
        guard case .closed(_, 1_006, "it said nothing for 40 s")? = talk.events.last else {
            Issue.record("\(talk.events)")
            return
        }
    }

    @Test func anOwnerWhoseInboxIsFullLosesTheSocketAndHearsItsEndLater() throws {
        let talk = try Talk()
        _ = talk.text(Talk.upgrade + "\n")
        talk.takes = false
        let bytes = talk.bytes(FrameTests.frame(0x81, [0x61]))
        #expect(bytes.prefix(4).elementsEqual([0x88, UInt8(bytes.count - 2), 0x03, 0xf5]))
        #expect(talk.kept.count == 1 && talk.desk.counts.withLock { $0.socketsUntaken } == 1)
        _ = talk.wait()
        #expect(talk.conversation.isOver)
    }

    @Test func whatFollowsABrokenFrameIsNotRead() throws {
        let talk = try Talk()
        _ = talk.text(Talk.upgrade + "\n")
        #expect(talk.bytes([0x81, 0x01, 0x61]).prefix(4).dropFirst(2).elementsEqual([0x03, 0xea]))
        #expect(talk.bytes(FrameTests.frame(0x81, [0x61])).isEmpty && talk.events.count == 2)
        #expect(
            talk.desk.counts.withLock { $0.requestsMalformed } == 1 && talk.desk.counts.withLock { $0.sockets } == 0)
    }

    @Test func aReaderThatStopsIsCutOffAndTheOwnerHears() throws {
        let talk = try Talk()
        _ = talk.text(Talk.upgrade + "\n")
        guard case .opened(let socket)? = talk.events.first else { return }
        // Nothing of it is taken.
        #expect((0..<65).allSatisfy { _ in socket.send("x") })
        #expect(!talk.conversation.isAborted)
        #expect(!socket.send("one more"))
        talk.conversation.wakeSocket(now: talk.now)
        #expect(talk.conversation.isAborted && talk.desk.counts.withLock { $0.socketsStuck } == 1)
        guard case .closed(_, 1_008, _)? = talk.events.last else {
            Issue.record("\(talk.events)")
            return
        }
    }

    @Test func allThatWaitsHearsThatTheServiceEnds() throws {
        let talk = try Talk()
        _ = talk.text("GET /p/1 HTTP/1.1\nHost: a\n\n")
        talk.conversation.shutDown(now: talk.now)
        #expect(status(talk.text()) == "503" && talk.conversation.isOver)
        let other = try Talk()
        _ = other.text(Talk.upgrade + "\n")
        other.conversation.shutDown(now: other.now)
        #expect(other.bytes().prefix(4).dropFirst(2).elementsEqual([0x03, 0xe9]))
    }
}
