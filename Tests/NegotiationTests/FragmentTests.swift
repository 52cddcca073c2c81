import Negotiation
import RTP
import Testing

@Suite struct FragmentTests {
    @Test func candidatesThatABrowserFoundLaterAreRead() throws {
        // As a client of WHIP sends them.
        let text = """
            a=ice-ufrag:AQ8x\r
            a=ice-pwd:mBYngtVLlb1FhltsjrmfTfmz\r
            m=audio 9 UDP/TLS/RTP/SAVPF 0\r
            a=mid:0\r
            a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag AQ8x network-id 1\r
            a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host\r
            a=end-of-candidates\r

            """
        let fragment = try TransportFragment(text)
        #expect(fragment.fragment == "AQ8x" && fragment.password == "mBYngtVLlb1FhltsjrmfTfmz" && !fragment.isLite)
        #expect(fragment.parts.map(\.mid) == ["0"] && fragment.parts[0].name == "audio" && fragment.isComplete)
        #expect(fragment.candidates.count == 2 && fragment.candidates[1].hasSuffix("61765 typ host"))
        let transport = try PeerDescription(fixture("chromium-talk")).sections[0].transport
        #expect(!fragment.restartsICE(transport) && !"\(fragment)".contains("mBYn"))
        #expect(try TransportFragment(text.replacingOccurrences(of: "AQ8x\r", with: "New1\r")).restartsICE(transport))
        #expect(try !TransportFragment("a=ice-ufrag:New1\r\na=end-of-candidates\r\n").restartsICE(transport))
    }

    @Test func whatIsWrittenIsReadAlike() throws {
        let fragment = TransportFragment(
            fragment: "srvr0002", password: "abcdefghijklmnopqrstuvwx", isLite: true,
            parts: [
                .init(mid: "0", candidates: server.candidates, hasEnded: true),
                .init(mid: "1", name: "video", candidates: []),
            ])
        #expect(try TransportFragment(fragment.text) == fragment && !fragment.isComplete)
        #expect(fragment.text.hasPrefix("a=ice-lite\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:srvr0002\r\n"))
        #expect(fragment.text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp"))
    }

    @Test func theEndOfAllCandidatesMayStandAlone() throws {
        let fragment = try TransportFragment("a=ice-ufrag:abcd\na=end-of-candidates\n")
        #expect(fragment.hasEnded && fragment.isComplete && fragment.parts.isEmpty)
        #expect(try TransportFragment("a=candidate:1 1 udp 1 192.0.2.1 1 typ host").candidates.count == 1)
    }

    @Test(arguments: [
        ("", "neither credentials nor candidates"), ("hello", "a line is a letter"), ("a=mid:0", "behind an m= line"),
        ("a=ice-ufrag:a b c", "a=ice-ufrag is not"), ("a=ice-pwd:short", "a=ice-pwd is not"),
        ("a=ice-ufrag:abcd\na=ice-ufrag:abce", "differs from medium to medium"),
        ("m=audio 9\na=mid:a b", "a=mid is not"), ("a=x:\u{1b}", "control character 27"),
        (String(repeating: "a=candidate:1\n", count: 129), "more than 128 candidates"),
        (String(repeating: "m=audio\n", count: 257), "more than 256 media"),
        (String(repeating: "a=x\n", count: 1 << 15), "and 65536 are the most"),
    ]) func brokenFragmentsAreRefusedInASentence(_ text: String, _ words: String) throws {
        let refusal = try fault { _ = try TransportFragment(text) }
        #expect(refusal.kind == .malformed && refusal.what.contains(words), "\(refusal)")
    }
}
