import HTTP
import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

@testable import TwilioPlugin

/// An HTTP port without a socket: a test asks it, and opens WebSockets at it.
private final class PretendedPort: HTTPService {
    let address = "http://127.0.0.1:8889"
    let counts = HTTPCounts()
    private let routes = Mutex<(ask: (@Sendable (HTTPExchange) -> Bool)?, open: (@Sendable (WebSocketEvent) -> Bool)?)>(
        (nil, nil))

    func serve(
        _ all: [HTTPRoute], for owner: String, post: @escaping @Sendable (HTTPExchange) -> Bool
    ) throws -> HTTPLease {
        routes.withLock { $0.ask = post }
        return HTTPLease {}
    }

    func serve(_ contents: [HTTPContent], for owner: String) throws -> HTTPLease { HTTPLease {} }

    func serve(
        _ route: WebSocketRoute, for owner: String, post: @escaping @Sendable (WebSocketEvent) -> Bool
    ) throws -> HTTPLease {
        routes.withLock { $0.open = post }
        return HTTPLease {}
    }

    func ask(_ request: HTTPRequest, reply: @escaping @Sendable (HTTPResponse) -> Void) {
        let exchange = HTTPExchange(request, reply: reply)
        _ = routes.withLock { $0.ask }?(exchange)
    }

    func post(_ event: WebSocketEvent) -> Bool { routes.withLock { $0.open }?(event) ?? false }
}

/// The door: a thousand who call at once, and those who only seem to.
@Suite("Calls at the door") struct ReceptionTests {
    private let port = PretendedPort()

    /// One that calls, and how it was closed.
    private final class Caller: Sendable {
        let closing = Mutex<String?>(nil)
        let socket: WebSocket
        init(_ socket: (Caller.Closing) -> WebSocket) {
            let closing = Closing()
            self.socket = socket(closing)
            held = closing
        }
        final class Closing: Sendable { let words = Mutex<String?>(nil) }
        private let held: Closing
        var end: String? { held.words.withLock { $0 } }
    }

    private func caller(_ headers: HTTPHeaders = ["Host": "a.example"]) -> Caller {
        Caller { closing in
            WebSocket(
                HTTPRequest(.get, "/twilio/stream", headers: headers, peer: "192.0.2.1:50000"), deliver: { _ in true },
                end: { code, reason in closing.words.withLock { $0 = "\(code) \(reason)" } })
        }
    }

    private func harness(_ parameters: [String: ParameterValue]) throws -> GraphHarness {
        let registry = NodeRegistry()
        let port = port
        registry.provide((any HTTPService).self) { port }
        var graph = GraphBuilder(registry: registry)
        graph.node("calls", TwilioInput.self, parameters.merging(["template": "call"]) { $1 })
        graph.template("call") {
            $0.node("caller", TwilioInput.self)
            $0.node("audio", TestSink.self)
            $0.edge("caller.audio -> audio.in", items: 1_000, milliseconds: 60_000)
        }
        let harness = try GraphHarness(graph)
        harness.settle()
        return harness
    }

    private func begin(_ caller: Caller, number: Int = 1) {
        #expect(port.post(.opened(caller.socket)))
        _ = port.post(.text(caller.socket, TestCall.connected))
        _ = port.post(.text(caller.socket, TestCall.start(call: "CA\(number)")))
    }

    private func count(_ harness: GraphHarness, _ name: String) -> Int {
        harness.context(of: "calls")?.counter(name).count ?? -1
    }

