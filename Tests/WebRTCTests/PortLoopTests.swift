import DTLS
import Glibc
import ICE
import Net
import Sluice
import Synchronization
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
        let link: PeerLink
        private let thread: PortThread

        init(at address: SocketAddress = PortLoopTests.loopback) throws {
            let (socket, peer) = (try UDPSocket(boundTo: address), try FullPeer(credentials))
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

    /// Waits for the port's thread, at most ten seconds.
    private func until(_ holds: () -> Bool) -> Bool {
        let end = SystemClock.monotonic + .seconds(10)
        while !holds(), SystemClock.monotonic < end { sched_yield() }
        return holds()
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
        #expect(until { rig.loop.counts.checksLimited >= 90 }, "\(rig.loop.counts)")
    }

    @Test func tenThousandChecksOfStrangersAreCountedAndOneWhoPlaysIsAnswered() throws {
        let rig = try Rig()
        defer { rig.close() }
        let here = try UDPSocket(connectedTo: rig.socket.local)
        let friend = try UDPSocket(connectedTo: rig.socket.local)
        _ = rig.peer.check(nominating: true).withUnsafeBytes { friend.send($0) }
        #expect(answer(to: friend) == .success)
        let stranger = try FullPeer(ICECredentials(random: Secrets.fillRandom))
        for round in 0..<100 {
            let before = rig.loop.counts.checksRefused
            for _ in 0..<100 { _ = stranger.check(nominating: true).withUnsafeBytes { here.send($0) } }
            // No faster than the port reads: the kernel would lose them.
            #expect(until { rig.loop.counts.checksRefused - before >= 100 }, "\(rig.loop.counts)")
            guard round % 20 == 0 else { continue }
            _ = rig.peer.check(nominating: false).withUnsafeBytes { friend.send($0) }
            #expect(answer(to: friend) == .success)
        }
        #expect(rig.loop.counts.checksRefused == 10_000 && rig.loop.counts.peers == 1, "\(rig.loop.counts)")
    }

    /// A handshake and media from where no check has come, before, between and behind those of the peer.
    @Test func whatComesFromWhereNoCheckHasComeIsNothingInARaceWithThePeersOwn() throws {
        let rig = try Rig()
        defer { rig.close() }
        let friend = try UDPSocket(connectedTo: rig.socket.local)
        let stranger = try UDPSocket(connectedTo: rig.socket.local)
        var hello = DTLSDatagrams()
        try DTLSSession(
            .client, certificate: DTLSCertificate(), peer: [DTLSCertificate.ofProcess().fingerprint],
            now: FullPeer.start
        ).handleTimeout(now: FullPeer.start, &hello)
        let media: [[UInt8]] = [
            [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5] + [UInt8](repeating: 1, count: 100),
            [0x80, 200, 0, 6] + [UInt8](repeating: 2, count: 24),
        ]
        func disturb() {
            hello.withEach { _ = stranger.send($0) }
            for packet in media { _ = packet.withUnsafeBytes { stranger.send($0) } }
        }
        disturb()
        _ = rig.peer.check(nominating: true).withUnsafeBytes { friend.send($0) }
        #expect(answer(to: friend) == .success)
        let own = try DTLSSession(
            .client, certificate: rig.peer.certificate, peer: [DTLSCertificate.ofProcess().fingerprint],
            now: SystemClock.monotonic)
        var flight = DTLSDatagrams()
        own.handleTimeout(now: SystemClock.monotonic, &flight)
        let batch = DatagramBatch(capacity: 1, room: 2_048)
        for _ in 0..<12 where !flight.isEmpty {
            flight.withEach { datagram in
                disturb()
                _ = friend.send(datagram)
            }
            flight.removeAll()
            var watched = pollfd(fd: friend.descriptor, events: Int16(POLLIN), revents: 0)
            while flight.isEmpty, poll(&watched, 1, 5_000) == 1, batch.receive(on: friend) == 0, batch.count == 1 {
                let (room, count) = batch.datagram(0)
                own.receive(UnsafeRawBufferPointer(rebasing: room[..<count]), now: SystemClock.monotonic, &flight)
                if case .connected = own.state { break }
            }
        }
        disturb()
        guard case .connected = own.state else {
            Issue.record("the peer is \(own.state)")
            return
        }
        #expect(until { rig.loop.pending == 0 } && until { rig.loop.counts.strange >= 6 }, "\(rig.loop.counts)")
        #expect(rig.link.route?.address == friend.local)
        // The stranger was answered nothing.
        #expect(batch.receive(on: stranger) != 0 || batch.count == 0)
    }

    // MARK: TCP

    @Test func mediaGoByTCPAtOnceWhereThePeerChoosesItAndBackWhereItBreaks() throws {
        let rig = try Rig()
        defer { rig.close() }
        let here = try UDPSocket(connectedTo: rig.socket.local)
        _ = rig.peer.check(nominating: true).withUnsafeBytes { here.send($0) }
        #expect(answer(to: here) == .success && until { rig.link.route != nil })
        #expect(rig.link.route?.connection == nil)
        var tcp: TCPPeer? = try TCPPeer(to: rig.socket.local)
        tcp?.send(rig.peer.check(nominating: true))
        #expect(tcp?.answer() == .success)
        let route = try #require(rig.link.route)
        #expect(route.connection == 1)
        let batch = DatagramBatch(capacity: 1, room: 64)
        batch.next.copyBytes(from: [1, 2, 3])
        batch.add(3, to: route.address)
        #expect(rig.loop.send(batch, to: route).sent == 1 && tcp?.next() == [1, 2, 3])
        tcp = nil
        #expect(until { rig.link.route?.connection == nil } && rig.link.route?.address == here.local)
    }

    @Test func connectionsThatSendNonsenseEndAndOthersDoNotNotice() throws {
        let rig = try Rig()
        defer { rig.close() }
        let friend = try TCPPeer(to: rig.socket.local)
        friend.send(rig.peer.check(nominating: true))
        #expect(friend.answer() == .success)
        let (half, silent) = (try TCPPeer(to: rig.socket.local), try TCPPeer(to: rig.socket.local))
        half.write([0, 100, 0, 1])
        let (long, words) = (try TCPPeer(to: rig.socket.local), try TCPPeer(to: rig.socket.local))
        long.write([0xff, 0xff] + [UInt8](repeating: 0, count: 2_000))
        words.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(long.waitForEnd() && words.waitForEnd())
        // A check that comes in pieces, behind a frame that is none.
        var check: [UInt8] = []
        rig.peer.check(nominating: false).withUnsafeBytes { _ = TCPFrameReader.append($0, to: &check) }
        friend.write([0, 3, 9, 9, 9])
        for byte in check { friend.write([byte]) }
        #expect(friend.answer() == .success && rig.link.route?.connection == 1)
        withExtendedLifetime((half, silent)) {}
    }

    @Test func oneHostHasNoMoreConnectionsThanItMay() throws {
        let rig = try Rig()
        defer { rig.close() }
        let strangers = try (0..<64).map { _ in try TCPPeer(to: rig.socket.local) }
        #expect(strangers[32...].allSatisfy { $0.waitForEnd() })
        #expect(!strangers[..<32].contains { $0.hasNews })
    }

    /// Its own queue is bounded: what it does not read is lost, as on a way that is too narrow.
    @Test func aPeerThatStopsReadingLosesPacketsAndHoldsNobody() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (lazy, friend) = (try TCPPeer(to: rig.socket.local), try UDPSocket(connectedTo: rig.socket.local))
        lazy.send(rig.peer.check(nominating: true))
        #expect(lazy.answer() == .success)
        let route = try #require(rig.link.route)
        let batch = DatagramBatch(capacity: 1, room: 1_200)
        var (sent, failed) = (0, 0)
        for _ in 0..<20_000 {
            batch.add(1_200, to: route.address)
            let outcome = rig.loop.send(batch, to: route)
            (sent, failed) = (sent + outcome.sent, failed + outcome.failed)
        }
        // 24 MB: more than the kernel and the queue take together.
        #expect(failed > 0 && sent + failed == 20_000, "\(sent) \(failed)")
        _ = rig.peer.check(nominating: false).withUnsafeBytes { friend.send($0) }
        #expect(answer(to: friend) == .success)
    }

    // MARK: Clients

    @Test(arguments: ["127.0.0.1", "::1"]) func aClientConnectsByTCPWhereTheServerOffersThatAlone(_ host: String) throws
    {
        let address = try #require(SocketAddress(numeric: host, port: 0))
        let socket = try UDPSocket(boundTo: address)
        let loop = try PortLoop(socket, told: [])
        let thread = try PortThread { loop.run() }
        defer {
            loop.post(.stop)
            thread.join()
        }
        let (port, link) = try ClientPort.open()
        let certificate = try DTLSCertificate.ofProcess().fingerprint
        let credentials = ICECredentials(random: Secrets.fillRandom)
        let there = PeerLink(1, IdlePort(socket)) { _ in }
        let heard = Mutex<[[UInt8]]>([])
        there.listen { event in
            if case .datagram(let bytes, _) = event { heard.withLock { $0.append(bytes) } }
            return true
        }
        loop.post(
            .add(
                1,
                PeerTransport.Agreement(
                    credentials: credentials, remoteFragment: port.credentials.fragment, fingerprints: [certificate],
                    role: .server), there))
        port.connect(
            ClientTransport.Agreement(
                remote: credentials, isLite: true, candidates: [ICECandidate(socket.local, transport: .passive)],
                fingerprints: [certificate], role: .client))
        #expect(until { loop.counts.peers == 1 && loop.pending == 0 && link.route != nil })
        #expect(link.route?.connection == 1 && there.route?.connection == 1)
        let packet: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3]
        let isHeard = until {
            let batch = DatagramBatch(capacity: 1, room: 64)
            batch.next.copyBytes(from: packet)
            batch.add(packet.count, to: link.route?.address)
            _ = link.send(batch)
            return heard.withLock { $0.contains(packet) }
        }
        #expect(isHeard)
        link.leave()
        #expect(until { there.route == nil })
    }
}

/// A way out for peers that send nothing.
final class IdlePort: PortSender {
    let outbox: PortOutbox
    init(_ socket: UDPSocket) { outbox = PortOutbox(socket) }
    func outbox(for family: Int32) -> PortOutbox? { outbox }
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome { DatagramBatch.Outcome() }
}
