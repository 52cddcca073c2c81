import COpenSSL
import Sluice

/// The reason of a failure in a sentence, with how far the handshake came.
enum HandshakeFailure {
    /// Of OpenSSL's last error, which the thread's queue of errors holds.
    static func reason(_ ssl: OpaquePointer, _ role: DTLSSession.Role, _ link: DatagramLink) -> String {
        if link.isForeign {
            return "the certificate's fingerprint is not the one that the peer's description has"
        }
        let error = ERR_peek_error()
        switch Int32(truncatingIfNeeded: error & 0x7f_ffff) {
        case SSL_R_READ_TIMEOUT_EXPIRED: return late(ssl, role, link)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return "the peer shows no certificate"
        case SSL_R_NO_SHARED_CIPHER: return "the peer has no cipher in common with us (ECDHE with AES-GCM or ChaCha20)"
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_WRONG_VERSION_NUMBER, SSL_R_WRONG_SSL_VERSION:
            return "the peer does not speak DTLS 1.2"
        case let reason where reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256:
            let alert = SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET).map { String(cString: $0) } ?? "?"
            return "the peer has ended it with the alert \"\(alert)\""
                + (reason - SSL_AD_REASON_OFFSET == SSL_AD_BAD_CERTIFICATE
                    ? ": it does not find our fingerprint in our description" : "")
        // OpenSSL gives no reason for a fragment of a message that is too long.
        case 0: return "the peer sent a handshake message that is malformed or longer than 16 kB"
        default: return OpenSSLFault.text(error)
        }
    }

    /// Time is over.
    static func late(_ ssl: OpaquePointer, _ role: DTLSSession.Role, _ link: DatagramLink) -> String {
        let limit = "within \(Int(DTLSSession.longestHandshake.seconds)) s"
        switch (SSL_get_state(ssl), role) {
        case (TLS_ST_BEFORE, .server), (TLS_ST_SR_CLNT_HELLO, .server): return "no ClientHello came \(limit)"
        case (TLS_ST_BEFORE, .client), (TLS_ST_CW_CLNT_HELLO, .client):
            return "nothing answered our ClientHello \(limit)"
        default:
            let place = link.hasShownCertificate ? "behind" : "before"
            return "the handshake was not over \(limit): it stopped \(place) the peer's certificate"
        }
    }
}

/// OpenSSL's errors in words.
enum OpenSSLFault {
    /// The oldest error of this thread stands behind `what`.
    static func error(_ what: String) -> NodeError { NodeError("\(what): \(text(ERR_peek_error()))") }

    static func text(_ code: UInt) -> String {
        let reason = ERR_reason_error_string(code).map { String(cString: $0) }
        return reason ?? "it gives no reason"
    }
}
