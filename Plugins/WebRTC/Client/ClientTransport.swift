import DTLS
import ICE
import Net
import Sluice

/// Our way to a server, by UDP, and by TCP where the server waits for it: full ICE, then DTLS over what ICE has proved.
/// It has no socket and reads no clock: datagrams and the time in, datagrams and news out. Of the client's thread.
final class ClientTransport {
    /// The transport, as the server's description tells it.
    struct Agreement: Sendable {
        var remote: ICECredentials
        /// The server answers checks and makes none.
        var isLite: Bool
        var candidates: [ICECandidate]
        /// One of them is that of the server's certificate.
        var fingerprints: [Fingerprint]
        var role: DTLSSession.Role
    }

    /// The outcome of a call: datagrams with their addresses, and news.
    struct Outcome {
        var datagrams: [([UInt8], ICEPath)] = []
        /// TCP connections to be opened, before what is sent, and to be closed, behind it.
        var opens: [(number: UInt64, address: SocketAddress, local: Int)] = []
        var closes: [UInt64] = []
        var news: [PeerTransport.News] = []
    }

    private(set) var agent: ICEFullAgent
    private var dtls: DTLSSession?
    private var answers = DTLSDatagrams()
    private(set) var isConnected = false
    private(set) var isOver = false

    /// `locals` are the addresses of the sockets, one of a family.
    init(locals: [SocketAddress]) {
        agent = ICEFullAgent(locals: locals, hmac: Secrets.hmacSHA1, random: Secrets.fillRandom)
    }

    /// The server's description has come.
    func connect(_ agreement: Agreement, now: Instant, _ outcome: inout Outcome) throws {
        dtls = try DTLSSession(
            agreement.role, certificate: .ofProcess(), peer: agreement.fingerprints, now: now)
        agent.setRemote(agreement.remote, isLite: agreement.isLite, now: now)
        for candidate in agreement.candidates { agent.add(candidate, now: now) }
        agent.endOfCandidates(now: now)
        look(now, &outcome)
    }

    /// When `advance` has something to do.
    var wake: Instant {
        guard !isOver else { return .distantFuture }
        let handshake = agent.selected == nil ? nil : dtls?.nextTimeout
        return min(agent.wake, handshake ?? .distantFuture)
    }

    /// RTP and RTCP from there are the server's.
    func takesMedia(from route: ICERoute) -> Bool { isConnected && agent.mayReceive(from: route) }

    /// A datagram of STUN or DTLS that came to the socket at `local`; others are passed over.
    func receive(
        _ datagram: UnsafeRawBufferPointer, from route: ICERoute, local: Int, now: Instant,
        _ outcome: inout Outcome
    ) {
        guard !isOver else { return }
        switch PacketKind(datagram) {
        case .stun:
            guard let message = STUNMessage(datagram) else { return }
            agent.receive(message, from: route, local: local, now: now)
        case .dtls where agent.mayReceive(from: route):
            dtls?.receive(datagram, now: now, &answers)
            send(to: ICEPath(local: local, remote: route), &outcome)
        default: return
        }
        look(now, &outcome)
    }

    /// The TCP connection of this number is open.
    func connected(_ connection: UInt64, now: Instant, _ outcome: inout Outcome) {
        guard !isOver else { return }
        agent.connected(connection, now: now)
        look(now, &outcome)
    }

    /// The TCP connection of this number is closed, or could not be opened.
    func closed(_ connection: UInt64, now: Instant, _ outcome: inout Outcome) {
        guard !isOver else { return }
        agent.closed(connection, now: now)
        look(now, &outcome)
    }

    /// Does all that is due at `wake`.
    func advance(now: Instant, _ outcome: inout Outcome) {
        guard !isOver else { return }
        agent.advance(now: now)
        if let path = agent.selected {
            dtls?.handleTimeout(now: now, &answers)
            send(to: path, &outcome)
        }
        look(now, &outcome)
    }

    /// Says goodbye.
    func close(_ outcome: inout Outcome) {
        guard !isOver else { return }
        isOver = true
        guard let path = agent.selected else { return }
        dtls?.close(&answers)
        send(to: path, &outcome)
    }

    private func send(to path: ICEPath, _ outcome: inout Outcome) {
        answers.withEach { outcome.datagrams.append((Array($0), path)) }
        answers.removeAll()
    }

    private func look(_ now: Instant, _ outcome: inout Outcome) {
        while let action = agent.next() {
            switch action {
            case .send(let bytes, let path): outcome.datagrams.append((bytes, path))
            case .selected(let path):
                outcome.news.append(.route(path.remote))
                // A client's first flight is due at once.
                dtls?.handleTimeout(now: now, &answers)
                send(to: path, &outcome)
            case .failed(let failure), .restartFailed(let failure): end(failure.text(told: []), &outcome)
            case .connect(let number, let address, let local): outcome.opens.append((number, address, local))
            case .close(let number): outcome.closes.append(number)
            }
        }
        guard let dtls, !isOver else { return }
        switch dtls.state {
        case .handshaking: break
        case .connected(let keys):
            guard !isConnected else { return }
            isConnected = true
            outcome.news.append(.connected(keys))
        case .failed(let sentence): end(words(ofFailed: sentence), &outcome)
        case .closed: end(nil, &outcome)
        }
    }

    /// In a step of its own: Swift 6.3.1 fails on `agent.selected.map` in the optimized build that is made for fuzzing.
    private func words(ofFailed sentence: String) -> String {
        guard let path = agent.selected else { return "DTLS failed: \(sentence)" }
        return "ICE connected to \(path), then DTLS failed: \(sentence)"
    }

    private func end(_ sentence: String?, _ outcome: inout Outcome) {
        guard !isOver else { return }
        isOver = true
        outcome.news.append(.ended(sentence))
    }
}
