import DTLS
import Glibc
import ICE
import Net
import Sluice
import Testing

@testable import WebRTCPlugin

/// The port's thread with sockets of the loopback.
@Suite("The port before strangers") struct PortLoopTests {
    private static let loopback = SocketAddress(numeric: "127.0.0.1", port: 0)!

    /// A port that runs, and one peer that it knows.
    private final class Rig {
        let socket: UDPSocket
        let loop: PortLoop
        let credentials = ICECredentials(random: Secrets.fillRandom)
        let peer: FullPeer
        private let link: PeerLink
        private let thread: PortThread

        init() throws {
            let (socket, peer) = (try UDPSocket(boundTo: PortLoopTests.loopback), try FullPeer(credentials))
            let loop = try PortLoop(socket, told: [])
            link = PeerLink(1, IdlePort(socket)) { _ in }
            loop.post(
                .add(
                    1,
                    PeerTransport.Agreement(
                        credentials: credentials, remoteFragment: peer.credentials.fragment,
                        fingerprints: [peer.certificate.fingerprint], role: .server), link))
            (self.socket, self.peer, self.loop) = (socket, peer, loop)
            thread = try PortThread { loop.run() }
        }

        func close() {
            loop.post(.stop)
            thread.join()
        }
    }

    /// Waits for the kernel, at most ten seconds.
    private func answer(to socket: UDPSocket) -> STUN.Kind? {
        var watched = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        let batch = DatagramBatch(capacity: 1, room: 2_048)
        guard poll(&watched, 1, 10_000) == 1, batch.receive(on: socket) == 0, batch.count == 1 else { return nil }
        let (room, count) = batch.datagram(0)
        return STUNMessage(UnsafeRawBufferPointer(rebasing: room[..<count]))?.kind
    }

    @Test func checksForNobodyUseUpNothingOfWhatNewBrowsersMayAsk() throws {
        let rig = try Rig()
        defer { rig.close() }
        let here = try UDPSocket(connectedTo: rig.socket.local)
        // More than one host may ask within a second.
        let stranger = try FullPeer(ICECredentials(random: Secrets.fillRandom))
        for _ in 0..<300 { _ = stranger.check(nominating: true).withUnsafeBytes { here.send($0) } }
        _ = rig.peer.check(nominating: true).withUnsafeBytes { here.send($0) }
        #expect(answer(to: here) == .success)
    }

    @Test func checksOfAKnownPeerFromStrangeAddressesAreLimited() throws {
        let rig = try Rig()
        defer { rig.close() }
        let here = try UDPSocket(connectedTo: rig.socket.local)
        for _ in 0..<300 {
            _ = rig.peer.check(nominating: true, password: "another password than ours").withUnsafeBytes {
                here.send($0)
            }
        }
        let end = SystemClock.monotonic + .seconds(10)
        while rig.loop.counts.checksLimited < 90, SystemClock.monotonic < end { sched_yield() }
        #expect(rig.loop.counts.checksLimited >= 90, "\(rig.loop.counts)")
    }
}

/// A way out for peers that send nothing.
final class IdlePort: PortSender {
    let outbox: PortOutbox
    init(_ socket: UDPSocket) { outbox = PortOutbox(socket) }
    func outbox(for family: Int32) -> PortOutbox? { outbox }
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome { DatagramBatch.Outcome() }
}
