import ICE
import Net
import Sluice
import Testing

@Suite struct CandidateTests {
    @Test func aLineOfABrowserIsRead() throws {
        let line =
            "a=candidate:842163049 1 UDP 1677729535 203.0.113.5 40678 typ srflx raddr 0.0.0.0 rport 0 generation 0 "
            + "ufrag 4ZcD network-cost 999\r\n"
        let read = try #require(ICECandidate(line: line))
        #expect(read.foundation == "842163049" && read.component == 1 && read.transport == .udp)
        #expect(read.priority == 1_677_729_535 && read.kind == .serverReflexive && read.fragment == "4ZcD")
        #expect(read.address?.description == "203.0.113.5:40678" && !read.isHidden)
    }

    @Test func anAddressBehindANameIsHidden() throws {
        let line = "candidate:1 1 udp 2113937151 5d1b6c8e-0a31-4c1c-9a3b-4c9e2f3b1c1d.LOCAL 50000 typ host"
        let read = try #require(ICECandidate(line: line))
        #expect(read.isHidden && read.address == nil)
    }

    @Test(arguments: [
        ("tcptype passive", ICECandidate.Transport.passive), ("generation 0 tcptype ACTIVE", .active),
        ("tcptype so", .simultaneous),
    ]) func theTypeOfTCPIsRead(_ words: String, _ transport: ICECandidate.Transport) {
        let read = ICECandidate(line: "candidate:1 1 tcp 1 2001:db8::1 9 typ host \(words)")
        #expect(read?.transport == transport && read?.address?.description == "[2001:db8::1]:9")
    }

    @Test(arguments: [
        "", "candidate:", "candidate:1 1 udp 1 192.0.2.1 9", "candidate:1 1 udp 1 192.0.2.1 9 typ",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host generation", "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 9 typ host", "candidate:1 0 udp 1 192.0.2.1 9 typ host",
        "candidate:1 257 udp 1 192.0.2.1 9 typ host", "candidate:1 1 udp -1 192.0.2.1 9 typ host",
        "candidate:1 1 udp +1 192.0.2.1 9 typ host", "candidate:1 1 sctp 1 192.0.2.1 9 typ host",
        "candidate:1 1 tcp 1 192.0.2.1 9 typ host", "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype udp",
        "candidate:1 1 udp 1 192.0.2.1 9 typ mystery", "candidate:1! 1 udp 1 192.0.2.1 9 typ host",
        "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag a",
    ]) func aLineThatIsNoCandidateIsNone(_ line: String) { #expect(ICECandidate(line: line) == nil) }

    @Test func aLineWithoutEndIsNone() {
        let line = "candidate:1 1 udp 1 192.0.2.1 9 typ host"
        #expect(ICECandidate(line: line + String(repeating: " a b", count: 200)) != nil)
        #expect(ICECandidate(line: line + String(repeating: " a b", count: 300)) == nil)
    }

    @Test(arguments: ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%lo", "host.example", "127.1.1.1.1", ""])
    func anAddressThatNobodyHasIsNone(_ host: String) {
        let read = ICECandidate(line: "candidate:1 1 udp 1 \(host.isEmpty ? "''" : host) 9 typ host")
        #expect(read != nil && read?.address == nil)
    }

    /// RFC 8445, section 5.1.2.1: 2^24 times the type, 2^8 times the local preference, and 256 less the component.
    @Test func thePriorityIsByTheFormula() {
        #expect(ICECandidate.priority(kind: .host, localPreference: 65_535) == 2_130_706_431)
        #expect(ICECandidate.priority(kind: .serverReflexive, localPreference: 65_535) == 1_694_498_815)
        #expect(ICECandidate.priority(kind: .relayed, localPreference: 0, component: 256) == 0)
        #expect(ICECandidate.priority(kind: .host, localPreference: 1, component: 2) == 126 << 24 | 1 << 8 | 254)
        let tcp = ICECandidate.priority(kind: .host, transport: .passive, localPreference: .max)
        #expect(tcp == 99 << 24 | 0xffff << 8 | 255)
        #expect(tcp < ICECandidate.priority(kind: .serverReflexive, localPreference: 0))
    }

    @Test func aLineThatIsWrittenIsReadAgain() throws {
        let address = try #require(SocketAddress(numeric: "::ffff:192.0.2.1", port: 8_189))
        for transport in ICECandidate.Transport.allCases {
            for kind in ICECandidate.Kind.allCases {
                var candidate = ICECandidate(address, transport: transport, kind: kind, localPreference: 9)
                candidate.fragment = transport == .udp ? "abcd" : nil
                #expect(ICECandidate(line: candidate.line) == candidate, "\(candidate.line)")
            }
        }
        let host = ICECandidate(address, foundation: "1")
        #expect(host.line == "candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host")
        let tcp = ICECandidate(address, transport: .passive, foundation: "2")
        #expect(tcp.line == "candidate:2 1 tcp 1677721599 192.0.2.1 8189 typ host tcptype passive")
        #expect(ICECandidate(address).foundation != ICECandidate(address, transport: .passive).foundation)
    }

    // MARK: Credentials

    @Test func newCredentialsAreLongEnoughAndOfTheRightCharacters() {
        let made = ICECredentials(random: Peer.random)
        #expect(made.fragment.utf8.count == 8 && made.password.utf8.count == 24)
        #expect(ICECredentials(fragment: made.fragment, password: made.password) == made)
    }

    @Test func credentialsOfADescriptionHaveLengthsAndCharacters() {
        func reads(_ fragment: String, _ password: String) -> Bool {
            ICECredentials(fragment: fragment, password: password) != nil
        }
        let password = String(repeating: "p", count: 22)
        #expect(reads("ab+/", password) && !reads("abc", password) && !reads("abc:", password))
        #expect(!reads("abcd", String(password.dropLast())) && !reads("abcd", password + " "))
        let long = String(repeating: "x", count: 256)
        #expect(reads(long, long) && !reads(long + "x", long) && !reads(long, long + "x") && !reads("äbcd", password))
    }

    @Test func noTextOfCredentialsShowsThePassword() {
        let made = ICECredentials(fragment: "abcd", password: "secretsecretsecretsecret")!
        var dumped = ""
        dump(made, to: &dumped)
        for text in ["\(made)", String(reflecting: made), dumped, "\([made])"] { #expect(!text.contains("secret")) }
    }
}
