import Foundation
import Negotiation
import RTP
import Testing

@Suite struct OfferTests {
    private let microphone = IncomingStream([.opus()], wantsRedundancy: true)

    /// A peer that answers as a browser does: here the other side of ours.
    private func peer(_ outgoing: [OutgoingStream], _ incoming: [IncomingStream]) -> Answerer {
        Answerer(id: 8, outgoing: outgoing, incoming: incoming)
    }

    private let browser: OwnTransport = {
        var transport = server
        (transport.fragment, transport.isLite) = ("brow0001", false)
        return transport
    }()

    @Test func whatIsOfferedStandsInTheText() throws {
        var offerer = Offerer(id: 7)
        #expect(try offerer.add(outgoing: voice(), incoming: microphone) == "0")
        #expect(try offerer.add(outgoing: picture([.h264(hd), .vp8])) == "1")
        #expect(try offerer.add(incoming: IncomingStream([.vp8, .h264])) == "2")
        let text = try offerer.offer(server)
        for line in [
            "o=- 7 1 IN IP4 127.0.0.1", "a=group:BUNDLE 0 1 2", "a=ice-lite", "a=setup:actpass", "a=rtcp-rsize",
            "m=audio 9 UDP/TLS/RTP/SAVPF 63 111", "m=video 9 UDP/TLS/RTP/SAVPF 98 99 96 97",
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97 100 101", "a=sendrecv", "a=sendonly", "a=recvonly",
            "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e028", "a=fmtp:99 apt=98",
            "a=fmtp:111 minptime=10;useinbandfec=1;sprop-stereo=1", "a=fmtp:63 111/111",
            "a=ssrc-group:FID 2001 2002", "a=msid:viewer sound",
            "a=extmap:3 \(HeaderExtension.transportSequence.uri)",
            "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:98 goog-remb", "a=extmap:5 \(HeaderExtension.playoutDelay.uri)",
        ] { #expect(text.contains(line + "\r\n"), "\(line) in\n\(text)") }
        let read = try PeerDescription(text)
        #expect(read.sections.map(\.direction) == [.both, .send, .receive] && read.isLite)
        #expect(read.sections[1].payloads.contains { $0.feedback.contains(.arrivals) })
        #expect(read.sections[0].payloads[1].feedback == [.missing, .arrivals])
    }

    @Test func anAnswerSaysHowEachSectionIsSentAndReceived() throws {
        var offerer = Offerer(id: 7)
        _ = try offerer.add(outgoing: voice(), incoming: microphone)
        _ = try offerer.add(outgoing: picture([.h264(hd), .vp8]))
        let offer = try PeerDescription(offerer.offer(server))
        #expect(offerer.isWaiting)
        var browserSide = peer(
            [OutgoingStream([.opus()], ssrc: 77, cname: "b", streamID: "m", trackID: "t")],
            [IncomingStream([.opus(channels: 2)]), IncomingStream([.vp8])])
        let (text, theirs) = try browserSide.answer(offer, browser)
        try expectAnswerNamesOnlyWhatIsOffered(offer, text)
        #expect(!theirs.isActive)

        let agreement = try offerer.accept(PeerDescription(text))
        #expect(!offerer.isWaiting && agreement.isActive && agreement.transport?.fragment == "brow0001")
        let (audio, video) = (agreement.sections[0], agreement.sections[1])
        #expect(audio.direction == .both && audio.mid == "0" && audio.sending?.type == 111)
        #expect(audio.sending?.redundancyType == 63 && audio.receiving?.sources.ssrcs == [77])
        #expect(audio.receiving?.types == [111: .media(.opus()), 63: .redundancy(of: 111)])
        #expect(video.direction == .send && video.sending?.codec == .vp8 && video.sending?.type == 96)
        #expect(video.sending?.repairType == 97)
        // Playout delay is not of use to a peer that takes it from us as our answerer does.
        #expect(video.sending?.extensions.id(of: .absoluteSendTime) == 2)
        #expect(video.sending?.feedback == [.missing, .pictureLoss, .keyframe, .estimate, .arrivals])
    }

    @Test func answersOfBrowsersAreRead() throws {
        for name in ["chromium-answer", "firefox-answer"] {
            var offerer = Offerer(id: 7)
            _ = try offerer.add(outgoing: voice(), incoming: microphone)
            _ = try offerer.add(outgoing: picture([.h264(hd), .vp8]))
            _ = try offerer.add(incoming: IncomingStream([.vp8, .h264]))
            _ = try offerer.offer(server)
            let agreement = try offerer.accept(PeerDescription(fixture(name)))
            #expect(!agreement.isActive, "\(name)")
            #expect(agreement.sections.map(\.direction) == [.both, .send, .receive], "\(name)")
            #expect(agreement.sections[0].receiving?.types[111] == .media(.opus()), "\(name)")
            #expect(agreement.sections[1].sending?.codec == (name == "firefox-answer" ? .vp8 : .h264(hd)), "\(name)")
            #expect(agreement.sections[2].receiving?.types[96] == .media(.vp8), "\(name)")
            #expect(agreement.sections[2].receiving?.extensions.id(of: .transportSequence) == 3, "\(name)")
            #expect(agreement.sections[2].receiving?.feedback.contains(.arrivals) == true, "\(name)")
        }
    }

    @Test func sectionsKeepTheirPlaceAndThoseThatEndedBecomeOthers() throws {
        var offerer = Offerer(id: 7)
        var browserSide = peer([], [IncomingStream([.vp8]), IncomingStream([.vp8]), IncomingStream([.opus()])])
        func negotiate() throws -> (offer: String, Agreement) {
            let text = try offerer.offer(server)
            let answer = try browserSide.answer(PeerDescription(text), browser)
            return (text, try offerer.accept(PeerDescription(answer.text)))
        }
        _ = try offerer.add(outgoing: voice())
        let first = try offerer.add(outgoing: picture([.vp8]))
        _ = try negotiate()

        offerer.end(first)
        // Its place is not free before the peer has seen that it ended.
        let second = try offerer.add(outgoing: picture([.vp8]))
        var (offer, agreement) = try negotiate()
        #expect(offer.contains("o=- 7 2 IN") && offer.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"))
        #expect(offer.contains("a=group:BUNDLE 0 2\r\n") && second == "2")
        #expect(agreement.sections.map(\.refusal) == [nil, "it has ended", nil] && !agreement.restartsICE)

        let third = try offerer.add(outgoing: picture([.vp8]))
        (offer, agreement) = try negotiate()
        #expect(third == "3" && agreement.sections.map(\.mid) == ["0", "3", "2"])
        #expect(agreement.sections.map { $0.sending?.stream.ssrc } == [1_001, 2_001, 2_001])
        #expect(
            offer.contains("a=group:BUNDLE 0 3 2\r\n") && offer.contains("a=mid:3\r\n")
                && !offer.contains("a=mid:1\r\n"))
    }

