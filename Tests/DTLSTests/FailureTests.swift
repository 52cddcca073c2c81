import DTLS
import Sluice
import Testing

@Suite struct FailureTests {
    private func reason(_ session: DTLSSession) -> String {
        if case .failed(let sentence) = session.state { return sentence }
        return "\(session.state)"
    }

    @Test func anotherFingerprintIsRefusedByEitherSide() throws {
        let (one, other) = (try DTLSCertificate(), try DTLSCertificate())
        let byServer = try Handshake(client: one, serverExpects: [other.fingerprint])
        byServer.run()
        let sentence = "the certificate's fingerprint is not the one that the peer's description has"
        #expect(reason(byServer.server) == sentence)
        #expect(reason(byServer.client).hasPrefix("the peer has ended it with the alert \"bad certificate\""))
        let byClient = try Handshake(server: one, clientExpects: [other.fingerprint])
        byClient.run()
        #expect(reason(byClient.client) == sentence)
        #expect(reason(byClient.server).hasPrefix("the peer has ended it with the alert \"bad certificate\""))
        #expect(byClient.client.nextTimeout == nil && byClient.server.nextTimeout == nil)
    }

    @Test func oneOfSeveralFingerprintsSuffices() throws {
        let (one, other) = (try DTLSCertificate(), try DTLSCertificate())
        let handshake = try Handshake(client: one, serverExpects: [other.fingerprint, one.fingerprint])
        handshake.run()
        #expect(handshake.agrees)
    }

    @Test func withoutAFingerprintNobodyIsTaken() throws {
        let handshake = try Handshake(serverExpects: [])
        handshake.run()
        #expect(reason(handshake.server).contains("fingerprint"))
    }

    @Test func aServerThatHearsNothingGivesUpAfter25Seconds() throws {
        let handshake = try Handshake { _, _, _ in [] }
        handshake.settle()
        #expect(reason(handshake.server) == "no ClientHello came within 25 s")
        #expect(reason(handshake.client) == "nothing answered our ClientHello within 25 s")
        #expect(handshake.now == Instant(nanoseconds: 25_000_000_000))
        // After 0, 0.1, 0.3, 0.7 s and so on, and never more than 3.2 s apart.
        #expect(handshake.sent.count == 12)
    }

    @Test func aHandshakeThatStopsSaysWhere() throws {
        let early = try Handshake { number, isFromClient, bytes in number == 0 ? [(5, bytes)] : [] }
        early.settle()
        #expect(
            reason(early.server) == "the handshake was not over within 25 s: it stopped before the peer's certificate")
        #expect(reason(early.client) == "nothing answered our ClientHello within 25 s")
        let late = try Handshake { _, isFromClient, bytes in
            !isFromClient && bytes.first == 20 ? [] : [(5, bytes)]
        }
        late.settle()
        #expect(late.serverKeys != nil)
        #expect(
            reason(late.client) == "the handshake was not over within 25 s: it stopped behind the peer's certificate")
    }

    @Test func whatHasFailedTakesNothingMore() throws {
        let handshake = try Handshake(serverExpects: [])
        handshake.settle()
        var datagrams = DTLSDatagrams()
        for datagram in handshake.sent {
            datagram.bytes.withUnsafeBytes { handshake.server.receive($0, now: handshake.now, &datagrams) }
        }
        #expect(datagrams.isEmpty && reason(handshake.server).contains("fingerprint"))
        handshake.server.close(&datagrams)
        #expect(datagrams.isEmpty && handshake.server.state == .closed)
    }
}
