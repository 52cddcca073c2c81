import DTLS
import HTTP
import HTTPClient
import ICE
import Net
import RTP
import Sluice
import TestSupport
import Testing

@testable import WebRTCPlugin

/// A client and a server of ours, in virtual time; a datagram takes 10 ms, and every `losing`th is lost.
private final class Wire {
    let client: ClientTransport
    let server: PeerTransport
    private(set) var news: [PeerTransport.News] = []
    private var serverKeys: SRTPKeys?
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let losing: Int
    private var count = 0
    private var (toServer, toClient): ([(Instant, [UInt8])], [(Instant, [UInt8])]) = ([], [])
    private static let serverRoute = ICERoute(SocketAddress(numeric: "192.0.2.1", port: 8_189)!)
    private static let clientRoute = ICERoute(SocketAddress(numeric: "192.0.2.7", port: 5_000)!)
    /// Connections that are open, or were.
    private(set) var (opened, closed): ([UInt64], [UInt64]) = ([], [])
    private let acceptsTCP: Bool

    /// With `tcp` the server has no UDP.
    init(losing: Int = .max, fingerprint: Fingerprint? = nil, tcp: Bool = false, acceptsTCP: Bool = true) throws {
        (self.losing, self.acceptsTCP) = (losing, acceptsTCP)
        client = ClientTransport(locals: [SocketAddress(numeric: "0.0.0.0", port: 5_000)!])
        let certificate = try DTLSCertificate.ofProcess().fingerprint
        let credentials = ICECredentials(random: Secrets.fillRandom)
        server = try PeerTransport(
            PeerTransport.Agreement(
                credentials: credentials, remoteFragment: client.agent.local.fragment, fingerprints: [certificate],
                role: .server), told: [Wire.serverRoute.address], now: now)
        var outcome = ClientTransport.Outcome()
        try client.connect(
            ClientTransport.Agreement(
                remote: credentials, isLite: true,
                candidates: [ICECandidate(Wire.serverRoute.address, transport: tcp ? .passive : .udp)],
                fingerprints: [fingerprint ?? certificate], role: .client), now: now, &outcome)
        take(outcome)
    }

    var keys: (client: SRTPKeys?, server: SRTPKeys?) {
        (news.lazy.compactMap { if case .connected(let keys) = $0 { keys } else { nil } }.first, serverKeys)
    }
    var ending: String?? {
        news.lazy.compactMap { if case .ended(let sentence) = $0 { .some(sentence) } else { nil } }.first
    }

    private func put(_ bytes: [UInt8], to queue: inout [(Instant, [UInt8])]) {
        count += 1
        if count % losing != 0 { queue.append((now + .milliseconds(10), bytes)) }
    }

    private func take(_ outcome: ClientTransport.Outcome) {
        for (bytes, path) in outcome.datagrams where path.remote.connection == opened.last {
            put(bytes, to: &toServer)
        }
        news += outcome.news
        closed += outcome.closes
        for one in outcome.opens {
            var next = ClientTransport.Outcome()
            if acceptsTCP { opened.append(one.number) }
            acceptsTCP
                ? client.connected(one.number, now: now, &next) : client.closed(one.number, now: now, &next)
            take(next)
        }
    }

    private func at(_ route: ICERoute) -> ICERoute { ICERoute(route.address, connection: opened.last) }

    /// The server closes the connection.
    func breakOff() {
        var outcome = ClientTransport.Outcome()
        if let last = opened.last { client.closed(last, now: now, &outcome) }
        take(outcome)
    }

    private func note(_ one: PeerTransport.News) { if case .connected(let keys) = one { serverKeys = keys } }

    func advance(_ time: Interval, serverIsThere: Bool = true) {
        let end = now + time
        while now < end {
            let next = (toServer + toClient).map(\.0).min() ?? .distantFuture
            now = min(end, max(now, min(next, client.wake, server.wake)))
            let (incoming, outgoing) = (toServer.filter { $0.0 <= now }, toClient.filter { $0.0 <= now })
            toServer.removeAll { $0.0 <= now }
            toClient.removeAll { $0.0 <= now }
            for (_, bytes) in incoming where serverIsThere { serve(bytes) }
            var outcome = ClientTransport.Outcome()
            for (_, bytes) in outgoing {
                bytes.withUnsafeBytes {
                    client.receive($0, from: at(Wire.serverRoute), local: 0, now: now, &outcome)
                }
            }
            if client.wake <= now { client.advance(now: now, &outcome) }
            take(outcome)
            var answers = DTLSDatagrams()
            if server.wake <= now { server.advance(now: now, &answers, forget: { _ in }, { note($0) }) }
            answers.withEach { put(Array($0), to: &toClient) }
        }
    }

    private func serve(_ bytes: [UInt8]) {
        var (reply, answers): ([UInt8], DTLSDatagrams) = ([], DTLSDatagrams())
        bytes.withUnsafeBytes { bytes in
            if let check = STUNMessage(bytes) {
                _ = server.receive(check, from: at(Wire.clientRoute), now: now, reply: &reply) { note($0) }
            } else {
                _ = server.receive(dtls: bytes, from: at(Wire.clientRoute), now: now, &answers) { note($0) }
            }
        }
        if !reply.isEmpty { put(reply, to: &toClient) }
        answers.withEach { put(Array($0), to: &toClient) }
    }

