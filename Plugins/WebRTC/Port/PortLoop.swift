import DTLS
import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// The work of the port's thread: it reads datagrams, finds the peer of each, and does what peers have to do in time.
final class PortLoop: @unchecked Sendable {
    /// Requests of lanes.
    enum Order: Sendable {
        case add(Int, PeerTransport.Agreement, PeerLink)
        case remove(Int)
        case restart(Int, ICECredentials, String)
        case stop
    }

    private final class Peer {
        let transport: PeerTransport
        /// nil once nobody listens any more.
        private(set) weak var link: PeerLink?
        var credentials: [ICECredentials]
        var isPending = true

        init(_ transport: PeerTransport, _ link: PeerLink, _ credentials: ICECredentials) {
            (self.transport, self.link, self.credentials) = (transport, link, [credentials])
        }
    }

    private let socket: UDPSocket
    /// Of lanes.
    let outboxes: PortOutboxes
    private let tcp: TCPListener
    private let told: [SocketAddress]
    private let bell: PortBell
    private let orders = Mutex<[Order]>([])
    private let shown = Mutex(PortCounts())
    private let connecting = Atomic<Int>(0)

    // Of the thread.
    private let batch = DatagramBatch(capacity: 64, room: 2_048)
    private var table = PeerTable()
    private var admission: CheckAdmission
    private var peers: [Int: Peer] = [:]
    private var reply: [UInt8] = []
    private var answers = DTLSDatagrams()
    private var news: [PeerTransport.News] = []
    private var due = Instant.distantFuture
    private var tally = PortCounts()
    private var isStopped = false

    init(_ socket: UDPSocket, told: [SocketAddress]) throws {
        (self.socket, self.told, outboxes) = (socket, told, PortOutboxes(socket))
        bell = try PortBell()
        do { tcp = try TCPListener(boundTo: socket.local, bell: { [bell] in bell.ring() }) } catch {
            throw NodeError(
                "cannot listen at TCP \(socket.local): \(error.text)",
                advice: "UDP and TCP share the number: choose another one by listen.", isInputError: true)
        }
        var generator = SystemRandomNumberGenerator()
        admission = CheckAdmission(seed: generator.next(), now: SystemClock.monotonic)
    }

    // MARK: From any thread

    func post(_ order: Order) {
        if case .add = order { connecting.wrappingAdd(1, ordering: .relaxed) }
        let isFirst = orders.withLock { orders in
            orders.append(order)
            return orders.count == 1
        }
        if isFirst { bell.ring() }
    }

    /// Peers that are not connected yet.
    var pending: Int { connecting.load(ordering: .relaxed) }
    var counts: PortCounts { shown.withLock { $0 } }

    // MARK: The thread

