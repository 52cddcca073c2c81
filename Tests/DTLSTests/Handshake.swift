import DTLS
import Sluice

/// Two sessions with a network of 5 ms each way between them, in virtual time.
final class Handshake {
    let client: DTLSSession
    let server: DTLSSession
    private(set) var now = Instant(nanoseconds: 0)
    /// Datagrams that either side has sent, in order.
    private(set) var sent: [(fromClient: Bool, bytes: [UInt8])] = []

    /// The times in ms after which a datagram arrives: none where it is lost, two where it is doubled.
    typealias Fate = (_ number: Int, _ fromClient: Bool, _ bytes: [UInt8]) -> [(Int, [UInt8])]

    private struct Arrival {
        let time: Instant
        let number: Int
        let toClient: Bool
        let bytes: [UInt8]
    }

    private var underway: [Arrival] = []
    private var datagrams = DTLSDatagrams()
    private let fate: Fate

    init(
        client clientCertificate: DTLSCertificate? = nil, server serverCertificate: DTLSCertificate? = nil,
        clientExpects: [Fingerprint]? = nil, serverExpects: [Fingerprint]? = nil,
        fate: @escaping Fate = { _, _, bytes in [(5, bytes)] }
    ) throws {
        let (mine, theirs) = (try clientCertificate ?? .ofProcess(), try serverCertificate ?? .ofProcess())
        client = try DTLSSession(.client, certificate: mine, peer: clientExpects ?? [theirs.fingerprint], now: now)
        server = try DTLSSession(.server, certificate: theirs, peer: serverExpects ?? [mine.fingerprint], now: now)
        self.fate = fate
    }

    var clientKeys: SRTPKeys? { Handshake.keys(client) }
    var serverKeys: SRTPKeys? { Handshake.keys(server) }

    /// Both are connected, and what one sends the other can read.
    var agrees: Bool {
        guard let mine = clientKeys, let theirs = serverKeys else { return false }
        return mine.suite == theirs.suite && mine.sending == theirs.receiving && mine.receiving == theirs.sending
    }

    static func keys(_ session: DTLSSession) -> SRTPKeys? {
        guard case .connected(let keys) = session.state else { return nil }
        return keys
    }

    /// Runs until both have ended their handshake, or nothing will happen any more.
    func run() { while client.state == .handshaking || server.state == .handshaking, step() {} }

    /// Runs until nothing is under way.
    func settle() { while step() {} }

    /// The next thing that happens; false where nothing will.
    func step() -> Bool {
        let arrival = underway.indices.min {
            (underway[$0].time, underway[$0].number) < (underway[$1].time, underway[$1].number)
        }
        let times = [client.nextTimeout, server.nextTimeout, arrival.map { underway[$0].time }].compactMap { $0 }
        guard let next = times.min() else { return false }
        now = max(now, next)
        if let arrival, underway[arrival].time <= now {
            let datagram = underway.remove(at: arrival)
            let session = datagram.toClient ? client : server
            datagram.bytes.withUnsafeBytes { session.receive($0, now: now, &datagrams) }
            send(from: datagram.toClient)
            return true
        }
        for (session, isClient) in [(client, true), (server, false)] {
            session.handleTimeout(now: now, &datagrams)
            send(from: isClient)
        }
        return true
    }

    /// Says goodbye from one side.
    func close(client isClient: Bool) {
        (isClient ? client : server).close(&datagrams)
        send(from: isClient)
    }

    private func send(from isClient: Bool) {
        datagrams.withEach { datagram in
            let number = sent.count
            sent.append((isClient, Array(datagram)))
            for (delay, bytes) in fate(number, isClient, Array(datagram)) {
                underway.append(
                    Arrival(time: now + .milliseconds(Int64(delay)), number: number, toClient: !isClient, bytes: bytes))
            }
        }
        datagrams.removeAll()
    }
}
