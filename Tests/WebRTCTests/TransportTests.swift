import DTLS
import ICE
import Net
import RTP
import Sluice
import Testing

@testable import WebRTCPlugin

@Suite("One peer's way from a check to keys") struct TransportTests {
    @Test func aCheckAndAHandshakeGiveBothSidesTheSameKeys() throws {
        let rig = try TransportRig()
        rig.check()
        rig.shakeHands()
        let keys = try #require(rig.keys)
        guard case .connected(let theirs) = rig.peer.dtls.state else {
            Issue.record("the peer is \(rig.peer.dtls.state)")
            return
        }
        #expect(keys.suite == .aesGCM128)
        #expect(keys.sending == theirs.receiving && keys.receiving == theirs.sending)
        #expect(rig.transport.isConnected)
    }

    @Test func aHandshakeFromWhereNoCheckHasComeIsPassedOver() throws {
        let rig = try TransportRig()
        rig.shakeHands()
        #expect(rig.keys == nil)
        rig.check()
        let stranger = ICERoute(SocketAddress(numeric: "192.0.2.8", port: 5_000)!)
        rig.shakeHands(from: stranger)
        #expect(rig.keys == nil)
    }

    @Test func mediaGoWhereTheHandshakeComesFromUntilAWayIsNominated() throws {
        let rig = try TransportRig()
        rig.check(nominating: false)
        rig.shakeHands()
        guard case .route(let route)? = rig.news.first, case .connected? = rig.news.last else {
            Issue.record("\(rig.news)")
            return
        }
        #expect(route == rig.peer.route && rig.transport.agent.selected == nil)
    }

    @Test func aPeerThatMovesToTCPIsFollowedAndKeepsItsKeys() throws {
        let rig = try TransportRig()
        rig.check(priority: 9)
        rig.shakeHands()
        let keys = rig.keys
        let tcp = ICERoute(rig.peer.route.address, connection: 1)
        rig.advance(2)
        rig.check(priority: 9)
        #expect(rig.route == rig.peer.route)
        rig.check(from: tcp, priority: 5)
        #expect(rig.route == tcp && rig.keys == keys && rig.transport.isConnected)
        // The connection breaks, and UDP has not been forgotten.
        rig.transport.lose(tcp, now: rig.now) { _ in }
        #expect(rig.transport.agent.selected == rig.peer.route)
        rig.advance(29)
        #expect(rig.ending == nil)
    }

    @Test func aPeerThatNeverChecksIsToldByTheAddressItWasGiven() throws {
        let rig = try TransportRig()
        rig.advance(9.9)
        #expect(rig.ending == nil)
        rig.advance(0.2)
        #expect(
            rig.ending
                == "no check came to 10.0.0.4:8189 within 10 s: the address is private; set advertise to one that "
                + "browsers reach, or open UDP and TCP 8189")
    }

    @Test func aWrongPasswordIsSaid() throws {
        let rig = try TransportRig()
        rig.check(password: "another password than ours")
        rig.advance(10.1)
        #expect(rig.ending?.contains("none with the right password") == true, "\(rig.ending ?? "nothing")")
    }

    @Test func aCertificateOfAnotherFingerprintFailsAfterICEHasConnected() throws {
        let rig = try TransportRig(fingerprint: DTLSCertificate().fingerprint)
        rig.check()
        rig.shakeHands()
        let sentence = try #require(rig.ending)
        #expect(rig.keys == nil)
        #expect(sentence.hasPrefix("ICE connected to 192.0.2.7:5000 by UDP, then DTLS failed: "), "\(sentence)")
        #expect(sentence.contains("fingerprint"), "\(sentence)")
    }

    @Test func aPeerWhoseChecksStopIsGoneAfterThirtySeconds() throws {
        let rig = try TransportRig()
        rig.check()
        rig.shakeHands()
        rig.advance(29)
        #expect(rig.ending == nil)
        rig.check(nominating: false)
        rig.advance(29)
        #expect(rig.ending == nil)
        rig.advance(1.1)
        #expect(rig.ending?.contains("then no check came for 30 s") == true, "\(rig.ending ?? "nothing")")
    }

    @Test func aPeerThatSaysGoodbyeEndsWithoutASentence() throws {
        let rig = try TransportRig()
        rig.check()
        rig.shakeHands()
        var farewell = DTLSDatagrams()
        rig.peer.dtls.close(&farewell)
        var answers = DTLSDatagrams()
        var hasEnded = false
        farewell.withEach {
            _ = rig.transport.receive(dtls: $0, from: rig.peer.route, now: rig.now, &answers) {
                if case .ended(nil) = $0 { hasEnded = true }
            }
        }
        #expect(hasEnded)
    }
}
