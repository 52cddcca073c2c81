import DTLS
import ICE
import Negotiation
import Sluice

/// Our offers to one viewer on one connection, and what its answers make of the session. Video and audio of ours come
/// first; what the viewer sends has a section of its own behind them, so that it can come and go.
struct ViewerOffer {
    /// An answer, understood.
    struct Outcome {
        let transport: PeerTransport.Agreement
        /// The viewer has new credentials: ICE begins anew.
        let restartsICE: Bool
        let (receivedAudio, receivedVideo): (PeerSession.ReceivedMedium?, PeerSession.ReceivedMedium?)
        fileprivate let agreement: Agreement
    }

    private let streams: ViewerAnswer.Streams
    private let names: ViewerAnswer.OwnNames
    private let candidates: [String]
    private var offerer: Offerer
    private var credentials = ICECredentials(random: Secrets.fillRandom)
    /// The media ids of what the viewer sends.
    private var (microphone, camera): (String?, String?)

    /// `candidates` are the lines of our addresses: a server that is ICE-lite knows all of them at once, so its offers
    /// are whole. Throws where a description has no room for the streams.
    init(_ streams: ViewerAnswer.Streams, candidates: [String]) throws(NegotiationFault) {
        (self.streams, self.candidates) = (streams, candidates)
        names = ViewerAnswer.OwnNames(streams)
        offerer = Offerer(id: names.id)
        for stream in names.outgoing { _ = try offerer.add(outgoing: stream) }
    }

    /// Whether an offer for what the viewer wants to send has other sections than the last one had.
    func changes(microphone: Bool, camera: Bool) -> (microphone: Bool, camera: Bool) {
        (
            (microphone && streams.takesAudio) != (self.microphone != nil),
            (camera && streams.takesVideo) != (self.camera != nil)
        )
    }

    /// The text of the next offer. Throws where one waits for its answer, and where there is no certificate.
    mutating func offer(microphone: Bool, camera: Bool = false, restartsICE: Bool = false) throws -> String {
        var next = self
        let isChanged = changes(microphone: microphone, camera: camera)
        if isChanged.microphone {
            try next.turn(\.microphone, IncomingStream([.opus()], wantsRedundancy: true))
        }
        if isChanged.camera { try next.turn(\.camera, IncomingStream([.vp8, .h264])) }
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
        guard agreement.sections.contains(where: { $0.sending != nil || $0.receiving != nil }) else {
            throw NodeError("the answer takes nothing of what is offered")
        }
        let transport = try ViewerAnswer.transport(agreement, credentials)
        offerer = next
        return Outcome(
            transport: transport, restartsICE: agreement.restartsICE,
            receivedAudio: ViewerAnswer.received(agreement),
            receivedVideo: PeerSession.ReceivedMedium(.video, in: agreement), agreement: agreement)
    }

    /// The session of a new connection. `takesAudio` where the template has the viewer's microphone.
    func session(_ outcome: Outcome, _ link: PeerLink, peer: String, takesAudio: Bool) -> PeerSession {
        PeerSession(
            link, peer: peer, cname: names.cname,
            video: ViewerAnswer.medium(.video, outcome.agreement, streams.video, streams.playoutDelay),
            audio: ViewerAnswer.medium(.audio, outcome.agreement, streams.audio, nil),
            receivedVideo: outcome.receivedVideo, receivedAudio: takesAudio ? outcome.receivedAudio : nil,
            isHeardElsewhere: !takesAudio)
    }

    var cname: String { names.cname }

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