    @Test func aThousandCallsAreBoundedAndTheOthersHearWhy() throws {
        let harness = try harness(["max_calls": 100])
        let callers = (0..<1_000).map { _ in caller() }
        for (number, caller) in callers.enumerated() { begin(caller, number: number) }
        harness.settle()
        let refused = callers.filter { $0.end != nil }
        #expect(refused.count == 900)
        #expect(
            refused.allSatisfy { $0.end == "1013 100 calls are under way, the most that max_calls allows" })
        #expect(count(harness, "calls_taken") == 100 && count(harness, "calls_refused") == 900)
        // One line, and not nine hundred.
        #expect(harness.events.filter { $0.what.contains("is refused") }.count == 1)
        let answer = Mutex("")
        port.ask(HTTPRequest(.post, "/twilio/voice", headers: ["Host": "a.example"])) { response in
            answer.withLock { $0 = String(decoding: response.body, as: UTF8.self) }
        }
        harness.settle()
        #expect(answer.withLock { $0 }.contains("<Reject reason=\"busy\"/>"))
        // One that hangs up makes room for another.
        _ = port.post(.closed(callers[0].socket, code: 1_000, reason: ""))
        harness.settle()
        let late = caller()
        begin(late, number: 2_000)
        harness.settle()
        #expect(late.end == nil && count(harness, "calls_taken") == 101 && count(harness, "calls_ended") == 1)
    }

    @Test func aThousandCallsAreTakenAtOnceAndEachHasItsOwnWords() throws {
        let harness = try harness(["max_calls": 1_000])
        let callers = (0..<1_000).map { _ in caller() }
        for (number, caller) in callers.enumerated() { begin(caller, number: number) }
        for (number, caller) in callers.enumerated() {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 160)
            for chunk in 1...3 { #expect(port.post(.text(caller.socket, TestCall.media(chunk, bytes)))) }
        }
        harness.settle()
        #expect(count(harness, "calls_taken") == 1_000 && count(harness, "calls_refused") == 0)
        let heard = (1...1_000).map { number in
            harness.sink("call.\(number)/audio").received.map { ($0.item as? Packet)?.bytes[0] }
        }
        #expect(heard == (0..<1_000).map { Array(repeating: UInt8(truncatingIfNeeded: $0), count: 3) })
        // One more is one too many, and the end of all leaves nothing.
        let late = caller()
        begin(late, number: 1_001)
        harness.settle()
        #expect(late.end?.hasPrefix("1013 1000 calls are under way") == true)
        for caller in callers { _ = port.post(.closed(caller.socket, code: 1_000, reason: "")) }
        harness.settle()
        #expect(count(harness, "calls_ended") == 1_000)
        #expect(harness.state(of: "call.1/caller") == nil && harness.state(of: "call.1000/caller") == nil)
    }

    @Test func theWebhookIsAnsweredWhileAThousandCallsAreOpened() throws {
        let harness = try harness(["max_calls": 1])
        let refused = Mutex(0)
        let before = Mutex<[Int]>([])
        let port = port
        let callers = (0..<1_000).map { _ in
            WebSocket(
                HTTPRequest(.get, "/twilio/stream", headers: ["Host": "a.example"], peer: "192.0.2.1:50000"),
                deliver: { _ in true },
                end: { _, _ in
                    refused.withLock { $0 += 1 }
                    // Somebody calls in the middle of it.
                    port.ask(HTTPRequest(.post, "/twilio/voice", headers: ["Host": "a.example"])) { _ in
                        before.withLock { $0.append(refused.withLock { $0 }) }
                    }
                })
        }
        for caller in callers { #expect(port.post(.opened(caller))) }
        // One step does a bounded part of it.
        _ = harness.step("calls")
        #expect(1...16 ~= refused.withLock { $0 })
        harness.settle()
        #expect(before.withLock { $0 } == Array(1...999))
    }

    @Test func whatIsSaidGoesToItsOwnCall() throws {
        let harness = try harness([:])
        let callers = [caller(), caller()]
        for (number, caller) in callers.enumerated() { begin(caller, number: number) }
        for (number, caller) in callers.enumerated() {
            _ = port.post(.text(caller.socket, TestCall.media(1, [UInt8(number)])))
        }
        harness.settle()
        for number in 1...2 {
            let heard = harness.sink("call.\(number)/audio").received
            #expect(heard.map { ($0.item as? Packet)?.bytes[0] } == [UInt8(number - 1)])
        }
    }

    @Test func oneThatDoesNotStartIsClosed() throws {
        let harness = try harness([:])
        let silent = caller()
        _ = port.post(.opened(silent.socket))
        harness.advance(by: .seconds(9))
        #expect(silent.end == nil)
        harness.advance(by: .seconds(2))
        #expect(silent.end == "1008 no start came within 10 s")
        let strange = caller()
        _ = port.post(.opened(strange.socket))
        _ = port.post(.text(strange.socket, "<xml/>"))
        harness.settle()
        #expect(strange.end?.hasPrefix("1008 A message is no JSON") == true)
    }

    @Test func oneThatIsNotSignedIsClosed() throws {
        let harness = try harness(["auth_token": "secret"])
        let signed = RequestSignature(token: "secret").of("wss://a.example/twilio/stream")
        let (right, wrong) = (caller(["Host": "a.example", "X-Twilio-Signature": signed]), caller())
        for caller in [right, wrong] { begin(caller) }
        harness.settle()
        #expect(right.end == nil && wrong.end?.hasPrefix("1008 X-Twilio-Signature") == true)
        #expect(count(harness, "calls_taken") == 1)
        #expect(!harness.events.contains { $0.what.contains("secret") })
    }

    @Test func oneThatFloodsLosesItselfAlone() throws {
        let harness = try harness([:])
        let flood = caller()
        begin(flood)
        harness.settle()
        var taken = 0
        for chunk in 1...600 where port.post(.text(flood.socket, TestCall.media(chunk, [1]))) { taken += 1 }
        #expect(taken == TwilioCall.mostWaiting)
        harness.settle()
        #expect(port.post(.text(flood.socket, TestCall.media(600, [1]))))
    }

    @Test func edgesThatLeaveTheDoorAreRefused() throws {
        let registry = NodeRegistry()
        let port = port
        registry.provide((any HTTPService).self) { port }
        #expect {
            try NodeHarness(TwilioInput.self, parameters: ["template": "call"], registry: registry)
        } throws: { "\($0)".contains("edges leave it here") }
    }
}
