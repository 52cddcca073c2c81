import ICE
import Net
import Sluice
import Testing

@Suite struct FailureTests {
    private func told(_ hosts: String...) -> [SocketAddress] { hosts.map { Peer.address($0, 8_189).address } }

    @Test func aSentenceTellsHowFarItCameAndTheWayOut() {
        let none = ICEFailure.noCheck(within: .seconds(10))
        #expect(
            none.text(told: told("10.0.0.4"))
                == "no check came to 10.0.0.4:8189 within 10 s: the address is private; set advertise to one that browsers "
                + "reach, or open UDP and TCP 8189")
        #expect(
            none.text(told: told("10.0.0.4", "fd00::4")).hasPrefix(
                "no check came to 10.0.0.4:8189, [fd00::4]:8189 within 10 s: the addresses are private;"))
        #expect(
            none.text(told: told("127.0.0.1", "::1")).hasSuffix(
                "the addresses are this machine's own; set advertise to one that browsers reach"))
        #expect(
            none.text(told: told("8.8.8.8", "10.0.0.4")).hasSuffix(
                "open UDP and TCP 8189 in the firewall, or set advertise to an address that browsers reach"))
        #expect(none.text(told: []).hasSuffix("set advertise to an address that browsers reach"))
        let from = Peer.address("192.0.2.1")
        #expect(
            ICEFailure.wrongPassword(from, checks: 3, within: .milliseconds(2_500)).text(told: []).hasPrefix(
                "3 checks came from 192.0.2.1:5000 by UDP within 2.5 s, none with the right password:"))
        #expect(
            ICEFailure.notSelected(from, checks: 1, within: .seconds(10)).text(told: []).hasPrefix(
                "1 check came and was answered, the last from 192.0.2.1:5000 by UDP, but the peer selected no address"))
        #expect(
            ICEFailure.consentLost(ICERoute(from.address, connection: 1), after: .seconds(30)).text(told: [])
                .hasPrefix("connected to 192.0.2.1:5000 by TCP, then no check came for 30 s:"))
    }
}