    @Test func aSectionThatThePeerRejectsIsSaidAndFree() throws {
        var offerer = Offerer(id: 7)
        _ = try offerer.add(outgoing: voice())
        _ = try offerer.add(outgoing: picture([.vp8]))
        var browserSide = peer([], [IncomingStream([.opus()])])
        var answer = try browserSide.answer(PeerDescription(offerer.offer(server)), browser).text
        let agreement = try offerer.accept(PeerDescription(answer))
        #expect(agreement.sections[1].refusal == "the peer rejects it" && agreement.sections[0].sending != nil)
        #expect(try offerer.add(outgoing: voice()) == "2")
        let offer = try PeerDescription(offerer.offer(server))
        #expect(offer.sections.count == 2 && offer.sections[1].mid == "2")
        // All may be rejected.
        answer = answer.replacingOccurrences(of: "m=audio 9", with: "m=audio 0")
            .replacingOccurrences(of: "m=video", with: "m=audio").replacingOccurrences(of: "mid:1", with: "mid:2")
            .replacingOccurrences(of: "a=group:BUNDLE 0\r\n", with: "")
        #expect(try offerer.accept(PeerDescription(answer)).transport == nil)
    }

    @Test func newCredentialsOnBothSidesRestartICE() throws {
        var offerer = Offerer(id: 7)
        _ = try offerer.add(outgoing: voice())
        var browserSide = peer([], [IncomingStream([.opus()])])
        let first = try browserSide.answer(PeerDescription(offerer.offer(server)), browser).text
        #expect(try !offerer.accept(PeerDescription(first)).restartsICE)
        var (ours, theirs) = (server, browser)
        (ours.fragment, theirs.fragment) = ("srvr0002", "brow0002")
        let offer = try PeerDescription(offerer.offer(ours))
        #expect(browserSide.restartsICE(offer))
        let agreement = try offerer.accept(PeerDescription(browserSide.answer(offer, theirs).text))
        #expect(agreement.restartsICE && agreement.transport?.fragment == "brow0002")
        #expect(agreement.sections[0].sending?.stream.ssrc == 1_001)
    }

