import Foundation
import Negotiation
import RTP
import TestSupport
import Testing

@Suite struct BadOfferTests {
    private static let start = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

    private static func transport(setup: String = "actpass") -> String {
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:\(fingerprint)\r\na=setup:\(setup)\r\n"
    }

    private static func section(
        _ kind: String = "audio", _ mid: String? = nil, types: String = "111",
        lines: String = "a=rtpmap:111 opus/48000/2\r\n"
    ) -> String {
        "m=\(kind) 9 UDP/TLS/RTP/SAVPF \(types)\r\nc=IN IP4 0.0.0.0\r\n" + (mid.map { "a=mid:\($0)\r\n" } ?? "")
            + "a=recvonly\r\na=rtcp-mux\r\n" + lines
    }

    private static let vp8 = "a=rtpmap:96 VP8/90000\r\n"

    private func answer(_ text: String) throws -> (text: String, agreement: Agreement) {
        let offer = try PeerDescription(text)
        var answerer = Answerer(id: 5, outgoing: [voice(), picture([.vp8])], incoming: [])
        let made = try answerer.answer(offer, server)
        try expectAnswerNamesOnlyWhatIsOffered(offer, made.text)
        return made
    }

    private func refusal(_ text: String) throws -> NegotiationFault {
        let fault = try fault { _ = try answer(text) }
        #expect("\(fault)".utf8.count < 1_000 && !fault.what.hasSuffix(".") && fault.advice.hasSuffix("."))
        return fault
    }

    @Test func aDescriptionOfAMegabyteIsRefused() throws {
        let text = Self.start + String(repeating: "a=x:" + String(repeating: "y", count: 1_000) + "\r\n", count: 1_050)
        let refusal = try refusal(text)
        #expect(refusal.kind == .malformed && refusal.what.contains("bytes, and 524288 are the most"))
    }

    @Test func aThousandSectionsAreRefused() throws {
        let text = Self.start + Self.transport() + (0..<1_000).map { Self.section("audio", "\($0)") }.joined()
        let refusal = try refusal(text)
        #expect(refusal.kind == .malformed && refusal.what.contains("more than 256 media"))
    }

    @Test func asMuchAsIsAllowedIsReadInReasonableTime() throws {
        // Lists that would be searched anew for each line.
        let size = SessionDescription.largest - 2_000
        for line in [
            "a=rtcp-fb:111 nack\r\n", "a=extmap:3 urn:x\r\n", "a=ssrc-group:FID 1 2\r\n", "a=candidate:1\r\n",
            "a=ssrc:1 cname:x\r\n", "a=rid:a send\r\n", "a=fmtp:111 a=b;c=d\r\n", "a=rtpmap:111 opus/48000/2\r\n",
            "a=group:BUNDLE\r\n", "a=fingerprint:sha-256 AB\r\n",
        ] {
            let text =
                Self.start + Self.transport() + Self.section()
                + String(repeating: line, count: size / line.utf8.count)
            let clock = ContinuousClock()
            let taken = try clock.measure { _ = try answer(text) }
            #expect(taken < .seconds(Built.isSanitized ? 30 : 5), "\(line) took \(taken)")
        }
        let types = String(repeating: "111 ", count: size / 4)
        #expect(try answer(Self.start + Self.transport() + Self.section(types: types)).agreement.sections.count == 1)
        let sources = (0..<10_000).map { "a=ssrc:\($0) cname:x\r\n" }.joined()
        #expect(try refusal(Self.start + Self.transport() + Self.section(lines: sources)).what.contains("SSRCs"))
    }

    @Test func twoGroupsAreRefused() throws {
        let text =
            Self.start + "a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n" + Self.transport() + Self.section("audio", "0")
            + Self.section("video", "1", types: "96", lines: Self.vp8)
        let refusal = try refusal(text)
        #expect(refusal.kind == .incompatible && refusal.what.contains("2 BUNDLE groups"))
    }

    @Test func withoutIdsOneSectionIsAnsweredAndTwoAreRefused() throws {
        let one = try answer(Self.start + Self.transport() + Self.section())
        #expect(one.agreement.sections[0].sending?.type == 111 && !one.text.contains("a=mid"))
        #expect(!one.text.contains("BUNDLE"))
        let two = try refusal(
            Self.start + Self.transport() + Self.section() + Self.section("video", types: "96", lines: Self.vp8))
        #expect(two.kind == .incompatible && two.what.contains("bundles nothing") && two.advice.contains("max-bundle"))
    }

    @Test func aSectionOutsideOfTheGroupIsRejectedAlone() throws {
        let text =
            Self.start + "a=group:BUNDLE 0\r\n" + Self.transport() + Self.section("audio", "0")
            + Self.section("video", "1", types: "96", lines: Self.vp8)
        let made = try answer(text)
        #expect(made.agreement.sections[1].refusal == "it is outside of the BUNDLE group")
        #expect(made.text.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n") && made.text.contains("BUNDLE 0\r\n"))
    }

    @Test(arguments: [
        ("a=group:BUNDLE 0 7\r\n", "names 7, which is the a=mid of no section"),
        ("a=group:BUNDLE 0 0\r\n", "names 0 twice"),
    ]) func groupsThatMakeNoSenseAreRefused(_ group: String, _ words: String) throws {
        let refusal = try refusal(Self.start + group + Self.transport() + Self.section("audio", "0"))
        #expect(refusal.kind == .malformed && refusal.what.contains(words))
    }

    @Test(arguments: [("0", "0", "to two sections"), ("a b", "1", "letters"), ("ä", "1", "letters")])
    func idsThatMakeNoSenseAreRefused(_ first: String, _ second: String, _ words: String) throws {
        let text = Self.start + Self.transport() + Self.section("audio", first) + Self.section("audio", second)
        let refusal = try refusal(text)
        #expect(refusal.kind == .malformed && refusal.what.contains(words), "\(refusal)")
    }

