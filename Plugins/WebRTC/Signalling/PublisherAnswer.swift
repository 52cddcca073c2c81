import DTLS
import ICE
import Negotiation
import RTP
import Sluice

/// The answer to a publisher's offer, and what it makes of the session.
struct PublisherAnswer {
    /// Of our description.
    let text: String
    let transport: PeerTransport.Agreement
    private let agreement: Agreement
    private let cname: String

    /// `codecs` of video are taken, the best first. `candidates` are the lines of our addresses. Throws where nothing
    /// comes of the offer, or only a part of what it has.
    init(to offer: String, codecs: [MediaCodec], candidates: [String]) throws(WHEPRefusal) {
        var random = SystemRandomNumberGenerator()
        cname = "sluice-" + String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
        var answerer = Answerer(
            id: UInt64.random(in: 0 ... .max, using: &random), outgoing: [],
            incoming: [IncomingStream([.opus(channels: 2)], wantsRedundancy: true), IncomingStream(codecs)])
        let credentials = ICECredentials(random: Secrets.fillRandom)
        do {
            let described = try PeerDescription(offer)
            try PublisherAnswer.check(described)
            (text, agreement) = try answerer.answer(
                described,
                OwnTransport(
                    fragment: credentials.fragment, password: credentials.password,
                    fingerprint: DTLSCertificate.ofProcess().fingerprint.text, candidates: candidates))
            try PublisherAnswer.checkWhole(agreement, described)
            transport = try ViewerAnswer.transport(agreement, credentials)
        } catch let fault as NegotiationFault {
            throw WHEPRefusal(fault)
        } catch let error as NodeError {
            throw WHEPRefusal(400, ViewerAnswer.sentence(error.message, error.advice))
        } catch let refusal as WHEPRefusal {
            throw refusal
        } catch {
            throw WHEPRefusal(500, "\(error)")
        }
    }

    /// One track of a kind, and at least one (RFC 9725, section 4.4.2).
    private static func check(_ offer: PeerDescription) throws(WHEPRefusal) {
        let sent = offer.sections.filter { !$0.isRejected && $0.kind != nil && $0.direction.sends }
        guard !sent.isEmpty else {
            throw WHEPRefusal(422, "The offer sends nothing: make its sections sendonly.")
        }
        for kind in MediaKind.allCases {
            let count = sent.count { $0.kind == kind }
            guard count <= 1 else {
                throw WHEPRefusal(
                    422,
                    "The offer has \(count) tracks of \(kind.rawValue), and one is taken: publish each by a session.")
            }
        }
    }

    /// No section of audio or video is left out of the answer (RFC 9725, section 4.4.3).
    private static func checkWhole(_ agreement: Agreement, _ offer: PeerDescription) throws(WHEPRefusal) {
        for section in agreement.sections where section.kind != nil && section.receiving == nil {
            let offered = offer.sections[section.index]
            guard !offered.isRejected, offered.direction.sends else { continue }
            throw WHEPRefusal(
                422,
                "Section \(section.index) (\(section.kind?.rawValue ?? "")) cannot be taken: "
                    + "\(section.refusal ?? "nothing of it is of use").")
        }
    }

    /// `share` where it publishes into a room.
    func session(_ link: PeerLink, peer: String, share: RoomShare? = nil) -> PeerSession {
        PeerSession(
            link, peer: peer, cname: cname, receivedVideo: PeerSession.ReceivedMedium(.video, in: agreement),
            receivedAudio: PeerSession.ReceivedMedium(.audio, in: agreement), share: share)
    }
}
