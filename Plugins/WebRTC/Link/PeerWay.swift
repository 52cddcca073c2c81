import ICE
import Net
import Sluice

/// A session's way out to its peer. Within turns of the session.
final class PeerWay {
    private let port: any PortSender
    private let path: PeerPath
    // Turns of the session exclude each other, so exclusivity need not be checked at run time.
    @exclusivity(unchecked) private var version = -1
    private let address = UnsafeMutablePointer<SocketAddress>.allocate(capacity: 1)
    @exclusivity(unchecked) private var connection: UInt64?
    @exclusivity(unchecked) private var isKnown = false
    private lazy var single = DatagramBatch(capacity: 1, room: PeerSession.room)
    /// Where the last datagram was put; earlier ones wait nowhere else.
    @exclusivity(unchecked) private var box: PortOutbox?
    /// The node has put in something first, and is to flush behind the other nodes of its lane.
    @exclusivity(unchecked) private(set) var isOwing = false
    /// Held here until all datagrams are gone: the outbox does not hold them.
    private var counted: [PortOutbox.Losses] = []

    init(_ link: PeerLink) {
        (port, path) = (link.port, link.path)
        address.initialize(to: SocketAddress())
    }

    deinit {
        box?.flush()
        address.deallocate()
    }

    /// Counts what is lost of one stream on this way.
    func countLosses() -> PortOutbox.Losses {
        let losses = PortOutbox.Losses()
        counted.append(losses)
        return losses
    }

    /// Sends the datagrams, protected, that `fill` writes, until it gives nil; 0 is none. By UDP they go when `flush`
    /// is called by this or by another node of the thread; without a way to the peer they are lost.
    /// `losses` are of `countLosses`.
    @inline(__always)
    func send(_ losses: PortOutbox.Losses, now: Instant, _ fill: (UnsafeMutableRawBufferPointer) -> Int?) {
        look()
        guard isKnown, connection == nil, let box = port.outbox(for: address.pointee.family) else {
            return sendOtherwise(losses, fill)
        }
        if self.box !== box {
            self.box?.flush()
            self.box = box
            isOwing = false
        }
        if box.add(to: address, losses, now: now, fill) { isOwing = true }
    }

    /// Sends what waits, where the node is to do that.
    func flush() {
        guard isOwing else { return }
        isOwing = false
        box?.flush()
    }

    private func look() {
        let present = PeerPath.version
        guard present != version else { return }
        version = present
        let route = path.route
        isKnown = route != nil
        connection = route?.connection
        address.pointee = route?.address ?? SocketAddress()
    }

    /// By TCP, as the port sends, or nowhere.
    private func sendOtherwise(_ losses: PortOutbox.Losses, _ fill: (UnsafeMutableRawBufferPointer) -> Int?) {
        let open = connection.flatMap { port.connection($0) }
        let route = isKnown && connection == nil ? path.route : nil
        while true {
            guard let size = fill(single.next) else { return }
            guard size > 0 else { continue }
            single.add(size, to: UnsafePointer(address))
            var isSent = false
            if let open {
                single.withEach { isSent = open.send($0) }
            } else if let route {
                isSent = port.send(single, to: route).sent == 1
            }
            single.clear()
            if !isSent { losses.add(1) }
        }
    }
}