    @Test func aPayloadTypeThatStandsTwiceInASectionCountsOnce() throws {
        let made = try answer(Self.start + Self.transport() + Self.section(types: "111 111 111"))
        #expect(made.text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"))
    }

    @Test func aPayloadTypeWithTwoMeaningsInAGroupIsRefused() throws {
        let text =
            Self.start + "a=group:BUNDLE 0 1\r\n" + Self.transport() + Self.section("audio", "0")
            + Self.section("video", "1", types: "111", lines: "a=rtpmap:111 VP8/90000\r\n")
        let refusal = try refusal(text)
        #expect(refusal.what == "payload type 111 is opus/48000 in section 0 and vp8/90000 in section 1 of one group")
    }

    @Test func aPayloadTypeThatNothingTellsAboutIsNotAnswered() throws {
        let bare = try refusal(Self.start + Self.transport() + Self.section("video", types: "96 97", lines: ""))
        #expect(bare.kind == .incompatible && bare.what.contains("the peer takes no codec that it names"))
        let mixed = try answer(Self.start + Self.transport() + Self.section(types: "96 111 webrtc"))
        #expect(mixed.text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"))
    }

    @Test(arguments: [
        "a=mid:\u{1b}[2J\r\n", "a=x:\u{0}\r\n", "a=x:\u{7f}\r\n", "a=x:\u{202e}\r\n", "a=x:\u{9b}\r\n",
    ]) func controlCharactersAreRefusedAndNotRepeated(_ line: String) throws {
        let refusal = try refusal(Self.start + Self.transport() + Self.section(lines: line))
        #expect(refusal.kind == .malformed && refusal.what.contains("control character"))
        #expect("\(refusal)".unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f })
    }

    @Test(arguments: [
        ("a=ice-ufrag:abcd\r\n", "no a=ice-ufrag"), ("a=ice-pwd:abcdefghijklmnopqrstuv\r\n", "no a=ice-pwd"),
        ("a=fingerprint:\(fingerprint)\r\n", "no a=fingerprint"),
    ]) func withoutALineForTheTransportNothingIsAnswered(_ line: String, _ words: String) throws {
        let text = (Self.start + Self.transport() + Self.section()).replacingOccurrences(of: line, with: "")
        let refusal = try refusal(text)
        #expect(refusal.kind == .malformed && refusal.what.contains(words))
    }

    @Test(arguments: [
        ("abcd\r", "abc\r", "a=ice-ufrag is not"), ("abcd\r", "ab:d\r", "a=ice-ufrag is not"),
        ("uv\r", "u\r", "a=ice-pwd is not"), ("actpass", "holdconn", "a=setup is holdconn"),
        ("actpass", "both", "a=setup is \"both\""), ("v=0", "v=1", "does not begin with v=0"),
        ("rtcp-mux", "rtcp-xr:x", "no a=rtcp-mux"), ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "profile RTP/AVP"),
        ("m=audio 9", "m=audio 0", "the peer has rejected it"), ("m=audio", "m=text", "text is not taken"),
        ("opus/48000/2", "opus", "a=rtpmap is not"), ("m=audio 9", "m=audio 70000", "m= is not"),
    ]) func brokenLinesAreRefusedInASentence(_ right: String, _ wrong: String, _ words: String) throws {
        let text = (Self.start + Self.transport() + Self.section()).replacingOccurrences(of: right, with: wrong)
        let refusal = try refusal(text)
        #expect(refusal.what.contains(words), "\(refusal)")
    }

    @Test func noFaultRepeatsAPassword() throws {
        let secret = "ABCDEFGHIJKLMNOPQRSTUV:"
        let text = (Self.start + Self.transport() + Self.section()).replacingOccurrences(
            of: "abcdefghijklmnopqrstuv", with: secret)
        #expect(try !"\(refusal(text))".contains(secret))
    }

    /// Offers of browsers with lines lost, moved, repeated and mixed with those of others.
    @Test func mutilatedOffersAreAnsweredFromWhatTheyHaveOrRefused() throws {
        var dice = Dice(seed: 11)
        let offers = try (receivers + senders + others).map { try fixture($0).components(separatedBy: "\r\n") }
        let codecs: [MediaCodec] = [.vp8, .h264(hd)]
        var (answers, refusals) = (0, 0)
        for _ in 0..<600 {
            var lines = offers.randomElement(using: &dice) ?? []
            for _ in 0..<Int.random(in: 1...12, using: &dice) {
                let at = Int.random(in: 4..<lines.count, using: &dice)
                switch Int.random(in: 0...3, using: &dice) {
                case 0: lines.remove(at: at)
                case 1: lines.insert(lines.randomElement(using: &dice) ?? "", at: at)
                case 2: lines.swapAt(at, Int.random(in: 4..<lines.count, using: &dice))
                default: lines.insert(offers.randomElement(using: &dice)?.randomElement(using: &dice) ?? "", at: at)
                }
            }
            let text = lines.joined(separator: "\r\n")
            do throws(NegotiationFault) {
                let offer = try PeerDescription(text)
                var answerer = Answerer(
                    id: 5, outgoing: [voice(), picture(codecs)],
                    incoming: [IncomingStream([.opus()]), IncomingStream([.h264, .vp8])])
                let made = try answerer.answer(offer, server)
                answers += 1
                do { try expectAnswerNamesOnlyWhatIsOffered(offer, made.text, "\(text)") } catch {
                    Issue.record("our answer is refused: \(error)")
                }
            } catch { refusals += 1 }
        }
        #expect(answers > 100 && refusals > 50, "\(answers) answers, \(refusals) refusals")
    }
}
