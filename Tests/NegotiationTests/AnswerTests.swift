import Bitstream
import Foundation
import Negotiation
import RTP
import Testing

@Suite struct AnswerTests {
    private func answer(
        _ name: String, _ outgoing: [OutgoingStream], _ incoming: [IncomingStream] = []
    ) throws -> (text: String, agreement: Agreement) {
        let offer = try PeerDescription(fixture(name))
        var answerer = Answerer(id: 5, outgoing: outgoing, incoming: incoming)
        let made = try answerer.answer(offer, server)
        try expectAnswerNamesOnlyWhatIsOffered(offer, made.text, "\(name)")
        return made
    }

    @Test func chromiumIsSentH264UnderTheTypeOfItsProfileWithTheStreamsLevel() throws {
        let (text, agreement) = try answer("chromium-whep", [picture([.h264(hd)]), voice()])
        let (audio, video) = (agreement.sections[0], agreement.sections[1])
        #expect(audio.sending?.type == 111 && audio.sending?.redundancyType == 63 && audio.receiving == nil)
        #expect(video.sending?.type == 108 && video.sending?.repairType == 109 && video.sending?.redundancyType == nil)
        #expect(video.sending?.feedback == [.missing, .pictureLoss, .keyframe, .estimate, .arrivals])
        #expect(video.mid == "1" && video.kind == .video && video.isReduced && video.refusal == nil)
        #expect(agreement.transport?.fragment?.isEmpty == false && !agreement.isActive && !agreement.restartsICE)

        let names = Set(video.sending?.extensions.entries.map(\.name) ?? [])
        #expect(names == [.absoluteSendTime, .mediaID, .playoutDelay, .transportSequence])
        #expect(audio.sending?.extensions.id(of: .transportSequence) == 3 && audio.sending?.feedback == .arrivals)

        for line in [
            "a=group:BUNDLE 0 1", "a=ice-lite", "a=setup:passive", "a=rtcp-mux", "a=rtcp-rsize", "a=sendonly",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "m=video 9 UDP/TLS/RTP/SAVPF 108 109",
            "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e028", "a=fmtp:109 apt=108",
            "a=fmtp:111 minptime=10;useinbandfec=1;sprop-stereo=1", "a=fmtp:63 111/111",
            "a=rtcp-fb:108 goog-remb", "a=rtcp-fb:108 nack pli", "a=ssrc-group:FID 2001 2002",
            "a=ssrc:2001 cname:sluice", "a=ssrc:2002 msid:viewer picture", "a=msid:viewer sound",
            "a=candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host", "a=end-of-candidates",
            "a=ice-ufrag:srvr0001", "a=fingerprint:\(fingerprint)", "a=rtcp-fb:108 transport-cc",
            "a=rtcp-fb:111 transport-cc", "a=extmap:3 \(HeaderExtension.transportSequence.uri)",
        ] { #expect(text.contains(line + "\r\n"), "\(line) in\n\(text)") }
    }

    @Test func aStreamsOwnParameterSetSaysItsProfile() throws {
        // 1280×720 at level 3.1 of x264, constrained baseline: 42c01f.
        let set = Base64.decode("Z0LAH9kAUAW7ARAAAAMAEAAAAwPI8YMkgA==") ?? []
        let sps = try #require(SequenceParameterSet(set))
        let (text, agreement) = try answer("chromium-whep", [picture([.h264(H264Profile(sps))])])
        #expect(agreement.sections[1].sending?.type == 108)
        #expect(text.contains("profile-level-id=42e01f\r\n"))
    }

    @Test func chromiumsMicrophoneIsTakenInTheSectionInWhichItIsSpokenTo() throws {
        let (text, agreement) = try answer(
            "chromium-talk", [voice([.opus()]), picture([.vp8])], [IncomingStream([.opus()], wantsRedundancy: true)])
        let audio = agreement.sections[0]
        #expect(audio.direction == .both && audio.sending?.type == 111)
        #expect(audio.receiving?.types == [111: .media(.opus()), 63: .redundancy(of: 111)])
        #expect(audio.receiving?.sources.ssrcs == [4_190_326_079] && audio.receiving?.feedback == .arrivals)
        #expect(audio.receiving?.extensions.id(of: .transportSequence) == 3)
        #expect(audio.receiving?.extensions.id(of: .audioLevel) == 1)
        #expect(audio.sending?.extensions.id(of: .transportSequence) == 3)
        // The first type of an answer is the one that is sent: frames with the one before.
        #expect(text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"))
        #expect(text.contains("a=extmap:3 http"))

        #expect(agreement.sections[1].direction == .send && agreement.sections[1].sending?.type == 96)
        #expect(agreement.sections[2].refusal == "application is not taken")
        #expect(text.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"))
        #expect(text.contains("a=group:BUNDLE 0 1\r\n"))
    }

    @Test func firefoxIsAnsweredInTheDirectionsOfItsExtensions() throws {
        let (text, agreement) = try answer("firefox-whep", [voice(), picture([.vp8])])
        let video = try #require(agreement.sections[1].sending)
        #expect(video.type == 120 && video.repairType == 124 && video.extensions.id(of: .playoutDelay) == 6)
        #expect(text.contains("a=extmap:6/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"))
        // Its offer has no extension for the time of sending in the section for sound.
        #expect(agreement.sections[0].sending?.extensions.id(of: .absoluteSendTime) == nil)
        #expect(agreement.sections[0].sending?.redundancyType == nil)

        // Playout delay is for what it receives: from its camera there is none.
        let camera = try answer("firefox-whip", [], [IncomingStream([.vp8]), IncomingStream([.opus()])])
        #expect(!camera.text.contains("playout-delay"))
        #expect(camera.agreement.sections[1].receiving?.types == [120: .media(.vp8), 124: .repair(of: 120)])
    }

    @Test func aStreamThatTheBrowserCannotDecodeIsRefusedWithBothLists() throws {
        let refusal = try fault { _ = try answer("firefox-whep", [voice(), picture([.h264(hd)])]) }
        #expect(refusal.kind == .incompatible)
        #expect(
            refusal.what
                == "section 1 (video) has no codec in common: the peer takes VP8, VP9, AV1; this side sends "
                + "H.264 constrained baseline 4 (42e028)")
        // An encoder of ours makes the other one.
        let (_, agreement) = try answer("firefox-whep", [voice(), picture([.h264(hd), .vp8])])
        #expect(agreement.sections[1].sending?.codec == .vp8)
    }

