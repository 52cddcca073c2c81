import Foundation
import Negotiation
import RTP
import Testing

/// The offers that a peer may make on a connection that stands.
@Suite struct FollowingOfferTests {
    private func first(_ name: String = "chromium-talk") throws -> (Answerer, String) {
        let text = try fixture(name)
        var answerer = Answerer(
            id: 5, outgoing: [voice([.opus()]), picture([.vp8])], incoming: [IncomingStream([.opus()])])
        _ = try answerer.answer(PeerDescription(text), server)
        return (answerer, text)
    }

    @Test func newCredentialsRestartICEAndNothingElse() throws {
        var (answerer, text) = try first()
        let same = try PeerDescription(text)
        #expect(!answerer.restartsICE(same))
        text = text.replacingOccurrences(of: "ice-ufrag:AQ8x", with: "ice-ufrag:New1")
        let offer = try PeerDescription(text)
        #expect(answerer.restartsICE(offer))
        var transport = server
        transport.fragment = "srvr0002"
        let (answer, agreement) = try answerer.answer(offer, transport)
        #expect(agreement.restartsICE && agreement.transport?.fragment == "New1")
        #expect(answer.contains("a=ice-ufrag:srvr0002\r\n") && answer.contains("o=- 5 2 IN"))
        #expect(agreement.sections.map { $0.sending?.stream.ssrc } == [1_001, 2_001, nil])
        #expect(try !answerer.restartsICE(PeerDescription(text)))
    }

    @Test func aHeldSectionKeepsItsStreams() throws {
        var (answerer, text) = try first()
        let held = text.replacingOccurrences(of: "a=sendrecv", with: "a=inactive")
        let (answer, agreement) = try answerer.answer(PeerDescription(held), server)
        #expect(agreement.sections[0].sending == nil && agreement.sections[0].receiving == nil)
        #expect(agreement.sections[0].refusal == nil && answer.contains("a=inactive"))
        #expect(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111"))
        text = try fixture("chromium-talk")
        let resumed = try answerer.answer(PeerDescription(text), server).agreement
        #expect(resumed.sections[0].sending?.stream.ssrc == 1_001 && resumed.sections[0].receiving != nil)
    }

    @Test func aSectionThatThePeerEndsIsFreeForAnother() throws {
        var (answerer, text) = try first()
        text = text.replacingOccurrences(of: "m=audio 53891", with: "m=audio 0")
            .replacingOccurrences(of: "BUNDLE 0 1 2", with: "BUNDLE 1 2")
        var agreement = try answerer.answer(PeerDescription(text), server).agreement
        #expect(agreement.sections[0].refusal == "the peer has rejected it" && agreement.sections[1].sending != nil)
        text = try fixture("chromium-talk").replacingOccurrences(of: "a=mid:0", with: "a=mid:9")
            .replacingOccurrences(of: "BUNDLE 0 1 2", with: "BUNDLE 9 1 2")
        agreement = try answerer.answer(PeerDescription(text), server).agreement
        #expect(agreement.sections[0].mid == "9" && agreement.sections[0].sending?.stream.ssrc == 1_001)
    }

    @Test func offersThatDoNotFollowAreRefusedAndChangeNothing() throws {
        var (answerer, text) = try first()
        let fewer = text.components(separatedBy: "m=application")[0]
            .replacingOccurrences(of: "BUNDLE 0 1 2", with: "BUNDLE 0 1")
        #expect(
            try fault { _ = try answerer.answer(PeerDescription(fewer), server) }
                == NegotiationFault(
                    .unexpected, "the offer has 2 sections, and the last one had 3",
                    advice: "Offers of one connection keep their sections in order."))
        for (old, new, words) in [
            ("mid:0", "mid:5", "had the a=mid 0 and now has 5"),
            ("sha-256 AF", "sha-256 AE", "a=fingerprint is another than before"),
            ("setup:actpass", "setup:passive", "a=setup is another than before"),
        ] {
            let changed = text.replacingOccurrences(of: old, with: new)
                .replacingOccurrences(of: "BUNDLE 0", with: old == "mid:0" ? "BUNDLE 5" : "BUNDLE 0")
            let refusal = try fault { _ = try answerer.answer(PeerDescription(changed), server) }
            #expect(refusal.kind == .unexpected && refusal.what.contains(words), "\(refusal)")
        }
        #expect(try answerer.answer(PeerDescription(text), server).text.contains("o=- 5 2 IN"))
    }

    @Test func theSideThatBegunTheHandshakeStaysIt() throws {
        let text = try fixture("chromium-talk")
        var answerer = Answerer(id: 5, outgoing: [voice()], incoming: [])
        let passive = text.replacingOccurrences(of: "setup:actpass", with: "setup:passive")
        #expect(try answerer.answer(PeerDescription(passive), server).agreement.isActive)
        let (answer, agreement) = try answerer.answer(PeerDescription(text), server)
        #expect(agreement.isActive && answer.contains("a=setup:active\r\n"))
    }
}