    @Test func answersThatDoNotFitTheOfferAreRefusedAndItStillWaits() throws {
        var offerer = Offerer(id: 7)
        _ = try offerer.add(outgoing: voice())
        _ = try offerer.add(outgoing: picture([.vp8]))
        var browserSide = peer([], [IncomingStream([.opus()]), IncomingStream([.vp8])])
        let answer = try browserSide.answer(PeerDescription(offerer.offer(server)), browser).text
        let parts = answer.components(separatedBy: "m=")
        let swapped = parts[0] + "m=" + parts[2] + "m=" + parts[1]
        for (text, kind, words) in [
            (
                parts[0].replacingOccurrences(of: "BUNDLE 0 1", with: "BUNDLE 0") + "m=" + parts[1],
                NegotiationFault.Kind.unexpected, "1 sections, and the offer has 2"
            ),
            (swapped, .unexpected, "section 0 (video) of the answer is audio in the offer"),
            (
                answer.replacingOccurrences(of: "mid:0", with: "mid:x")
                    .replacingOccurrences(of: "BUNDLE 0", with: "BUNDLE x"), .unexpected,
                "has the a=mid x, and the offer has 0"
            ),
            (
                answer.replacingOccurrences(of: "a=mid:0\r\n", with: "").replacingOccurrences(
                    of: "BUNDLE 0 1", with: "BUNDLE 1"), .unexpected, "has the a=mid none"
            ),
            (answer.replacingOccurrences(of: "a=group:BUNDLE 0 1\r\n", with: ""), .unexpected, "one BUNDLE group"),
            (
                answer.replacingOccurrences(of: "a=rtcp-mux\r\n", with: "").replacingOccurrences(
                    of: "a=rtcp-mux-only\r\n", with: ""), .unexpected, "no a=rtcp-mux"
            ),
            (
                answer.replacingOccurrences(of: "setup:passive", with: "setup:actpass"), .malformed,
                "a=setup is actpass in an answer"
            ),
            (
                answer.replacingOccurrences(of: "VP8/90000", with: "VP9/90000"), .incompatible,
                "it has VP9; this side sends VP8"
            ),
            (
                answer.replacingOccurrences(of: " 96 97", with: " 98 97").replacingOccurrences(
                    of: ":96 ", with: ":98 "), .incompatible, "none of the offered codecs"
            ),
        ] {
            let refusal = try fault { _ = try offerer.accept(PeerDescription(text)) }
            #expect(refusal.kind == kind && refusal.what.contains(words), "\(refusal)")
        }
        #expect(offerer.isWaiting)
        #expect(try fault { _ = try offerer.offer(server) }.what == "an offer waits for its answer")
        _ = try offerer.accept(PeerDescription(answer))
        let late = try fault { _ = try offerer.accept(PeerDescription(answer)) }
        #expect(late.kind == .unexpected && late.what == "an answer came, and no offer waits for one")
        // An offer that is rejected whole may be withdrawn.
        _ = try offerer.offer(server)
        offerer.withdraw()
        #expect(try offerer.offer(server).contains("o=- 7 3 IN"))
    }

    @Test func anAnswerThatNamesWhatWasNotOfferedAddsNothing() throws {
        var offerer = Offerer(id: 7)
        _ = try offerer.add(incoming: IncomingStream([.vp8]))
        var browserSide = peer([picture([.vp8])], [])
        let answer = try browserSide.answer(PeerDescription(offerer.offer(server)), browser).text
            .replacingOccurrences(
                of: "a=rtcp-rsize\r\n",
                with: "a=rtcp-rsize\r\na=extmap:9 \(HeaderExtension.absoluteSendTime.uri)\r\na=rtcp-fb:* ccm fir\r\n"
            )
            .replacingOccurrences(of: "SAVPF 96", with: "SAVPF 120 96")
            .replacingOccurrences(of: "a=rtpmap:96", with: "a=rtpmap:120 H264/90000\r\na=rtpmap:96")
        let receiving = try #require(try offerer.accept(PeerDescription(answer)).sections[0].receiving)
        #expect(receiving.types == [96: .media(.vp8), 97: .repair(of: 96)])
        #expect(receiving.extensions.name(of: 9) == nil && receiving.sources.repairs == [2_001: 2_002])
    }

    @Test func thereIsARoomfulOfSectionsAndNoMore() throws {
        var offerer = Offerer(id: 7)
        for _ in 0..<SessionDescription.mostMedia { _ = try offerer.add(outgoing: picture([.vp8])) }
        #expect(throws: NegotiationFault.self) { try offerer.add(outgoing: voice()) }
        #expect(try PeerDescription(offerer.offer(server)).sections.count == 256)
        #expect(
            try fault {
                var none = Offerer(id: 1)
                _ = try none.offer(server)
            }.what == "there is nothing to offer")
        #expect(throws: NegotiationFault.self) { try offerer.add(outgoing: voice(), incoming: IncomingStream([.vp8])) }
    }
}
