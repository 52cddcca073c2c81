import DTLS
import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// The port of all peers of a run: UDP, and TCP with the same number. One thread of its own reads it, answers checks
/// and makes handshakes. It hands media on to the lanes of their sessions, which send by themselves.
final class WebRTCPort: Service, PortSender, @unchecked Sendable {
    static let descriptor = ServiceDescriptor(
        "webrtc", summary: "One port for the media of all WebRTC peers, by UDP and by TCP", scope: .run)

    @Parameter(
        "listen", default: "127.0.0.1:8189",
        help: "The address and port for media of all peers. 0.0.0.0:8189 takes every network, [::]:8189 IPv6 too.")
    var listen: String
    @Parameter(
        "advertise", default: "",
        help:
            "The addresses that browsers are told, with commas between them: of the router in front, or of the "
            + "container's host. Empty tells this machine's own.") var advertise: String
    @Parameter(
        "ice_servers", default: "",
        help: "STUN and TURN servers that peers are told, with commas between them: stun:host:3478, turn:host:3478.")
    var servers: String
    @Parameter(
        "ice_secret", default: "",
        help: "The secret shared with the TURN servers (static-auth-secret of coturn), for credentials that last a day."
    )
    var secret: String
    @Parameter(
        "max_pending", default: 1_000, range: 1...100_000,
        help: "The most peers that may be connecting at a time. More are refused.") var mostPending: Int

    /// Told to peers.
    private(set) var iceServers = ICEServers()
    /// For messages of whoever names the addresses: `10.0.0.4:8189`.
    private(set) var told: [SocketAddress] = []
    private var socket: UDPSocket!
    private var loop: PortLoop!
    private var thread: PortThread?
    private let numbers = Atomic<Int>(0)

    init() {}

    func open(_ context: ServiceContext) throws {
        iceServers = try ICEServers(servers, secret: secret)
        let address = try PortAddress(listen: listen, advertise: advertise)
        do { socket = try UDPSocket(boundTo: address.local) } catch {
            throw NodeError(
                "cannot listen at UDP \(address.local): \(error.text)",
                advice: error.code == EADDRINUSE
                    ? "Another process has the port: end it, or choose another one by listen."
                    : "Check listen: it is an address of this machine.", isInputError: true)
        }
        told = address.told(boundTo: socket.local)
        _ = try DTLSCertificate.ofProcess()
        loop = try PortLoop(socket, told: told)
        thread = try PortThread { [loop] in loop?.run() }
        let names = told.map { "\($0)" }.joined(separator: ", ")
        context.log(.info, "peers are told \(names.isEmpty ? "\(socket.local)" : names), UDP and TCP")
    }

    func close() {
        loop.post(.stop)
        thread?.join()
    }

    // MARK: From any lane

    /// Its addresses, as descriptions tell them.
    var candidates: [ICECandidate] {
        [.udp, .passive].flatMap { transport in
            told.enumerated().map { place, address in
                ICECandidate(address, transport: transport, localPreference: UInt16(clamping: 65_535 - place))
            }
        }
    }

    /// A peer whose description has come; nil where too many are connecting.
    func add(_ agreement: PeerTransport.Agreement) -> PeerLink? {
        guard loop.pending < mostPending else { return nil }
        let number = numbers.wrappingAdd(1, ordering: .relaxed).newValue
        let link = PeerLink(number, self) { [loop] in loop?.post(.remove($0)) }
        loop.post(.add(number, agreement, link))
        return link
    }

    /// A peer restarts ICE.
    func restart(_ link: PeerLink, local: ICECredentials, remoteFragment: String) {
        loop.post(.restart(link.number, local, remoteFragment))
    }

    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome {
        loop.send(batch, to: route)
    }

    func outbox(for family: Int32) -> PortOutbox? { loop.outboxes.present }
    /// Sends what waits in the present thread's outbox.
    func flush() { loop.outboxes.present.flush() }
    func connection(_ number: UInt64) -> TCPConnection? { loop.connection(number) }
    var counts: PortCounts { loop.counts }
}