    @Test func aProfileThatTheOfferLacksIsNotSentUnderAnother() throws {
        let high = H264Profile(profile: 100, constraints: 0, level: 31)
        let refusal = try fault { _ = try answer("chromium-whep", [picture([.h264(high)])]) }
        #expect(refusal.what.contains("H.264 (42e01f, mode 1)") && refusal.what.hasSuffix("H.264 high 3.1 (64001f)"))
        // pion offers it.
        let (text, agreement) = try answer("pion-whep", [picture([.h264(high)])])
        #expect(agreement.sections[1].sending?.type == 123 && text.contains("profile-level-id=64001f"))
    }

    @Test func aLevelAboveTheOfferedOneNeedsLeave() throws {
        // GStreamer's offer has no level-asymmetry-allowed.
        let low = H264Profile.constrainedBaseline(level: 31)
        let (text, agreement) = try answer("gstreamer-whep", [voice(), picture([.h264(low)])])
        #expect(agreement.sections.map { $0.sending?.type } == [97, 96] && !text.contains("asymmetry"))
        let refusal = try fault { _ = try answer("gstreamer-whep", [voice(), picture([.h264(hd)])]) }
        #expect(refusal.kind == .incompatible)
    }

    @Test(arguments: receivers) func everyViewerIsSentSoundAndPictures(_ name: String) throws {
        let codecs: [MediaCodec] = [.vp8, .h264(.constrainedBaseline(level: 31))]
        let (text, agreement) = try answer(name, [picture(codecs), voice()])
        #expect(agreement.sections.filter { $0.direction == .send }.count == 2, "\(text)")
        #expect(text.contains("a=setup:passive\r\n"))
        for section in agreement.sections {
            guard let sending = section.sending else { continue }
            #expect(sending.stream.kind == section.kind)
            // It is agreed on where the offer has a number for it in that section, and nowhere else.
            let isNumbered = sending.extensions.id(of: .transportSequence) != nil
            #expect(sending.feedback.contains(.arrivals) == isNumbered)
            #expect(isNumbered == !["aiortc-whep", "gstreamer-whep"].contains(name), "\(name)")
        }
    }

