import DTLS
import ICE
import Net
import Sluice

@testable import WebRTCPlugin

/// The browser's side of a transport: checks written by hand, and a handshake.
final class FullPeer {
    let credentials = ICECredentials(fragment: "peer", password: "passwordofthepeer12345")!
    let route = ICERoute(SocketAddress(numeric: "192.0.2.7", port: 5_000)!)
    let certificate: DTLSCertificate
    let dtls: DTLSSession
    private var server: ICECredentials

    static let start = Instant(nanoseconds: 1_000_000_000)

    init(_ server: ICECredentials, seesFingerprint fingerprint: Fingerprint? = nil) throws {
        self.server = server
        certificate = try DTLSCertificate()
        dtls = try DTLSSession(
            .client, certificate: certificate, peer: [fingerprint ?? DTLSCertificate.ofProcess().fingerprint],
            now: FullPeer.start)
    }

    func check(nominating: Bool, password: String? = nil, priority: UInt32 = 1) -> [UInt8] {
        var writer = STUNWriter(.request, transaction: STUN.Transaction(high: 1, low: 2))
        writer.add(username: "\(server.fragment):\(credentials.fragment)")
        writer.add(priority: priority)
        if nominating { writer.addUseCandidate() }
        writer.add(role: .controlling(tieBreaker: 1))
        return writer.finish(password: password ?? server.password, by: Secrets.hmacSHA1)
    }
}

/// A transport and its news, with a peer at the other end; no datagram is lost between them.
final class TransportRig {
    let peer: FullPeer
    let transport: PeerTransport
    private(set) var news: [PeerTransport.News] = []
    var now = FullPeer.start

    init(fingerprint: Fingerprint? = nil, seesFingerprint: Fingerprint? = nil) throws {
        let credentials = ICECredentials(random: Secrets.fillRandom)
        peer = try FullPeer(credentials, seesFingerprint: seesFingerprint)
        transport = try PeerTransport(
            PeerTransport.Agreement(
                credentials: credentials, remoteFragment: peer.credentials.fragment,
                fingerprints: [fingerprint ?? peer.certificate.fingerprint], role: .server),
            told: [SocketAddress(numeric: "10.0.0.4", port: 8_189)!], now: now)
    }

    @discardableResult
    func check(
        nominating: Bool = true, password: String? = nil, from route: ICERoute? = nil, priority: UInt32 = 1
    ) -> ICECheck {
        var reply: [UInt8] = []
        let check = peer.check(nominating: nominating, password: password, priority: priority)
        return check.withUnsafeBytes { bytes in
            guard let message = STUNMessage(bytes) else { return .ignored }
            return transport.receive(message, from: route ?? peer.route, now: now, reply: &reply) { news.append($0) }
        }
    }

    /// Where media go, by the last news.
    var route: ICERoute? {
        news.lazy.reversed().compactMap { if case .route(let route) = $0 { route } else { nil } }.first
    }

    /// Hands datagrams to and fro until neither side has one.
    func shakeHands(from route: ICERoute? = nil) {
        var toServer = DTLSDatagrams()
        peer.dtls.handleTimeout(now: now, &toServer)
        for _ in 0..<20 where !toServer.isEmpty {
            var toPeer = DTLSDatagrams()
            toServer.withEach {
                _ = transport.receive(dtls: $0, from: route ?? peer.route, now: now, &toPeer) { news.append($0) }
            }
            toServer.removeAll()
            toPeer.withEach { peer.dtls.receive($0, now: now, &toServer) }
        }
    }

    func advance(_ seconds: Double) {
        now = now + .seconds(seconds)
        var answers = DTLSDatagrams()
        transport.advance(now: now, &answers, forget: { _ in }, { news.append($0) })
    }

    var keys: SRTPKeys? {
        news.lazy.compactMap { if case .connected(let keys) = $0 { keys } else { nil } }.first
    }

    var ending: String? {
        news.lazy.compactMap { if case .ended(let sentence) = $0 { sentence } else { nil } }.first
    }
}
