import DTLS
import RTP
import SRTP
import Sluice
import Testing

@Suite struct HandshakeTests {
    @Test func bothRolesAgreeOnKeysForGCM() throws {
        let handshake = try Handshake()
        handshake.run()
        #expect(handshake.agrees, "\(handshake.client.state) \(handshake.server.state)")
        let keys = try #require(handshake.serverKeys)
        #expect(keys.suite == .aesGCM128)
        #expect(keys.sending.count == 28 && keys.receiving.count == 28 && keys.sending != keys.receiving)
        #expect(handshake.now == Instant(nanoseconds: 20_000_000), "two round trips of 10 ms")
        #expect(handshake.client.nextTimeout == nil && handshake.server.nextTimeout == nil)
    }

    @Test func eachHandshakeHasItsOwnKeys() throws {
        let keys = try (0..<3).map { _ in
            let handshake = try Handshake()
            handshake.run()
            return try #require(handshake.serverKeys).sending
        }
        #expect(Set(keys).count == 3)
    }

    @Test func theKeysOpenWhatTheOtherSideProtects() throws {
        let handshake = try Handshake()
        handshake.run()
        let (mine, theirs) = (try #require(handshake.clientKeys), try #require(handshake.serverKeys))
        for (from, to) in [(mine, theirs), (theirs, mine)] {
            let sender = try SRTPContext(from.suite, key: from.sending, .sending)
            let receiver = try SRTPContext(to.suite, key: to.receiving, .receiving)
            let plain = [UInt8]([0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7] + Array(repeating: 0x5a, count: 100))
            var room = plain + [UInt8](repeating: 0, count: SRTPContext.trailer)
            let size = try #require(room.withUnsafeMutableBytes { sender.protect($0, count: plain.count) })
            #expect(room.withUnsafeMutableBytes { receiver.unprotect($0, count: size) } == .packet(plain.count))
            #expect(Array(room.prefix(plain.count)) == plain)
        }
    }

    @Test func noDatagramIsLargerThan1200Bytes() throws {
        let handshake = try Handshake()
        handshake.run()
        #expect(handshake.sent.allSatisfy { $0.bytes.count <= DTLSSession.datagramSize })
        // A hello, and then each side's flight in one datagram.
        #expect(handshake.sent.count == 4)
    }

    @Test func theFirstHelloWaitsForTheTimeThatTheClientNames() throws {
        let (certificate, start) = (try DTLSCertificate.ofProcess(), Instant(nanoseconds: 77))
        let client = try DTLSSession(.client, certificate: certificate, peer: [certificate.fingerprint], now: start)
        #expect(client.nextTimeout == start)
        var datagrams = DTLSDatagrams()
        client.handleTimeout(now: start - Interval(nanoseconds: 1), &datagrams)
        #expect(datagrams.isEmpty)
        client.handleTimeout(now: start, &datagrams)
        #expect(datagrams.count == 1 && client.nextTimeout == start + .milliseconds(100))
    }

    @Test func aGoodbyeIsHeard() throws {
        for isClient in [true, false] {
            let handshake = try Handshake()
            handshake.run()
            handshake.close(client: isClient)
            handshake.settle()
            #expect(handshake.client.state == .closed && handshake.server.state == .closed)
        }
    }

    @Test func sessionsMayMoveBetweenThreads() async throws {
        let agreed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let handshake = try Handshake()
                    handshake.run()
                    return handshake.agrees
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(agreed == 16)
    }
}
