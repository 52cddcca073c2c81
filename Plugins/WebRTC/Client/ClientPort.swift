import DTLS
import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// The sockets of one client, and the thread that reads them, makes checks and the handshake. Nodes send by themselves,
/// on their lanes.
final class ClientPort: PortSender, @unchecked Sendable {
    private enum Order: Sendable {
        case connect(ClientTransport.Agreement)
        case stop
    }

    /// Of our description.
    let credentials: ICECredentials
    let candidates: [ICECandidate]
    private let sockets: [UDPSocket]
    /// Of lanes, one for each socket.
    private let outboxes: [PortOutboxes]
    private let bell: PortBell
    private let connections: ClientConnections
    private let orders = Mutex<[Order]>([])
    private weak var link: PeerLink?

    // Of the thread.
    private let transport: ClientTransport
    private let batch = DatagramBatch(capacity: 64, room: 2_048)
    private var isStopped = false

    private init() throws {
        sockets = try ClientPort.sockets()
        outboxes = sockets.map { PortOutboxes($0) }
        let bell = try PortBell()
        self.bell = bell
        connections = ClientConnections { bell.ring() }
        transport = ClientTransport(locals: sockets.map(\.local))
        credentials = transport.agent.local
        candidates = try ClientPort.candidates(of: sockets)
    }

    /// A port, and the server as nodes hold it. When nobody holds that any more, or it is left, the thread says goodbye
    /// and ends. Throws `NodeError` where the system gives no socket or no thread.
    static func open() throws -> (port: ClientPort, link: PeerLink) {
        let port = try ClientPort()
        let link = PeerLink(0, port) { [weak port] _ in port?.post(.stop) }
        port.link = link
        _ = try PortThread { port.run() }
        return (port, link)
    }

    /// One of IPv4, and one of IPv6 where the machine has it.
    private static func sockets() throws -> [UDPSocket] {
        let addresses = ["0.0.0.0", "::"].compactMap { SocketAddress(numeric: $0, port: 0) }
        var sockets: [UDPSocket] = []
        var last: SocketFault?
        for address in addresses {
            do { sockets.append(try UDPSocket(boundTo: address)) } catch { last = error }
        }
        guard !sockets.isEmpty else {
            throw NodeError("the system gives no UDP socket: \(last?.text ?? "it has no addresses")")
        }
        return sockets
    }

    private static func candidates(of sockets: [UDPSocket]) throws -> [ICECandidate] {
        try sockets.flatMap { socket in
            let address = try PortAddress(listen: "\(socket.local)", advertise: "")
            return address.told(boundTo: socket.local).filter { $0.family == socket.local.family }
        }.enumerated().map { place, address in
            ICECandidate(address, localPreference: UInt16(clamping: 65_535 - place))
        }
    }

    // MARK: From any thread

    /// The server's description has come.
    func connect(_ agreement: ClientTransport.Agreement) { post(.connect(agreement)) }

    private func post(_ order: Order) {
        orders.withLock { $0.append(order) }
        bell.ring()
    }

    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome {
        if let number = route.connection {
            var outcome = DatagramBatch.Outcome()
            let connection = connections.connection(number)
            batch.withEach { if connection?.send($0) == true { outcome.sent += 1 } else { outcome.failed += 1 } }
            batch.clear()
            return outcome
        }
        guard let socket = sockets.first(where: { $0.local.family == route.address.family }) else {
            batch.clear()
            return DatagramBatch.Outcome()
        }
        return batch.send(on: socket)
    }

    func outbox(for family: Int32) -> PortOutbox? {
        sockets.firstIndex { $0.local.family == family }.map { outboxes[$0].present }
    }

    func connection(_ number: UInt64) -> TCPConnection? { connections.connection(number) }

    // MARK: The thread

    private func run() {
        while !isStopped {
            var outcome = ClientTransport.Outcome()
            let now = SystemClock.monotonic
            obey(now, &outcome)
            if transport.wake <= now { transport.advance(now: now, &outcome) }
            carryOut(outcome)
            guard !isStopped else { break }
            var watched = (sockets.map(\.descriptor) + [bell.descriptor]).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            connections.watch(&watched)
            guard poll(&watched, nfds_t(watched.count), wait(SystemClock.monotonic)) > 0 else { continue }
            if watched[sockets.count].revents != 0 { bell.silence() }
            for index in sockets.indices where watched[index].revents != 0 { read(index) }
            serveConnections(watched[(sockets.count + 1)...])
        }
        connections.closeAll()
    }

    private func serveConnections(_ ready: ArraySlice<pollfd>) {
        guard ready.contains(where: { $0.revents != 0 }) else { return }
        let now = SystemClock.monotonic
        var outcome = ClientTransport.Outcome()
        connections.serve(
            ready, opened: { transport.connected($0, now: now, &outcome) },
            closed: { transport.closed($0, now: now, &outcome) },
            take: { take($0, from: $1, local: $2, now, &outcome) })
        carryOut(outcome)
    }

    private func wait(_ now: Instant) -> Int32 {
        guard transport.wake < .distantFuture else { return -1 }
        return Int32(clamping: max(0, (transport.wake - now).nanoseconds + 999_999) / 1_000_000)
    }

    private func obey(_ now: Instant, _ outcome: inout ClientTransport.Outcome) {
        for order in orders.withLock({ orders in
            defer { orders = [] }
            return orders
        }) {
            switch order {
            case .connect(let agreement):
                do { try transport.connect(agreement, now: now, &outcome) } catch {
                    outcome.news.append(.ended((error as? NodeError)?.message ?? "\(error)"))
                }
            case .stop:
                transport.close(&outcome)
                isStopped = true
            }
        }
    }

    /// Media after the handshake's last flight: before it the server has no key for them.
    private func carryOut(_ outcome: ClientTransport.Outcome) {
        let refused = outcome.opens.filter { !connections.open($0.number, to: $0.address, local: $0.local) }
        for (bytes, path) in outcome.datagrams {
            bytes.withUnsafeBytes { bytes in
                if let number = path.remote.connection {
                    _ = connections.connection(number)?.send(bytes)
                } else {
                    _ = sockets[path.local].send(bytes, to: path.remote.address)
                }
            }
        }
        for number in outcome.closes { connections.close(number) }
        for news in outcome.news { link?.take(news) }
        guard !refused.isEmpty else { return }
        var next = ClientTransport.Outcome()
        for one in refused { transport.closed(one.number, now: SystemClock.monotonic, &next) }
        carryOut(next)
    }

    private func read(_ index: Int) {
        guard batch.receive(on: sockets[index]) == 0 else { return }
        let now = SystemClock.monotonic
        var outcome = ClientTransport.Outcome()
        for place in 0..<batch.count where !batch.isTruncated(place) {
            let (room, count) = batch.datagram(place)
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            take(bytes, from: ICERoute(batch.sender(place)), local: index, now, &outcome)
        }
        carryOut(outcome)
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer, from route: ICERoute, local: Int, _ now: Instant,
        _ outcome: inout ClientTransport.Outcome
    ) {
        switch PacketKind(bytes) {
        case .rtp, .rtcp: if transport.takesMedia(from: route) { link?.take(bytes, at: now) }
        default: transport.receive(bytes, from: route, local: local, now: now, &outcome)
        }
    }
}
