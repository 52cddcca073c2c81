import COpenSSL
import RTP
import Sluice

/// One side of a DTLS 1.2 handshake that agrees on keys for SRTP (RFC 6347, RFC 5764), by OpenSSL. It has no socket and
/// reads no clock. Used by one thread at a time. A handshake costs 0.4 ms of CPU, a session 40 kB.
///
///     let session = try DTLSSession(.server, certificate: .ofProcess(), peer: [fingerprint], now: now)
///     session.receive(datagram, now: now, &datagrams)      // and send what is in `datagrams`
///     if case .connected(let keys) = session.state { … }
///
/// The peer's address has been proved before (ICE), so a ClientHello is answered without a cookie. Garbage, repetitions
/// and forged records change nothing. As TLS has it, an alert or a malformed message in the clear ends a handshake.
public final class DTLSSession: @unchecked Sendable {
    /// The client sends the first message: the side whose description says `setup:active` (RFC 5763, section 5).
    public enum Role: Sendable { case client, server }

    /// How far the session has come.
    public enum State: Equatable, Sendable {
        case handshaking
        case connected(SRTPKeys)
        /// With the reason in a sentence, that begins small and has no full stop.
        case failed(String)
        /// The peer has said that it leaves (close_notify).
        case closed
    }

    /// How far the session has come. It changes in calls alone.
    public private(set) var state: State = .handshaking
    /// When `handleTimeout` is to be called; nil once the handshake is over. A client's first one is due at once.
    public private(set) var nextTimeout: Instant?
    /// Datagrams with data for an application, which nobody here takes (SCTP of data channels).
    public private(set) var ignored = 0

    /// The largest datagram that is sent, in bytes: IPv6's smallest MTU less the headers of a relay.
    public static let datagramSize = 1_200
    /// A handshake that is not over so long after `init` has failed.
    public static let longestHandshake = Interval.seconds(25)

    private let role: Role
    private let certificate: DTLSCertificate
    private let ssl: OpaquePointer
    private let link: DatagramLink
    private let end: Instant
    private var hasBegun = false

    /// `peer` has the fingerprints of the peer's description. Its certificate must have one of them.
    public init(_ role: Role, certificate: DTLSCertificate, peer: [Fingerprint], now: Instant) throws {
        guard let ssl = SSL_new(certificate.context) else { throw OpenSSLFault.error("OpenSSL makes no DTLS session") }
        (self.role, self.certificate, self.ssl) = (role, certificate, ssl)
        link = DatagramLink(expecting: peer)
        end = now + DTLSSession.longestHandshake
        nextTimeout = role == .client ? now : end
        guard link.attach(to: ssl) else { throw OpenSSLFault.error("OpenSSL makes no DTLS session") }
        openssl_set_datagram_size(ssl, DTLSSession.datagramSize)
        if role == .client { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
    }

    deinit { SSL_free(ssl) }

    /// Takes a datagram whose first byte is 20 to 63 (RFC 7983), and adds answers to `datagrams`.
    public func receive(_ datagram: UnsafeRawBufferPointer, now: Instant, _ datagrams: inout DTLSDatagrams) {
        switch state {
        case .handshaking, .connected: break
        case .failed, .closed: return
        }
        call(now, &datagrams) {
            link.incoming = datagram
            advance()
            link.incoming = nil
        }
    }

    /// Does what is due at `nextTimeout`, nothing before: begins, repeats the last flight, or gives up.
    public func handleTimeout(now: Instant, _ datagrams: inout DTLSDatagrams) {
        guard let due = nextTimeout, due <= now else { return }
        guard now < end else {
            fail(HandshakeFailure.late(ssl, role, link))
            return
        }
        call(now, &datagrams) {
            guard hasBegun else { return advance() }
            link.expireTimer()
            if openssl_handle_timeout(ssl) < 0 { fail(HandshakeFailure.reason(ssl, role, link)) }
        }
    }

    /// Says goodbye (close_notify) if the session is connected, and ends it.
    public func close(_ datagrams: inout DTLSDatagrams) {
        if case .connected = state {
            // SSL_shutdown writes into buffers that may not be there.
            link.sending(to: &datagrams) { if SSL_alloc_buffers(ssl) == 1 { SSL_shutdown(ssl) } }
        }
        (state, nextTimeout) = (.closed, nil)
    }

    /// Calls OpenSSL, then follows its timer.
    private func call(_ now: Instant, _ datagrams: inout DTLSDatagrams, _ body: () -> Void) {
        let before = link.settings
        link.sending(to: &datagrams, body)
        guard state == .handshaking else {
            nextTimeout = nil
            return
        }
        if !link.isTimerSet {
            nextTimeout = end
        } else if link.settings != before {
            nextTimeout = min(end, now + Interval(nanoseconds: link.waitNanoseconds))
        } else if let due = nextTimeout, due <= now {
            // OpenSSL's own clock is behind `now` (from 3.2 on).
            nextTimeout = min(end, now + .milliseconds(10))
        }
    }

    /// Lets OpenSSL read, as far as there is something to read.
    private func advance() {
        hasBegun = true
        if state == .handshaking {
            let result = SSL_do_handshake(ssl)
            guard result == 1 else {
                if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
                    fail(HandshakeFailure.reason(ssl, role, link))
                }
                return
            }
            guard let keys = SRTPKeys(of: ssl, as: role) else {
                SSL_shutdown(ssl)
                let names = [CryptoSuite.aesGCM128, .aesGCM256, .aesCM128SHA80].map(\.rawValue)
                fail("the peer takes none of our SRTP profiles: \(names.joined(separator: ", "))")
                return
            }
            state = .connected(keys)
        }
        readRest()
        // 32 kB that OpenSSL takes again when it needs them.
        SSL_free_buffers(ssl)
    }

    /// Repeats the last flight where the peer asks for it by repeating its own, and hears the peer's goodbye.
    private func readRest() {
        let hadData = withUnsafeTemporaryAllocation(byteCount: 2_048, alignment: 16) { room in
            var hadData = false
            while true {
                let count = SSL_read(ssl, room.baseAddress, Int32(room.count))
                guard count <= 0 else {
                    hadData = true
                    continue
                }
                switch SSL_get_error(ssl, count) {
                case SSL_ERROR_WANT_READ: break
                case SSL_ERROR_ZERO_RETURN: state = .closed
                default: fail(HandshakeFailure.reason(ssl, role, link))
                }
                return hadData
            }
        }
        if hadData { ignored += 1 }
    }

    private func fail(_ sentence: String) { (state, nextTimeout) = (.failed(sentence), nil) }
}