    @Test(arguments: senders) func everyPublisherIsTaken(_ name: String) throws {
        let (text, agreement) = try answer(
            name, [], [IncomingStream([.opus(channels: 2)]), IncomingStream([.h264, .vp8])])
        let received = agreement.sections.compactMap(\.receiving)
        #expect(received.count == 2, "\(text)")
        for section in received {
            #expect(section.types.values.contains { if case .media = $0 { true } else { false } })
            // It is only asked for where packets are numbered for it.
            let counts = section.extensions.id(of: .transportSequence) != nil
            #expect(counts || !section.feedback.contains(.arrivals))
            #expect(!section.sources.ssrcs.isEmpty || name == "firefox-whip" || name == "chromium-whip")
        }
        #expect(text.contains("a=recvonly\r\n") && text.contains("stereo=1") && !text.contains("a=msid"))
    }

    @Test func everyProfileOfH264IsTakenAtAHighLevel() throws {
        let (text, agreement) = try answer("ios-whip", [], [IncomingStream([.h264])])
        #expect(agreement.sections[1].receiving?.types.count == 4)
        #expect(agreement.sections[1].receiving?.feedback.contains(.arrivals) == true)
        #expect(text.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\n"))
        #expect(text.contains("a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c34\r\n"))
        #expect(agreement.sections[1].receiving?.sources.repairs == [728_104_933: 3_360_217_845])
        // Sound is not taken: out of the group, though first in the offer.
        #expect(agreement.sections[0].refusal != nil && text.contains("a=group:BUNDLE 1\r\n"))
    }

    @Test func simulcastIsAnsweredAsOneStream() throws {
        let (text, agreement) = try answer("chromium-simulcast", [], [IncomingStream([.vp8])])
        #expect(!text.contains("simulcast") && !text.contains("a=rid"))
        #expect(agreement.sections[0].receiving?.restrictions.count == 3)
    }

    @Test func nothingAtAllForThisSideIsSaidWithItsReasons() throws {
        let refusal = try fault { _ = try answer("obs-whip", [voice(), picture([.vp8])]) }
        #expect(refusal.kind == .incompatible && refusal.what.contains("this side sends Opus, VP8 and takes nothing"))
        #expect(refusal.what.contains("section 0 (audio): nothing of this side is left for sendonly"))
    }

    @Test func withoutAnSSRCForItNothingIsSentAgainByOne() throws {
        var stream = picture([.vp8])
        stream.repairSSRC = nil
        let (text, agreement) = try answer("chromium-whep", [stream])
        #expect(agreement.sections[1].sending?.repairType == nil && !text.contains("rtx") && !text.contains("FID"))
    }

    @Test(arguments: [("actpass", "passive"), ("active", "passive"), ("passive", "active")])
    func theHandshakeIsBegunByTheOther(_ theirs: String, _ ours: String) throws {
        let text = try fixture("chromium-whep").replacingOccurrences(of: "setup:actpass", with: "setup:\(theirs)")
        var answerer = Answerer(id: 1, outgoing: [voice()], incoming: [])
        let (answer, agreement) = try answerer.answer(PeerDescription(text), server)
        #expect(answer.contains("a=setup:\(ours)\r\n") && agreement.isActive == (ours == "active"))
    }
}
