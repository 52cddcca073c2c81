import DTLS
import ICE
import Net
import Sluice

/// One peer's way from the first check to keys: ICE-lite, then DTLS over what ICE has proved. It has no socket and
/// reads no clock: datagrams and the time in, datagrams and news out. Of the port's thread.
final class PeerTransport {
    /// The transport, as the peer's description and ours tell it.
    struct Agreement: Sendable {
        /// Ours.
        var credentials: ICECredentials
        /// The peer's fragment.
        var remoteFragment: String
        /// One of them is that of the peer's certificate.
        var fingerprints: [Fingerprint]
        /// Our part in the handshake: the server's where the peer's description says `active` (RFC 5763, section 5).
        var role: DTLSSession.Role
    }

    /// News of a call.
    enum News {
        /// The way to the peer, or another one than before.
        case route(ICERoute)
        /// Keys are there: media may flow.
        case connected(SRTPKeys)
        /// It is over; the peer said so where there is no sentence.
        case ended(String?)
    }

    private(set) var agent: ICELiteAgent
    private let dtls: DTLSSession
    private let told: [SocketAddress]
    private(set) var isConnected = false
    private(set) var isOver = false
    /// A way was told.
    private var hasRoute = false

    /// `told` are the addresses that our description names, for the sentence of a failure.
    init(_ agreement: Agreement, told: [SocketAddress], now: Instant) throws {
        agent = ICELiteAgent(
            local: agreement.credentials, remoteFragment: agreement.remoteFragment,
            hmac: Secrets.hmacSHA1, now: now)
        dtls = try DTLSSession(
            agreement.role, certificate: .ofProcess(), peer: agreement.fingerprints, now: now)
        self.told = told
    }

    /// When `advance` has something to do.
    var wake: Instant {
        guard !isOver else { return .distantFuture }
        // A client's handshake begins once there is a way.
        let handshake = agent.selected == nil ? nil : dtls.nextTimeout
        return min(agent.wake, handshake ?? .distantFuture)
    }

    /// A check, answered in `reply`; `forgotten` is a way from which nothing is taken any more.
    func receive(
        _ check: STUNMessage, from route: ICERoute, now: Instant, reply: inout [UInt8], _ news: (News) -> Void
    ) -> ICECheck {
        let result = agent.receive(check, from: route, now: now, reply: &reply)
        if case .accepted(let accepted) = result, accepted.isSelected {
            hasRoute = true
            news(.route(route))
        }
        return result
    }

    /// A TCP connection of the peer is closed. Media go another way from now on, where there is one.
    func lose(_ route: ICERoute, now: Instant, _ news: (News) -> Void) {
        if let next = agent.lose(route, now: now) { news(.route(next)) }
    }

    /// A datagram of DTLS. Those from where no check has proved that the peer is there are passed over: false.
    func receive(
        dtls datagram: UnsafeRawBufferPointer, from route: ICERoute, now: Instant, _ answers: inout DTLSDatagrams,
        _ news: (News) -> Void
    ) -> Bool {
        guard !isOver, agent.mayReceive(from: route) else { return false }
        dtls.receive(datagram, now: now, &answers)
        // A peer may nominate a way only after it has used it. Until then media go where its handshake comes from.
        if !hasRoute {
            hasRoute = true
            news(.route(route))
        }
        look(news)
        return true
    }

    /// Does all that is due at `wake`. `answers` go to the selected way.
    func advance(
        now: Instant, _ answers: inout DTLSDatagrams, forget: (ICERoute) -> Void, _ news: (News) -> Void
    ) {
        guard !isOver else { return }
        if let failure = agent.advance(now: now, forget: forget) {
            isOver = true
            return news(.ended(failure.text(told: told)))
        }
        guard agent.selected != nil else { return }
        dtls.handleTimeout(now: now, &answers)
        look(news)
    }

    private func look(_ news: (News) -> Void) {
        switch dtls.state {
        case .handshaking: break
        case .connected(let keys):
            guard !isConnected else { return }
            isConnected = true
            news(.connected(keys))
        case .failed(let sentence):
            guard !isOver else { return }
            isOver = true
            let way = agent.selected.map { "ICE connected to \($0), then DTLS failed" } ?? "DTLS failed"
            news(.ended("\(way): \(sentence)"))
        case .closed:
            guard !isOver else { return }
            isOver = true
            news(.ended(nil))
        }
    }

    /// Says goodbye.
    func close(_ answers: inout DTLSDatagrams) {
        isOver = true
        dtls.close(&answers)
    }

    /// New credentials of both sides; the handshake, the keys and the way hold until a check with them has come.
    func restart(local: ICECredentials, remoteFragment: String, now: Instant) {
        agent.restart(local: local, remoteFragment: remoteFragment, now: now)
    }
}
