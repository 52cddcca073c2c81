import DTLS
import ICE
import Negotiation
import Sluice

/// Our offers to one peer on one connection, and what its answers make of the session. Tracks of ours come and go, each
/// in a section of its own, and so does what the peer sends.
struct ViewerOffer {
    /// An answer, understood.
    struct Outcome {
        let transport: PeerTransport.Agreement
        /// The peer has new credentials: ICE begins anew.
        let restartsICE: Bool
        let sent: [PeerSession.SentMedium]
        let (receivedAudio, receivedVideo): (PeerSession.ReceivedMedium?, PeerSession.ReceivedMedium?)
    }

    /// The media that a peer may send.
    struct Incoming {
        var takesAudio = false
        /// Of video, the best first; none is taken where there is none.
        var videoCodecs: [MediaCodec] = []
        /// The sections are there from the first offer on, whatever the peer wants.
        var isReady = false
    }

    /// A track with its section.
    private struct Sent {
        let mid: String
        let track: OfferedTrack
    }

    private let incoming: Incoming
    private let candidates: [String]
    private var own = OwnNames()
    private var offerer: Offerer
    private var credentials = ICECredentials(random: Secrets.fillRandom)
    private var sent: [Sent] = []
    /// The media ids of what the peer sends.
    private var (microphone, camera): (String?, String?)
    /// A connection needs a section (RFC 9143), and tracks may all be gone: one for audio that nobody takes.
    private var placeholder: String?

    /// `candidates` are the lines of our addresses: a server that is ICE-lite knows all of them at once, so its offers
    /// are whole. Throws where a description has no room for the tracks.
    init(_ tracks: [OfferedTrack], _ incoming: Incoming, candidates: [String]) throws(NegotiationFault) {
        (self.incoming, self.candidates) = (incoming, candidates)
        offerer = Offerer(id: own.id)
        if incoming.isReady {
            if incoming.takesAudio { try turn(\.microphone, audio) }
            if !incoming.videoCodecs.isEmpty { try turn(\.camera, video) }
            if microphone == nil, camera == nil { placeholder = try offerer.add(incoming: audio) }
        }
        try follow(tracks)
    }

    private var audio: IncomingStream { IncomingStream([.opus()], wantsRedundancy: true) }
    private var video: IncomingStream { IncomingStream(incoming.videoCodecs) }

    /// The next offer has these tracks. Throws where a description has no room for them.
    mutating func follow(_ tracks: [OfferedTrack]) throws(NegotiationFault) {
        for old in sent where !tracks.contains(where: { $0.id == old.track.id && $0.stream === old.track.stream }) {
            offerer.end(old.mid)
            sent.removeAll { $0.mid == old.mid }
        }
        for track in tracks where !sent.contains(where: { $0.track.id == track.id }) {
            let mid = try offerer.add(outgoing: own.stream(of: track))
            sent.append(Sent(mid: mid, track: track))
        }
    }

    /// The last offer had others.
    func isBehind(_ tracks: [OfferedTrack]) -> Bool {
        tracks.count != sent.count
            || !tracks.allSatisfy { track in
                sent.contains { $0.track.id == track.id && $0.track.stream === track.stream }
            }
    }

    /// Whether an offer for what the peer wants to send has other sections than the last one had.
    func changes(microphone: Bool, camera: Bool) -> (microphone: Bool, camera: Bool) {
        guard !incoming.isReady else { return (false, false) }
        return (
            (microphone && incoming.takesAudio) != (self.microphone != nil),
            (camera && !incoming.videoCodecs.isEmpty) != (self.camera != nil)
        )
    }

    /// The text of the next offer. Throws where one waits for its answer, and where there is no certificate.
    mutating func offer(microphone: Bool, camera: Bool = false, restartsICE: Bool = false) throws -> String {
        var next = self
        let isChanged = changes(microphone: microphone, camera: camera)
        if isChanged.microphone { try next.turn(\.microphone, audio) }
        if isChanged.camera { try next.turn(\.camera, video) }
        if restartsICE { next.credentials = ICECredentials(random: Secrets.fillRandom) }
        let certificate = try DTLSCertificate.ofProcess()
        let text = try next.offerer.offer(
            OwnTransport(
                fragment: next.credentials.fragment, password: next.credentials.password,
                fingerprint: certificate.fingerprint.text, candidates: candidates))
        self = next
        return text
    }

    /// Begins a section, or ends it.
    private mutating func turn(
        _ section: WritableKeyPath<ViewerOffer, String?>, _ stream: IncomingStream
    ) throws(NegotiationFault) {
        guard let mid = self[keyPath: section] else {
            self[keyPath: section] = try offerer.add(incoming: stream)
            return
        }
        offerer.end(mid)
        self[keyPath: section] = nil
    }

    /// The browser's answer. Throws for one that makes no sense, or refuses all: the offer still waits.
    mutating func accept(_ answer: String) throws -> Outcome {
        var next = offerer
        let agreement = try next.accept(PeerDescription(answer))
        guard incoming.isReady || agreement.sections.contains(where: { $0.sending != nil || $0.receiving != nil })
        else { throw NodeError("the answer takes nothing of what is offered") }
        let transport = try ViewerAnswer.transport(agreement, credentials)
        offerer = next
        return Outcome(
            transport: transport, restartsICE: agreement.restartsICE,
            sent: agreement.sections.compactMap { section in
                let track = sent.first { $0.mid == section.mid }?.track
                return ViewerAnswer.medium(section, track?.stream, track?.playoutDelay)
            },
            receivedAudio: placeholder == nil ? ViewerAnswer.received(agreement) : nil,
            receivedVideo: PeerSession.ReceivedMedium(.video, in: agreement))
    }

    /// The session of a new connection. `takesAudio` where the template has the peer's microphone.
    func session(
        _ outcome: Outcome, _ link: PeerLink, peer: String, takesAudio: Bool, share: RoomShare? = nil
    ) -> PeerSession {
        PeerSession(
            link, peer: peer, cname: own.cname, sent: outcome.sent, receivedVideo: outcome.receivedVideo,
            receivedAudio: takesAudio ? outcome.receivedAudio : nil, isHeardElsewhere: !takesAudio, share: share)
    }

    var cname: String { own.cname }

    /// Why an offer or an answer came to nothing, in a sentence.
    static func sentence(_ error: any Error) -> String {
        switch error {
        case let fault as NegotiationFault: ViewerAnswer.sentence("\(fault.what)", fault.advice)
        case let error as NodeError: ViewerAnswer.sentence(error.message, error.advice)
        case let refusal as WHEPRefusal: refusal.words
        default: "\(error)."
        }
    }
}