    func hangUp() {
        var outcome = ClientTransport.Outcome()
        client.close(&outcome)
        take(outcome)
    }
}

@Suite("our way to a server") struct ClientTransportTests {
    @Test(arguments: [Int.max, 5, 3]) func bothHaveTheSameKeysAlsoWhereDatagramsAreLost(losing: Int) throws {
        let wire = try Wire(losing: losing)
        wire.advance(.seconds(losing == .max ? 1 : 10))
        let (client, server) = wire.keys
        #expect(client != nil && client?.sending == server?.receiving && client?.receiving == server?.sending)
        #expect(client?.suite == .aesGCM128)
    }

    @Test func itStaysConnectedForAnHourAndSaysGoodbye() throws {
        let wire = try Wire()
        wire.advance(.seconds(3_600))
        #expect(wire.ending == nil && wire.keys.client != nil)
        wire.hangUp()
        wire.advance(.seconds(1))
        #expect(wire.server.isOver)
    }

    @Test func aServerThatOffersTCPAloneIsConnectedByIt() throws {
        let wire = try Wire(tcp: true)
        wire.advance(.seconds(3))
        let (client, server) = wire.keys
        #expect(client != nil && client?.sending == server?.receiving)
        let route = wire.news.lazy.compactMap { if case .route(let route) = $0 { route } else { nil } }.last
        #expect(route?.connection == 1 && wire.opened == [1] && wire.closed.isEmpty)
        wire.advance(.seconds(600))
        #expect(wire.ending == nil)
        wire.breakOff()
        let said = try #require(wire.ending ?? nil)
        #expect(said == "connected to 192.0.2.1:8189 by TCP, then the peer closed the connection", "\(said)")
    }

    @Test func aServerWhoseConnectionIsRefusedIsNamed() throws {
        let wire = try Wire(tcp: true, acceptsTCP: false)
        wire.advance(.seconds(11))
        let said = try #require(wire.ending ?? nil)
        #expect(said.contains("192.0.2.1:8189 by TCP"), "\(said)")
    }

    @Test func aServerThatDoesNotAnswerIsNamed() throws {
        let wire = try Wire()
        wire.advance(.seconds(11), serverIsThere: false)
        let said = try #require(wire.ending ?? nil)
        #expect(said.hasPrefix("no answer to ") && said.contains("192.0.2.1:8189 by UDP within 10 s"), "\(said)")
    }

    @Test func aServerThatGoesIsNamed() throws {
        let wire = try Wire()
        wire.advance(.seconds(2))
        wire.advance(.seconds(40), serverIsThere: false)
        let said = try #require(wire.ending ?? nil)
        #expect(said.hasPrefix("connected to 192.0.2.1:8189 by UDP, then no check was answered for 30 s"), "\(said)")
    }

    @Test func anotherCertificateThanTheDescriptionTellsIsRefused() throws {
        let wire = try Wire(fingerprint: DTLSCertificate().fingerprint)
        wire.advance(.seconds(5))
        let said = try #require(wire.ending ?? nil)
        #expect(wire.keys.client == nil)
        #expect(said.contains("DTLS failed") && said.contains("fingerprint"), "\(said)")
    }
}

@Suite("a server's answer to our offer") struct WHIPAnswerTests {
    private func answer(_ status: Int, _ headers: HTTPHeaders = [:], _ body: String = "") -> WHIPAnswer {
        WHIPAnswer(
            HTTPCall.Answer(status: status, headers: headers, body: Array(body.utf8), url: "http://a:1/whip/x?k=1"),
            from: "a:1")
    }

    @Test func anAnswerWithItsSessionIsTaken() {
        let made = answer(201, ["Content-Type": "application/sdp", "Location": "/s/7"], "v=0")
        #expect(made == .accepted("v=0", session: "http://a:1/s/7"))
        #expect(answer(201, ["Content-Type": "application/sdp"], "v=0") == .accepted("v=0", session: nil))
    }

    @Test func refusalsSayWhatTheServerSays() {
        #expect(
            answer(401, ["Content-Type": "text/plain"], "No token.\nmore")
                == .refused("a:1 does not let us in (401): No token.", advice: "Check token."))
        #expect(answer(405) == .refused("a:1 has no such endpoint (405)", advice: "Check the address."))
        guard case .refused(let words, _) = answer(200, ["Content-Type": "text/html"], "<html>") else {
            Issue.record("a page was taken")
            return
        }
        #expect(words == "a:1 answers the offer with text/html and not with SDP")
    }

    @Test func anOverloadedServerIsCalledAgain() {
        #expect(
            answer(503, ["Retry-After": "7"]) == .later("a:1 cannot take us now (503)", .seconds(7)))
        #expect(answer(503, ["Retry-After": "later"]) == .later("a:1 cannot take us now (503)", nil))
        #expect(answer(409) == .later("a:1 cannot take us now (409)", nil))
        // The stream has not begun yet.
        #expect(answer(404) == .later("a:1 has nothing at this address (404)", nil))
    }
}
