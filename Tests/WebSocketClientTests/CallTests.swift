import HTTP
import Sluice
import TestSupport
import Testing
import WebSocketClient

@Suite("Calls of WebSockets", .realPeers, .serialized) struct CallTests {
    @Test func textBytesAndPingsGoAndComeInTheirOrder() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/")
        _ = try heard.wait(count: 1)
        #expect(heard.call.isOpen && !heard.call.isOver)
        #expect(heard.call.send("so") && heard.call.send([1, 2, 3]) && heard.call.send("안녕"))
        #expect(try heard.wait(count: 4) == ["opened", "text so", "text 3", "text 안녕"])
        heard.call.ping()
        #expect(try heard.wait(count: 5).last == "pong")
        // The close frame goes behind all that waits.
        heard.call.send("last")
        heard.call.close()
        #expect(try heard.wait(count: 6).contains("text last") || heard.all.last == "closed: was closed, clean")
        try wait(for: "the end") { heard.call.isOver }
        #expect(!heard.call.send("late") && !heard.call.isOpen)
    }

    @Test func whatIsSentBeforeItIsOpenWaits() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/")
        for number in 0..<100 { #expect(heard.call.send("\(number)")) }
        #expect(try heard.wait(count: 101) == ["opened"] + (0..<100).map { "text \($0)" })
    }

    @Test func fieldsAndHostStandInTheHandshake() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/fields", fields: ["X-Name": "a value"])
        #expect(try heard.wait(count: 2)[1] == "text a value|localhost:\(server.port)")
    }

    @Test func aMessageInPiecesIsOneAndOneThatIsTooLongEndsTheCall() throws {
        let server = try WebSocketServer()
        #expect(try server.call("/pieces").wait(count: 2)[1] == "text one two three")
        let long = try server.call("/long")
        let events = try long.wait(count: 3)
        #expect(events[1].utf8.count == 1_000_005)
        #expect(events[2] == "closed: sent a message of more than 1 MiB")
    }

    @Test(arguments: [(1_000, true), (1_011, false)]) func aCloseFrameIsToldByItsCode(code: Int, isClean: Bool) throws {
        let server = try WebSocketServer()
        let events = try server.call("/close/\(code)").wait(count: 2)
        // Words of the other end stay out of it.
        #expect(events[1] == "closed: closed the connection (\(code))\(isClean ? ", clean" : "")")
    }

    @Test func anotherAnswerThan101IsARefusalWithItsRetryAfter() throws {
        let server = try WebSocketServer()
        let events = try server.call("/busy").wait(count: 1)
        #expect(events == ["refused 429 7"])
    }

    @Test func aResetAndAPortThatNobodyServesEndIt() throws {
        let server = try WebSocketServer()
        #expect(try server.call("/reset").wait(count: 2)[1] == "closed: broke off the connection")
        let heard = Heard()
        let nobody = try #require(WebSocketAddress("ws://127.0.0.1:\(Ports.one())"))
        heard.begin(try WebSocketCall(nobody, address: "127.0.0.1") { heard.take($0) })
        #expect(try heard.wait(count: 1) == ["closed: cannot be connected to"])
    }

    @Test func oneThatDoesNotReadIsFoundByWhatWaits() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/deaf")
        _ = try heard.wait(count: 1)
        let piece = [UInt8](repeating: 0, count: 1 << 20)
        // The system's own buffers take some of it.
        var taken = 0
        while taken < 64, heard.call.send(piece) { taken += 1 }
        #expect(taken < 64)
        heard.call.abort()
        #expect(heard.call.isOver && heard.all == ["opened"])
    }

    @Test func anAbortedCallIsToldNothingMore() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/")
        _ = try heard.wait(count: 1)
        heard.call.send("so")
        heard.call.abort()
        let other = try server.call("/")
        _ = try other.wait(count: 1)
        #expect(heard.all == ["opened"] || heard.all == ["opened", "text so"])
        #expect(heard.call.isOver)
    }

    @Test func aSignOfLifeGoesOutUntilAnotherOwnerKeepsTheCall() throws {
        let server = try WebSocketServer()
        let heard = try server.call("/", sign: .init("still here", every: .milliseconds(20)))
        #expect(try heard.wait(count: 4) == ["opened"] + Array(repeating: "text still here", count: 3))
        let next = Heard()
        heard.call.redirect { next.take($0) }
        heard.call.send("mine")
        // At most one was on its way, and none follows: a ping comes back behind whatever was sent before it.
        let events = try next.wait(count: 1)
        heard.call.ping()
        let all = try next.wait(count: events.count + 1)
        #expect(all.filter { $0 == "text still here" }.count <= 1 && all.contains("text mine"))
    }

    @Test func aCertificateOfNoTrustedAuthorityIsRefused() throws {
        let authority = try TestAuthority()
        let server = try WebSocketServer(certificate: authority.certificate, key: authority.key)
        let events = try server.call("/", hasTLS: true).wait(count: 1)
        #expect(events == ["closed: cannot be trusted: TLS or its certificate failed"])
    }
}
