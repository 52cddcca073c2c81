import DTLS
import Negotiation
import RTP
import Sluice
import Testing

@testable import WebRTCPlugin

@Suite("Our offers to viewers") struct OfferTests {
    private func streams(takesAudio: Bool = true, takesVideo: Bool = false) -> ViewerAnswer.Streams {
        ViewerAnswer.Streams(
            video: .init(codec: .vp8, stream: SharedStream(.vp8, limit: 1_100, line: SharedLine())),
            audio: .init(codec: .opus(channels: 2), stream: SharedStream(.opus, limit: 1_100, line: SharedLine())),
            takesAudio: takesAudio, takesVideo: takesVideo)
    }

    private func offer(takesAudio: Bool = true, takesVideo: Bool = false) throws -> ViewerOffer {
        try ViewerOffer(
            streams(takesAudio: takesAudio, takesVideo: takesVideo).tracks,
            ViewerOffer.Incoming(takesAudio: takesAudio, videoCodecs: takesVideo ? [.vp8, .h264] : []),
            candidates: ["candidate:1 1 udp 1 127.0.0.1 8189 typ host"])
    }

    private func answer(to offer: String, fragment: String = "abcd") -> String {
        BrowserAnswer.text(to: offer, fragment: fragment)
    }

    @Test func itIsLiteLeavesTheHandshakeToTheBrowserAndHasItsCandidates() throws {
        var offer = try offer()
        let text = try offer.offer(microphone: true)
        for line in [
            "a=ice-lite", "a=setup:actpass", "a=candidate:1 1 udp 1 127.0.0.1 8189 typ host", "a=end-of-candidates",
            "a=rtpmap:96 VP8/90000", "a=rtpmap:111 opus/48000/2", "a=group:BUNDLE 0 1 2",
        ] { #expect(text.contains(line + "\r\n"), "\(line)") }
        #expect(text.split(separator: "\r\n").count { $0.hasPrefix("m=") } == 3)
        #expect(text.contains("a=recvonly"))
    }

    @Test func aMicrophoneThatIsNotWantedIsLeftOut() throws {
        var offer = try offer()
        #expect(try !offer.offer(microphone: false).contains("a=recvonly"))
        var deaf = try self.offer(takesAudio: false)
        #expect(try !deaf.offer(microphone: true).contains("a=recvonly"))
    }

    @Test func anAnswerMakesASessionThatSendsAndReceives() throws {
        var offer = try offer()
        let outcome = try offer.accept(answer(to: try offer.offer(microphone: true)))
        #expect(outcome.transport.role == .server && outcome.transport.remoteFragment == "abcd")
        #expect(!outcome.restartsICE)
        #expect(outcome.receivedAudio?.formats == [111: .opus] && outcome.receivedAudio?.redundantType == 63)
        #expect(outcome.receivedAudio?.sources == [77])
    }

    @Test func aMicrophoneComesAndGoesOnOneConnectionAndICEBeginsAnewWhereItIsAsked() throws {
        var offer = try offer()
        let first = try offer.accept(answer(to: try offer.offer(microphone: false)))
        #expect(first.receivedAudio == nil)
        let second = try offer.accept(answer(to: try offer.offer(microphone: true)))
        #expect(second.receivedAudio != nil && !second.restartsICE)
        #expect(second.transport.credentials.fragment == first.transport.credentials.fragment)
        let third = try offer.accept(answer(to: try offer.offer(microphone: true, restartsICE: true), fragment: "efgh"))
        #expect(third.receivedAudio != nil && third.restartsICE)
        #expect(third.transport.credentials.fragment != first.transport.credentials.fragment)
        let text = try offer.offer(microphone: false)
        #expect(text.contains("m=audio 0 "))
    }

    @Test func aCameraHasASectionOfItsOwnWhereTheGraphTakesIt() throws {
        var offer = try offer(takesVideo: true)
        let text = try offer.offer(microphone: true, camera: true)
        #expect(text.split(separator: "\r\n").count { $0.hasPrefix("m=") } == 4)
        let outcome = try offer.accept(answer(to: text))
        #expect(Set(outcome.receivedVideo?.formats.values.map { $0 } ?? []) == [.vp8, .h264])
        #expect(outcome.receivedAudio != nil && outcome.receivedVideo?.transportSequence == 3)
        let session = offer.session(outcome, PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000", takesAudio: false)
        #expect(session.receivedAudio == nil && session.receivedVideo != nil && session.isHeardElsewhere)
        #expect(offer.changes(microphone: true, camera: false) == (false, true))
        #expect(try offer.offer(microphone: true).contains("m=video 0 "))
    }

    @Test func aCameraThatTheGraphDoesNotTakeChangesNothing() throws {
        var offer = try offer()
        #expect(
            try offer.offer(microphone: false, camera: true).split(separator: "\r\n").count { $0.hasPrefix("m=") } == 2)
        #expect(offer.changes(microphone: false, camera: true) == (false, false))
    }

    @Test func answersToNothingAndToOtherThingsAreFaults() throws {
        var offer = try offer()
        let text = try offer.offer(microphone: false)
        #expect(throws: NegotiationFault.self) { try offer.accept("hello") }
        #expect(throws: NegotiationFault.self) { try offer.accept(Offers.chromium.replacing("mid:0", with: "mid:9")) }
        // The offer still waits.
        _ = try offer.accept(answer(to: text))
        let error = #expect(throws: NegotiationFault.self) { try offer.accept(answer(to: text)) }
        #expect(error.map { ViewerOffer.sentence($0) }?.hasPrefix("An answer came, and no offer waits") == true)
    }
}
