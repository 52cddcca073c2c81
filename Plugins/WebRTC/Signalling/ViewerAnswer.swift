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
    private let (video, audio): (PeerSession.SentMedium?, PeerSession.SentMedium?)
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

    /// The names and numbers that our streams have for one viewer.
    struct OwnNames {
        /// Of the description.
        let id: UInt64
        let cname: String
        let outgoing: [OutgoingStream]

        init(_ streams: Streams) {
            var random = SystemRandomNumberGenerator()
            id = UInt64.random(in: 0 ... .max, using: &random)
            let word = String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
            let cname = "sluice-\(word)"
            // Four numbers that differ in their lowest bits.
            let first = UInt32.random(in: 1 ... .max, using: &random) & ~3
            let video = streams.video.map {
                OutgoingStream(
                    [$0.codec], ssrc: first | 1, repairSSRC: first | 2, cname: cname, streamID: word, trackID: "video")
            }
            let audio = streams.audio.map {
                OutgoingStream([$0.codec], ssrc: first | 3, cname: cname, streamID: word, trackID: "audio")
            }
            self.cname = cname
            outgoing = [video, audio].compactMap { $0 }
        }
    }

    /// `candidates` are the lines of our addresses. Throws where nothing comes of the offer.
    init(to offer: String, _ streams: Streams, candidates: [String]) throws(WHEPRefusal) {
        let own = OwnNames(streams)
        cname = own.cname
        answerer = Answerer(
            id: own.id, outgoing: own.outgoing,
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
        self.video = ViewerAnswer.medium(.video, agreement, streams.video, streams.playoutDelay)
        self.audio = ViewerAnswer.medium(.audio, agreement, streams.audio, nil)
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

    static func medium(
        _ kind: MediaKind, _ agreement: Agreement, _ track: Streams.Track?, _ delay: ClosedRange<Int>?
    ) -> PeerSession.SentMedium? {
        guard let track, let section = agreement.sections.first(where: { $0.kind == kind && $0.sending != nil }),
            let sending = section.sending
        else { return nil }
        return PeerSession.SentMedium(
            payloadType: sending.type,
            repair: sending.repairType.flatMap { type in sending.stream.repairSSRC.map { ($0, type) } },
            redundantType: sending.redundancyType, ssrc: sending.stream.ssrc,
            extensions: extensions(sending, mid: section.mid, delay), isRepaired: sending.feedback.contains(.missing),
            stream: track.stream)
    }

    static func received(_ agreement: Agreement) -> PeerSession.ReceivedMedium? {
        PeerSession.ReceivedMedium(.audio, in: agreement)
    }

    private static func extensions(
        _ sending: AgreedSending, mid: String?, _ delay: ClosedRange<Int>?
    ) -> SenderExtensions {
        let numbers = sending.extensions
        return SenderExtensions(
            sendTime: numbers.id(of: .absoluteSendTime),
            playoutDelay: numbers.id(of: .playoutDelay).flatMap { number in
                delay.map { .init(number: number, min: $0.lowerBound, max: $0.upperBound) }
            },
            mediaID: numbers.id(of: .mediaID).flatMap { number in mid.map { (number, $0) } })
    }

    func session(_ link: PeerLink, peer: String) -> PeerSession {
        PeerSession(
            link, peer: peer, cname: cname, video: video, audio: audio, receivedVideo: receivedVideo,
            receivedAudio: receivedAudio)
    }
}
