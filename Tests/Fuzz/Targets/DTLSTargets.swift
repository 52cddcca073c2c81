import DTLS
import Sluice

let dtlsTargets = [
    FuzzTarget("dtls", "Datagrams into a DTLS session of either role, at any stage of its handshake", run: records)
]

/// The one that both sides show, so that making it costs no run anything.
private let certificate = try? DTLSCertificate()

/// The first byte chooses the role and how many datagrams of a true handshake come before; then pieces come, each with
/// a byte of time. The true peer is there until the end.
private func records(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var now = Instant(nanoseconds: 0)
    guard let certificate,
        let client = try? DTLSSession(.client, certificate: certificate, peer: [certificate.fingerprint], now: now),
        let server = try? DTLSSession(.server, certificate: certificate, peer: [certificate.fingerprint], now: now)
    else { return mustHold(false, "a session is made") }
    let tested = choice & 1 == 0 ? client : server
    var (datagrams, underway) = (DTLSDatagrams(), DTLSDatagrams())
    func check() {
        datagrams.withEach { mustHold($0.count <= DTLSSession.datagramSize && !$0.isEmpty, "\($0.count) bytes") }
        for session in [client, server] {
            mustHold((session.state == .handshaking) == (session.nextTimeout != nil), "a handshake has a timeout")
        }
    }
    /// Hands the other side the datagrams that wait.
    func exchange(toClient: Bool) {
        swap(&underway, &datagrams)
        underway.withEach { (toClient ? client : server).receive($0, now: now, &datagrams) }
        underway.removeAll()
        check()
    }
    var isNextServer = true
    let stages = Int(choice >> 1 & 7)
    if choice & 1 == 0 || stages > 0 { client.handleTimeout(now: now, &datagrams) }
    for _ in 0..<stages {
        exchange(toClient: !isNextServer)
        isNextServer.toggle()
    }
    while !input.isEmpty {
        now = now + .milliseconds(Int64(input.byte()) * 8)
        tested.receive(input.piece(), now: now, &datagrams)
        tested.handleTimeout(now: now, &datagrams)
        check()
        if choice & 16 == 0 { datagrams.removeAll() }
    }
    for _ in 0..<4 {
        exchange(toClient: !isNextServer)
        isNextServer.toggle()
    }
    for _ in 0..<40 where tested.state == .handshaking {
        guard let next = tested.nextTimeout else { break }
        now = max(now, next)
        tested.handleTimeout(now: now, &datagrams)
        check()
    }
    mustHold(tested.state != .handshaking, "every handshake ends")
    tested.close(&datagrams)
    mustHold(tested.state == .closed && tested.nextTimeout == nil, "closed is closed")
}
