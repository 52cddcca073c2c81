import Foundation
import ICE
import Net
import Sluice
import Testing

@Suite struct PortTests {
    private func kind(_ bytes: UInt8...) -> PacketKind { bytes.withUnsafeBytes { PacketKind($0) } }

    @Test func theFirstBytesTellTheProtocol() {
        #expect(kind() == .other && kind(0) == .other)
        #expect(kind(0, 1) == .stun && kind(3, 255) == .stun && kind(4, 0) == .other && kind(16, 0) == .other)
        #expect(kind(20, 254) == .dtls && kind(22, 254) == .dtls && kind(63, 0) == .dtls)
        #expect(kind(64, 0) == .turnChannel && kind(79, 0) == .turnChannel && kind(80, 0) == .other)
        #expect(kind(0x80, 111) == .rtp && kind(0xbf, 0xef) == .rtp && kind(0x80, 96) == .rtp)
        #expect(kind(0x80, 200) == .rtcp && kind(0x81, 206) == .rtcp && kind(0x80, 191) == .rtp)
        #expect(kind(0x80, 224) == .rtp && kind(0xc0, 200) == .other && kind(127, 0) == .other)
    }

    // MARK: The table

    @Test func aCheckFindsItsPeerByFragmentAndADatagramByAddress() throws {
        var table = PeerTable()
        let one = ICECredentials(fragment: "fragmen1", password: String(repeating: "p", count: 22))!
        let two = ICECredentials(fragment: "fragmen2", password: String(repeating: "p", count: 22))!
        let short = ICECredentials(fragment: "frag", password: String(repeating: "p", count: 22))!
        #expect(table.add(one, peer: 1) && table.add(two, peer: 2) && !table.add(short, peer: 3))
        #expect(!table.add(one, peer: 2) && table.add(one, peer: 1) && table.fragmentCount == 2)
        func found(_ peer: Peer) -> Int? {
            peer.check().withUnsafeBytes { bytes in STUNMessage(bytes).flatMap { table.peer(of: $0) } }
        }
        #expect(found(Peer(remote: one)) == 1 && found(Peer(remote: two)) == 2 && found(Peer(remote: short)) == nil)
        table.remove(one)
        #expect(found(Peer(remote: one)) == nil && found(Peer(remote: two)) == 2)

        let way = Peer.address("192.0.2.1")
        #expect(table.peer(at: way) == nil && table.add(way, peer: 1))
        #expect(table.peer(at: way) == 1 && table.peer(at: Peer.address("::ffff:192.0.2.1")) == 1)
        #expect(table.peer(at: Peer.address("192.0.2.1", 5_001)) == nil)
        // A check of the second peer with the source of the first takes nothing.
        #expect(!table.add(way, peer: 2) && table.peer(at: way) == 1)
        table.remove(way)
        #expect(table.peer(at: way) == nil && table.routeCount == 0)
    }

    @Test func udpAndTCPOfOneAddressAreTwoWays() {
        var table = PeerTable()
        let datagrams = Peer.address("192.0.2.1")
        let (first, second) = (
            ICERoute(datagrams.address, connection: 1), ICERoute(datagrams.address, connection: 2)
        )
        #expect(table.add(datagrams, peer: 1) && table.add(first, peer: 2) && table.add(second, peer: 1))
        #expect(table.routeCount == 3)
        table.remove(first)
        #expect(table.peer(at: datagrams) == 1 && table.peer(at: first) == nil && table.peer(at: second) == 1)
    }

    // MARK: Admission

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    private func admission(_ change: (inout CheckAdmission.Limits) -> Void = { _ in }) -> CheckAdmission {
        var limits = CheckAdmission.Limits()
        change(&limits)
        return CheckAdmission(limits: limits, seed: 3, now: at(0))
    }

    @Test func oneHostMayNotAskWithoutEndAndTheOthersDoNotNotice() {
        var admission = admission()
        var admitted = 0
        for index in 0..<10_000 {
            let stranger = Peer.address("203.0.113.9", 1_000 + index).address
            if admission.refuseCheck(from: stranger, now: at(Double(index) / 10_000)) == nil { admitted += 1 }
        }
        // A second's worth at once, and one second's more.
        #expect((399...401).contains(admitted))
        #expect(admission.refusals == [.tooManyChecksOfHost: 10_000 - admitted])
        #expect(admission.refuseCheck(from: Peer.address("192.0.2.1").address, now: at(1)) == nil)
        #expect(admission.refuseCheck(from: Peer.address("203.0.113.9").address, now: at(2)) == nil)
    }

    @Test func allHostsTogetherMayAskSoMuch() {
        var admission = admission { $0.checksPerSecond = 50 }
        let refused = (0..<200).filter {
            admission.refuseCheck(from: Peer.address("198.51.100.\($0)").address, now: at(0)) == .tooManyChecks
        }
        #expect(refused.count == 150)
        #expect(admission.refuseCheck(from: Peer.address("192.0.2.1").address, now: at(1)) == nil)
    }

    @Test func theAddressesOfOneNetworkOfIPv6AreOneHost() {
        var admission = admission { $0.checksPerSecondOfHost = 3 }
        let refusals = (0..<6).map {
            admission.refuseCheck(from: Peer.address("2001:db8::\($0 + 1)").address, now: at(0))
        }
        #expect(refusals == [nil, nil, nil, .tooManyChecksOfHost, .tooManyChecksOfHost, .tooManyChecksOfHost])
        #expect(admission.refuseCheck(from: Peer.address("2001:db8:0:1::1").address, now: at(0)) == nil)
    }

    @Test func peersAndConnectionsThatWaitAreCounted() {
        var admission = admission {
            ($0.pendingPeers, $0.pendingConnections, $0.pendingConnectionsOfHost) = (2, 3, 2)
        }
        #expect(admission.refusePeer() == nil && admission.refusePeer() == nil)
        #expect(admission.refusePeer() == .tooManyPeers && admission.pendingPeers == 2)
        admission.peerIsSettled()
        #expect(admission.refusePeer() == nil)
        let one = Peer.address("192.0.2.1").address
        let two = Peer.address("192.0.2.2").address
        #expect(admission.refuseConnection(from: one, now: at(0)) == nil)
        #expect(admission.refuseConnection(from: one, now: at(0)) == nil)
        #expect(admission.refuseConnection(from: one, now: at(0)) == .tooManyConnectionsOfHost)
        #expect(admission.refuseConnection(from: two, now: at(0)) == nil)
        #expect(admission.refuseConnection(from: two, now: at(0)) == .tooManyConnections)
        admission.connectionIsSettled(from: one)
        #expect(admission.refuseConnection(from: two, now: at(0)) == nil && admission.pendingConnections == 3)
        for _ in 0..<9 { admission.connectionIsSettled(from: two) }
        #expect(admission.pendingConnections == 1)
    }
}
