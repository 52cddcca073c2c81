import DTLS
import Negotiation
import RTP
import Sluice
import Testing

@testable import WebRTCPlugin

@Suite("Answers to viewers") struct AnswerTests {
    private let streams = ViewerAnswer.Streams(
        video: .init(codec: .vp8, stream: SharedStream(.vp8, limit: 1_100, line: SharedLine())),
        audio: .init(codec: .opus(channels: 2), stream: SharedStream(.opus, limit: 1_100, line: SharedLine())))

    private func answer(_ offer: String) throws -> ViewerAnswer {
        try ViewerAnswer(to: offer, streams, candidates: ["candidate:1 1 udp 1 127.0.0.1 8189 typ host"])
    }

    @Test func typesAreThoseOfTheOffer() throws {
        let answer = try answer(Offers.chromium)
        #expect(answer.text.contains("m=video 9 UDP/TLS/RTP/SAVPF 96"))
        #expect(answer.text.contains("a=rtpmap:96 VP8/90000"))
        #expect(answer.text.contains("a=ice-lite") && answer.text.contains("a=setup:passive"))
        #expect(answer.text.contains("a=candidate:1 1 udp 1 127.0.0.1 8189 typ host"))
        #expect(answer.transport.remoteFragment == "abcd" && answer.transport.role == .server)
    }

    @Test func codecsThatAreNotOfferedAreNamedWithThoseThatAre() throws {
        let error = #expect(throws: WHEPRefusal.self) {
            try answer(
                Offers.chromium.replacing("VP8/90000", with: "VP9/90000").replacing("opus/48000/2", with: "L16/8000"))
        }
        #expect(error?.status == 406)
        #expect(error?.words.contains("VP8") == true && error?.words.contains("VP9") == true, "\(error?.words ?? "")")
    }

    @Test func aFingerprintOfAnUnknownHashIsRefused() throws {
        let error = #expect(throws: WHEPRefusal.self) {
            try answer(Offers.chromium.replacing("fingerprint:sha-256", with: "fingerprint:md5"))
        }
        #expect(error?.status == 400, "\(error?.words ?? "")")
    }

    @Test func textThatIsNoOfferIsRefused() throws {
        #expect(throws: WHEPRefusal.self) { try answer("hello") }
        #expect(throws: WHEPRefusal.self) { try answer("") }
    }
}

enum Offers {
    private static let fingerprint = Array(repeating: "AA:BB:CC:DD", count: 8).joined(separator: ":")

    /// The form of a Chromium's offer to receive, by hand, with fewer codecs.
    static let chromium = """
        v=0
        o=- 4611731400430051336 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS
        m=video 9 UDP/TLS/RTP/SAVPF 96 97
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        a=ice-options:trickle
        a=fingerprint:sha-256 \(fingerprint)
        a=setup:actpass
        a=mid:0
        a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
        a=recvonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 goog-remb
        a=rtcp-fb:96 transport-cc
        a=rtcp-fb:96 ccm fir
        a=rtcp-fb:96 nack
        a=rtcp-fb:96 nack pli
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        a=ice-options:trickle
        a=fingerprint:sha-256 \(fingerprint)
        a=setup:actpass
        a=mid:1
        a=recvonly
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 minptime=10;useinbandfec=1

        """.replacing("\n", with: "\r\n")

    /// The form of a Chromium's offer to send a camera and a microphone, by hand, with fewer codecs.
    static let publisher = """
        v=0
        o=- 4611731400430051337 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS stream
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        a=ice-options:trickle
        a=fingerprint:sha-256 \(fingerprint)
        a=setup:actpass
        a=mid:0
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
        a=sendonly
        a=msid:stream voice
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=fmtp:63 111/111
        a=ssrc:7 cname:browser
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        a=ice-options:trickle
        a=fingerprint:sha-256 \(fingerprint)
        a=setup:actpass
        a=mid:1
        a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
        a=sendonly
        a=msid:stream picture
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 goog-remb
        a=rtcp-fb:96 transport-cc
        a=rtcp-fb:96 ccm fir
        a=rtcp-fb:96 nack
        a=rtcp-fb:96 nack pli
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        a=rtpmap:108 H264/90000
        a=rtcp-fb:108 goog-remb
        a=rtcp-fb:108 transport-cc
        a=rtcp-fb:108 ccm fir
        a=rtcp-fb:108 nack
        a=rtcp-fb:108 nack pli
        a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:109 rtx/90000
        a=fmtp:109 apt=108
        a=ssrc-group:FID 5 6
        a=ssrc:5 cname:browser
        a=ssrc:6 cname:browser

        """.replacing("\n", with: "\r\n")
}
