import Bitstream
import DTLS
import ICE
import Negotiation
import RTP
import Sluice

/// The answer to a viewer's offer, and what it makes of the session.
struct ViewerAnswer {
    /// Of our description.
    let text: String
    let transport: PeerTransport.Agreement
    private let cname: String
    private let sent: [PeerSession.SentMedium]
    private let (receivedVideo, receivedAudio): (PeerSession.ReceivedMedium?, PeerSession.ReceivedMedium?)
    /// Offers and answers of this viewer go on with it.
    var answerer: Answerer

    /// Streams that every viewer is sent.
    struct Streams {
        var video: Track?
        var audio: Track?

        /// One of them.
        struct Track {
            var codec: MediaCodec
            var stream: SharedStream
        }

        /// Audio that viewers may send.
        var takesAudio = false
        /// Video that viewers may send.
        var takesVideo = false
        /// Of video: the least and the greatest delay that browsers are asked for, in ms. nil leaves it to them.
        var playoutDelay: ClosedRange<Int>?
    }

    /// `candidates` are the lines of our addresses. Throws where nothing comes of the offer.
    init(to offer: String, _ streams: Streams, candidates: [String]) throws(WHEPRefusal) {
        var own = OwnNames()
        cname = own.cname
        answerer = Answerer(
            id: own.id, outgoing: streams.tracks.map { own.stream(of: $0) },
            incoming: (streams.takesAudio ? [IncomingStream([.opus()], wantsRedundancy: true)] : [])
                + (streams.takesVideo ? [IncomingStream([.vp8, .h264])] : []))
        let credentials = ICECredentials(random: Secrets.fillRandom)
        let agreement: Agreement
        do {
            let certificate = try DTLSCertificate.ofProcess()
            (text, agreement) = try answerer.answer(
                PeerDescription(offer),
                OwnTransport(
                    fragment: credentials.fragment, password: credentials.password,
                    fingerprint: certificate.fingerprint.text, candidates: candidates))
            transport = try ViewerAnswer.transport(agreement, credentials)
        } catch let fault as NegotiationFault {
            throw WHEPRefusal(fault)
        } catch let error as NodeError {
            throw WHEPRefusal(400, ViewerAnswer.sentence(error.message, error.advice))
        } catch {
            throw WHEPRefusal(500, "\(error)")
        }
        sent = ViewerAnswer.media(agreement, streams)
        receivedAudio = ViewerAnswer.received(agreement)
        receivedVideo = PeerSession.ReceivedMedium(.video, in: agreement)
    }

    static func sentence(_ clause: String, _ advice: String) -> String {
        clause.prefix(1).uppercased() + clause.dropFirst() + (advice.isEmpty ? "." : ". \(advice)")
    }

    static func transport(
        _ agreement: Agreement, _ credentials: ICECredentials
    ) throws -> PeerTransport.Agreement {
        guard let theirs = agreement.transport, let fragment = theirs.fragment else {
            throw NodeError("the offer has no section that is of use")
        }
        let fingerprints = theirs.fingerprints.compactMap { try? Fingerprint($0) }
        if fingerprints.isEmpty { _ = try Fingerprint(theirs.fingerprints.first ?? "") }
        return PeerTransport.Agreement(
            credentials: credentials, remoteFragment: fragment, fingerprints: fingerprints,
            role: agreement.isActive ? .client : .server)
    }

    /// The sections in which we send.
    static func media(_ agreement: Agreement, _ streams: Streams) -> [PeerSession.SentMedium] {
        agreement.sections.compactMap { section in
            switch section.kind {
            case .video: medium(section, streams.video?.stream, streams.playoutDelay)
            case .audio: medium(section, streams.audio?.stream, nil)
            case nil: nil
            }
        }
    }

    /// A section in which we send; nil where we do not.
    static func medium(
        _ section: AgreedSection, _ stream: SharedStream?, _ delay: ClosedRange<Int>?
    ) -> PeerSession.SentMedium? {
        guard let stream, let sending = section.sending else { return nil }
        return PeerSession.SentMedium(
            payloadType: sending.type,
            repair: sending.repairType.flatMap { type in sending.stream.repairSSRC.map { ($0, type) } },
            redundantType: sending.redundancyType, ssrc: sending.stream.ssrc,
            extensions: extensions(sending, mid: section.mid, delay), isRepaired: sending.feedback.contains(.missing),
            stream: stream)
    }

    static func received(_ agreement: Agreement) -> PeerSession.ReceivedMedium? {
        PeerSession.ReceivedMedium(.audio, in: agreement)
    }

    private static func extensions(
        _ sending: AgreedSending, mid: String?, _ delay: ClosedRange<Int>?
    ) -> SenderExtensions {
        let numbers = sending.extensions
        return SenderExtensions(
            transportSequence: sending.feedback.contains(.arrivals) ? numbers.id(of: .transportSequence) : nil,
            sendTime: numbers.id(of: .absoluteSendTime),
            playoutDelay: numbers.id(of: .playoutDelay).flatMap { number in
                delay.map { .init(number: number, min: $0.lowerBound, max: $0.upperBound) }
            },
            mediaID: numbers.id(of: .mediaID).flatMap { number in mid.map { (number, $0) } })
    }

    func session(_ link: PeerLink, peer: String) -> PeerSession {
        PeerSession(
            link, peer: peer, cname: cname, sent: sent, receivedVideo: receivedVideo, receivedAudio: receivedAudio)
    }
}