    func run() {
        var watched: [pollfd] = []
        while !isStopped {
            let now = SystemClock.monotonic
            obey(now)
            if due <= now { advance(now) }
            tcp.advance(
                now, settled: { admission.connectionIsSettled(from: $0) }, lost: { forget($0, now) })
            watched.removeAll(keepingCapacity: true)
            watched.append(pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0))
            watched.append(pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0))
            tcp.watch(&watched)
            tally.pending = pending
            shown.withLock { $0 = tally }
            guard !isStopped, poll(&watched, nfds_t(watched.count), wait(SystemClock.monotonic)) > 0 else { continue }
            if watched[1].revents != 0 { bell.silence() }
            if watched[0].revents != 0 { read() }
            serveTCP(watched[2...])
        }
        for number in Array(peers.keys) { remove(number) }
        tcp.closeAll()
    }

    private func serveTCP(_ ready: ArraySlice<pollfd>) {
        guard ready.contains(where: { $0.revents != 0 }) else { return }
        let now = SystemClock.monotonic
        tcp.serve(
            ready, now, admit: { admission.refuseConnection(from: $0, now: now) == nil },
            settled: { admission.connectionIsSettled(from: $0) }, lost: { forget($0, now) },
            take: { take($0, from: $1, now) })
    }

    /// A TCP connection has ended: its peer is heard by another way, or comes by one, or its consent runs out.
    private func forget(_ route: ICERoute, _ now: Instant) {
        if let number = table.peer(at: route), let peer = peers[number] {
            peer.transport.lose(route, now: now) { tell($0, peer) }
            due = min(due, peer.transport.wake)
        }
        table.remove(route)
    }

    /// Milliseconds until the next peer has something to do, rounded up.
    private func wait(_ now: Instant) -> Int32 {
        let next = min(due, tcp.due)
        guard next < .distantFuture else { return -1 }
        return Int32(clamping: max(0, (next - now).nanoseconds + 999_999) / 1_000_000)
    }

    private func obey(_ now: Instant) {
        for order in orders.withLock({ orders in
            defer { orders = [] }
            return orders
        }) {
            switch order {
            case .add(let number, let agreement, let link): add(number, agreement, link, now)
            case .remove(let number): remove(number)
            case .restart(let number, let credentials, let fragment):
                guard let peer = peers[number], table.add(credentials, peer: number) else { continue }
                peer.credentials.append(credentials)
                peer.transport.restart(local: credentials, remoteFragment: fragment, now: now)
                due = min(due, peer.transport.wake)
            case .stop: isStopped = true
            }
        }
    }

    // MARK: Peers

    private func add(_ number: Int, _ agreement: PeerTransport.Agreement, _ link: PeerLink, _ now: Instant) {
        do {
            let transport = try PeerTransport(agreement, told: told, now: now)
            guard table.add(agreement.credentials, peer: number) else { throw NodeError("its ICE fragment is taken") }
            peers[number] = Peer(transport, link, agreement.credentials)
            tally.peers += 1
            due = min(due, transport.wake)
        } catch {
            connecting.wrappingSubtract(1, ordering: .relaxed)
            link.take(.ended((error as? NodeError)?.message ?? "\(error)"))
        }
    }

    private func remove(_ number: Int) {
        guard let peer = peers.removeValue(forKey: number) else { return }
        tally.peers -= 1
        settle(peer)
        answers.removeAll()
        if let route = peer.transport.agent.selected {
            peer.transport.close(&answers)
            sendAnswers(route)
        }
        for route in peer.transport.agent.provedRoutes { forget(route, of: number) }
        for credentials in peer.credentials { table.remove(credentials) }
    }

    private func settle(_ peer: Peer) {
        guard peer.isPending else { return }
        peer.isPending = false
        connecting.wrappingSubtract(1, ordering: .relaxed)
    }

    private func forget(_ route: ICERoute, of number: Int) {
        if table.peer(at: route) == number { table.remove(route) }
    }

    private func advance(_ now: Instant) {
        due = .distantFuture
        for (number, peer) in peers {
            if peer.transport.wake <= now {
                answers.removeAll()
                news.removeAll()
                peer.transport.advance(now: now, &answers, forget: { forget($0, of: number) }, { news.append($0) })
                if let route = peer.transport.agent.selected { sendAnswers(route) }
                tellNews(peer)
            }
            due = min(due, peer.transport.wake)
        }
    }

    /// After the last flight of the handshake has gone out: a peer has no key for media that come before it.
    private func tellNews(_ peer: Peer) {
        for one in news { tell(one, peer) }
    }

    private func tell(_ news: PeerTransport.News, _ peer: Peer) {
        switch news {
        case .connected, .ended: settle(peer)
        case .route: break
        }
        peer.link?.take(news)
    }

    // MARK: Datagrams

    /// So many batches in one turn: a flood does not keep peers from what is due.
    private static let mostBatches = 16

    private func read() {
        for _ in 0..<PortLoop.mostBatches {
            guard batch.receive(on: socket) == 0 else { return }
            let now = SystemClock.monotonic
            for index in 0..<batch.count {
                guard !batch.isTruncated(index) else {
                    tally.strange += 1
                    continue
                }
                let (room, count) = batch.datagram(index)
                _ = take(UnsafeRawBufferPointer(rebasing: room[..<count]), from: ICERoute(batch.sender(index)), now)
            }
            if batch.count < batch.capacity { return }
        }
    }

    /// True where it was a check that was answered.
    private func take(_ datagram: UnsafeRawBufferPointer, from route: ICERoute, _ now: Instant) -> Bool {
        switch PacketKind(datagram) {
        case .stun: return takeCheck(datagram, from: route, now)
        case .dtls: takeHandshake(datagram, from: route, now)
        case .rtp, .rtcp:
            guard let peer = peer(at: route), peer.transport.isConnected else {
                tally.strange += 1
                return false
            }
            peer.link?.take(datagram, at: now)
        case .turnChannel, .other: tally.strange += 1
        }
        return false
    }

    /// The peer whose proved way it is.
    private func peer(at route: ICERoute) -> Peer? {
        guard let number = table.peer(at: route), let peer = peers[number],
            peer.transport.agent.mayReceive(from: route)
        else { return nil }
        return peer
    }

    private func takeCheck(_ datagram: UnsafeRawBufferPointer, from route: ICERoute, _ now: Instant) -> Bool {
        let owner = table.peer(at: route)
        // A check for nobody costs a look-up, and none of what checks of new browsers may cost.
        guard let check = STUNMessage(datagram), let number = table.peer(of: check), let peer = peers[number],
            owner == nil || owner == number
        else {
            tally.checksRefused += 1
            return false
        }
        // A peer's own checks are not counted among those of strangers.
        if owner == nil || !peer.transport.agent.mayReceive(from: route),
            admission.refuseCheck(from: route.address, now: now) != nil
        {
            tally.checksLimited += 1
            return false
        }
        let result = peer.transport.receive(check, from: route, now: now, reply: &reply) { tell($0, peer) }
        if case .accepted(let accepted) = result {
            if let forgotten = accepted.forgotten { forget(forgotten, of: number) }
            if accepted.isNew { _ = table.add(route, peer: number) }
            if accepted.isRestart {
                for old in peer.credentials.dropLast() { table.remove(old) }
                peer.credentials.removeFirst(peer.credentials.count - 1)
            }
            due = min(due, peer.transport.wake)
        } else {
            tally.checksRefused += 1
        }
        guard !reply.isEmpty else { return false }
        reply.withUnsafeBytes { send($0, route) }
        if case .accepted = result { return true }
        return false
    }

    private func takeHandshake(_ datagram: UnsafeRawBufferPointer, from route: ICERoute, _ now: Instant) {
        guard let peer = peer(at: route) else {
            tally.strange += 1
            return
        }
        answers.removeAll()
        news.removeAll()
        _ = peer.transport.receive(dtls: datagram, from: route, now: now, &answers) { news.append($0) }
        sendAnswers(route)
        tellNews(peer)
        due = min(due, peer.transport.wake)
    }

    private func sendAnswers(_ route: ICERoute) {
        answers.withEach { send($0, route) }
        answers.removeAll()
    }

    private func send(_ packet: UnsafeRawBufferPointer, _ route: ICERoute) {
        if let number = route.connection {
            tcp.connection(number)?.send(packet)
        } else {
            _ = socket.send(packet, to: route.address)
        }
    }

    /// From any thread.
    func connection(_ number: UInt64) -> TCPConnection? { tcp.connection(number) }

    /// From any thread: empties `batch`.
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome {
        guard let number = route.connection else { return batch.send(on: socket) }
        var outcome = DatagramBatch.Outcome()
        let connection = tcp.connection(number)
        batch.withEach { if connection?.send($0) == true { outcome.sent += 1 } else { outcome.failed += 1 } }
        batch.clear()
        return outcome
    }
}
