import COpenSSL
import Sluice

/// Settings that all sessions with one certificate share.
enum SSLContext {
    /// The profiles of SRTP, the best first: GCM costs a third of AES_CM with SHA-1.
    private static let profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

    /// Forward secrecy and AEAD (RFC 8827, section 6.5); with RSA for servers that have such a certificate.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

    /// Bounds the memory of one handshake message, which a stranger may announce. Certificates here have 1 kB.
    private static let mostCertificateBytes = 16_384

    static func make(_ certificate: OpaquePointer, _ key: OpaquePointer) throws -> OpaquePointer {
        guard let context = SSL_CTX_new(DTLS_method()) else { throw OpenSSLFault.error("OpenSSL does not start") }
        openssl_set_plain_handshakes(context, mostCertificateBytes)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(context, PeerCertificate.verify, nil)
        guard openssl_allow_dtls12(context) == 1, SSL_CTX_set_cipher_list(context, ciphers) == 1,
            openssl_set_groups(context, "X25519:P-256:P-384") == 1,
            // 0 is success here.
            SSL_CTX_set_tlsext_use_srtp(context, profiles) == 0,
            SSL_CTX_use_certificate(context, certificate) == 1, SSL_CTX_use_PrivateKey(context, key) == 1
        else {
            SSL_CTX_free(context)
            throw OpenSSLFault.error("OpenSSL refuses DTLS 1.2 with SRTP")
        }
        return context
    }
}
