import DTLS
import ICE
import Negotiation
import Sluice

/// Our offer to a server, and what comes of its answer.
struct ClientOffer {
    /// Of our description.
    let text: String
    private let streams: ViewerAnswer.Streams
    private let cname: String
    private var offerer: Offerer

    /// `streams` are sent and `taken` are received, each in a section of its own, so that both have one direction
    /// (RFC 9725, section 4.2). Throws where a description has no room for them, and where there is no certificate.
    init(_ streams: ViewerAnswer.Streams, taking taken: [IncomingStream], from port: ClientPort) throws {
        self.streams = streams
        var own = OwnNames()
        cname = own.cname
        offerer = Offerer(id: own.id)
        for track in streams.tracks { _ = try offerer.add(outgoing: own.stream(of: track)) }
        for stream in taken { _ = try offerer.add(incoming: stream) }
        text = try offerer.offer(
            OwnTransport(
                fragment: port.credentials.fragment, password: port.credentials.password,
                fingerprint: DTLSCertificate.ofProcess().fingerprint.text, candidates: port.candidates.map(\.line),
                isLite: false))
    }

    /// The server's answer: the way to it, and the session that both agree on. Throws where it makes no sense, or
    /// takes nothing.
    mutating func accept(
        _ answer: String, _ link: PeerLink, peer: String
    ) throws -> (transport: ClientTransport.Agreement, session: PeerSession) {
        let agreement = try offerer.accept(PeerDescription(answer))
        guard agreement.sections.contains(where: { $0.sending != nil || $0.receiving != nil }),
            let theirs = agreement.transport, let fragment = theirs.fragment, let password = theirs.password,
            let credentials = ICECredentials(fragment: fragment, password: password)
        else { throw NodeError("its answer takes nothing of the offer") }
        let transport = ClientTransport.Agreement(
            remote: credentials, isLite: theirs.isLite,
            candidates: theirs.candidates.compactMap { ICECandidate(line: $0) },
            fingerprints: try theirs.fingerprints.map { try Fingerprint($0) },
            role: agreement.isActive ? .client : .server)
        let session = PeerSession(
            link, peer: peer, cname: cname, sent: ViewerAnswer.media(agreement, streams),
            receivedVideo: PeerSession.ReceivedMedium(.video, in: agreement),
            receivedAudio: PeerSession.ReceivedMedium(.audio, in: agreement))
        return (transport, session)
    }
}
