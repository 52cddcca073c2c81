import DTLS
import Sluice
import TestSupport
import Testing

@Suite struct GarbageTests {
    private let now = Instant(nanoseconds: 0)

    private func feed(_ bytes: [UInt8], to session: DTLSSession, at now: Instant) -> [[UInt8]] {
        var datagrams = DTLSDatagrams()
        bytes.withUnsafeBytes { session.receive($0, now: now, &datagrams) }
        var answers: [[UInt8]] = []
        datagrams.withEach { answers.append(Array($0)) }
        return answers
    }

    @Test func garbageIsNotAnsweredAndDoesNotHurt() throws {
        var dice = Dice(seed: 3)
        let handshake = try Handshake()
        for round in 0..<3_000 {
            var bytes = (0..<Int.random(in: 0...200, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            // Alerts in the clear are believed, as TLS wants it: an address that ICE has proved sends them.
            if !bytes.isEmpty { bytes[0] = [20, 22, 23, 24, 63][round % 5] }
            for session in [handshake.client, handshake.server] {
                #expect(feed(bytes, to: session, at: handshake.now).isEmpty || session === handshake.client)
            }
        }
        handshake.run()
        #expect(handshake.agrees, "\(handshake.client.state) \(handshake.server.state)")
    }

    @Test func aDatagramCutShortAnywhereIsLikeALostOne() throws {
        let whole = try Handshake()
        whole.run()
        for number in whole.sent.indices {
            for step in stride(from: 0, to: whole.sent[number].bytes.count, by: 7) {
                let handshake = try Handshake { index, _, bytes in
                    [(5, index == number ? Array(bytes.prefix(step)) : bytes)]
                }
                handshake.run()
                #expect(handshake.agrees, "datagram \(number) after \(step) bytes: \(handshake.client.state)")
            }
        }
    }

    @Test func aChangedByteNeverGivesKeysThatDiffer() throws {
        let whole = try Handshake()
        whole.run()
        var dice = Dice(seed: 5)
        for number in whole.sent.indices {
            for _ in 0..<60 {
                let place = Int.random(in: 0..<whole.sent[number].bytes.count, using: &dice)
                let handshake = try Handshake { index, _, bytes in
                    var bytes = bytes
                    if index == number, place < bytes.count { bytes[place] ^= 0x41 }
                    return [(5, bytes)]
                }
                handshake.settle()
                guard handshake.clientKeys != nil, handshake.serverKeys != nil else { continue }
                #expect(handshake.agrees, "datagram \(number), byte \(place)")
            }
        }
    }

    @Test func theWholeHandshakeAgainChangesNothing() throws {
        let handshake = try Handshake()
        handshake.run()
        for (isFromClient, bytes) in handshake.sent {
            let session = isFromClient ? handshake.server : handshake.client
            for answer in feed(bytes, to: session, at: handshake.now) { #expect(answer.count <= 1_200) }
        }
        #expect(handshake.agrees)
    }

    @Test func aStrangersHelloDoesNotEndAConnectedSession() throws {
        let (handshake, stranger) = (try Handshake(), try Handshake())
        handshake.run()
        stranger.run()
        for (isFromClient, bytes) in stranger.sent {
            _ = feed(bytes, to: isFromClient ? handshake.server : handshake.client, at: handshake.now)
        }
        #expect(handshake.agrees)
    }

    @Test func aMessageThatAnnouncesMegabytesIsRefused() throws {
        let certificate = try DTLSCertificate.ofProcess()
        let server = try DTLSSession(.server, certificate: certificate, peer: [certificate.fingerprint], now: now)
        // A ClientHello of 16 MB, of which the first 16 bytes are here.
        let hello: [UInt8] =
            [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 1, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 16]
            + Array(repeating: 3, count: 16)
        _ = feed(hello, to: server, at: now)
        guard case .failed(let sentence) = server.state else {
            Issue.record("\(server.state)")
            return
        }
        #expect(sentence == "the peer sent a handshake message that is malformed or longer than 16 kB")
    }
}
