import Negotiation
import RTP
import Sluice
import TestSupport
import Testing

@testable import WebRTCPlugin

@Suite("Answers to publishers") struct PublisherAnswerTests {
    private func answer(_ offer: String, _ codecs: [MediaCodec] = [.vp8, .h264]) throws -> PublisherAnswer {
        try PublisherAnswer(to: offer, codecs: codecs, candidates: ["candidate:1 1 udp 1 127.0.0.1 8189 typ host"])
    }

    private func refusal(_ offer: String, _ codecs: [MediaCodec] = [.vp8, .h264]) -> WHEPRefusal? {
        #expect(throws: WHEPRefusal.self) { try answer(offer, codecs) }
    }

    @Test func bothMediaAreTakenWithRepairAndFeedback() throws {
        let text = try answer(Offers.publisher).text
        for line in [
            "a=recvonly", "m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109", "m=audio 9 UDP/TLS/RTP/SAVPF 63 111",
            "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 goog-remb", "a=fmtp:97 apt=96",
            "a=rtcp-mux-only", "a=rtcp-rsize", "a=group:BUNDLE 0 1",
        ] { #expect(text.contains(line + "\r\n"), "\(line) is not in \(text)") }
        #expect(!text.contains("a=sendonly") && !text.contains("a=sendrecv"))
    }

    @Test func theCodecsThatAreWantedStandFirst() throws {
        let text = try answer(Offers.publisher, [.h264, .vp8]).text
        #expect(text.contains("m=video 9 UDP/TLS/RTP/SAVPF 108 109 96 97\r\n"), "\(text)")
        #expect(try !answer(Offers.publisher, [.h264]).text.contains("VP8"))
    }

    @Test func aCodecThatIsNotTakenIsNamedWithThoseThatAre() {
        let refusal = refusal(Offers.publisher.replacing("VP8/90000", with: "VP9/90000"), [.vp8])
        #expect(refusal?.status == 406)
        for word in ["VP9", "H.264", "VP8"] {
            #expect(refusal?.words.contains(word) == true, "\(refusal?.words ?? "")")
        }
    }

    @Test func anOfferThatSendsNothingIsRefused() {
        #expect(refusal(Offers.chromium)?.status == 422)
    }

    @Test func twoTracksOfAKindAreRefused() throws {
        let start = try #require(Offers.publisher.range(of: "m=video")).lowerBound
        let second = Offers.publisher[start...].replacing("a=mid:1", with: "a=mid:2")
        let offer = (Offers.publisher + second).replacing("BUNDLE 0 1", with: "BUNDLE 0 1 2")
        #expect(refusal(offer)?.status == 422)
    }

    @Test func aPartOfAnOfferIsNotTaken() {
        let refusal = refusal(Offers.publisher.replacing("BUNDLE 0 1", with: "BUNDLE 0"))
        #expect(refusal?.status == 422, "\(refusal?.words ?? "")")
    }

    @Test func aDataChannelIsLeftOutAndTheRestIsTaken() throws {
        let data =
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
            + "a=sctp-port:5000\r\n"
        let text = try answer((Offers.publisher + data).replacing("BUNDLE 0 1", with: "BUNDLE 0 1 2")).text
        #expect(text.contains("m=application 0 ") && text.contains("a=group:BUNDLE 0 1\r\n"), "\(text)")
    }

    @Test func offersThatMakeNoSenseAreRefusedInASentence() {
        let bad = [
            ("", 400), ("hello", 400), (String(repeating: "a", count: 1 << 20), 400),
            (Offers.publisher + String(repeating: "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", count: 1_000), 400),
            (Offers.publisher.replacing("a=group:BUNDLE 0 1", with: "a=group:BUNDLE 0\r\na=group:BUNDLE 1"), 406),
            (Offers.publisher.replacing("a=mid:1\r\n", with: ""), 400),
            (
                Offers.publisher.replacing("a=rtpmap:111 opus", with: "a=rtpmap:96 opus").replacing(
                    " 111 63", with: " 96 63"), 400
            ),
            (Offers.publisher.replacing("a=fingerprint:sha-256", with: "a=fingerprint:md5"), 400),
            (Offers.publisher.replacing("a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", with: ""), 400),
        ]
        for (offer, status) in bad {
            let refusal = refusal(offer)
            #expect(refusal?.status == status, "\(refusal?.words ?? "") of \(offer.prefix(60))")
            #expect(refusal?.words.hasSuffix(".") == true && refusal?.words.contains("\n") == false)
        }
    }

    @Test func theSessionKnowsWhatRepairsWhat() throws {
        let session = try answer(Offers.publisher).session(PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000")
        let video = try #require(session.receivedVideo)
        let audio = try #require(session.receivedAudio)
        #expect(video.formats == [96: .vp8, 108: .h264] && video.repairs == [97: 96, 109: 108])
        #expect(video.repairSource == 6 && video.sources == [5] && video.transportSequence == 3)
        #expect(audio.formats == [111: .opus] && audio.redundantType == 63 && audio.audioLevel == 1)
    }

    @Test func credentialsOfTURNEndAndTheSecretIsNotTold() throws {
        let servers = try ICEServers("stun:a.example:3478, turn:b.example:3478?transport=tcp", secret: "north")
        let links = servers.links(unixSeconds: 1_700_000_000)
        #expect(links.first == "<stun:a.example:3478>; rel=\"ice-server\"")
        let turn = try #require(links.last)
        #expect(
            turn.hasPrefix("<turn:b.example:3478?transport=tcp>; rel=\"ice-server\"; username=\"1700086400:sluice\""))
        // printf 1700086400:sluice | openssl dgst -sha1 -hmac north -binary | base64
        #expect(turn.contains("credential=\"smAIWgDrxwe9mIPjWGkI2tQSSwA=\""), "\(turn)")
        #expect(!turn.contains("north"))
        #expect(throws: NodeError.self) { try ICEServers("turn:b.example", secret: "") }
        #expect(throws: NodeError.self) { try ICEServers("http://b.example", secret: "north") }
    }
}
