import COpenSSL
import Sluice

/// A self-signed certificate with its key (ECDSA, P-256), made in memory, and OpenSSL's settings for its sessions. Any
/// thread.
///
/// Peers know it by its fingerprint alone (RFC 8827, section 6.5). So its name, its number and its dates say nothing.
public final class DTLSCertificate: @unchecked Sendable {
    /// For `a=fingerprint`, by SHA-256.
    public let fingerprint: Fingerprint
    /// An `SSL_CTX`, which OpenSSL guards by itself.
    let context: OpaquePointer

    private static let made = Result { try DTLSCertificate() }

    /// The one that all sessions of this process show, made when it is first asked for.
    public static func ofProcess() throws -> DTLSCertificate { try made.get() }

    /// One more, with a key of its own.
    public init() throws {
        guard openssl_start() == 1, let key = openssl_make_p256_key(), let certificate = X509_new() else {
            throw OpenSSLFault.error("OpenSSL makes no P-256 key")
        }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        guard DTLSCertificate.fill(certificate, key),
            let fingerprint = Fingerprint(of: certificate, by: .sha256)
        else { throw OpenSSLFault.error("OpenSSL makes no certificate") }
        self.fingerprint = fingerprint
        context = try SSLContext.make(certificate, key)
    }

    deinit { SSL_CTX_free(context) }

    /// Valid at any time, so that no clock is asked.
    private static func fill(_ certificate: OpaquePointer, _ key: OpaquePointer) -> Bool {
        let serial = UInt64.random(in: 1...UInt64(Int64.max))
        let name = X509_get_subject_name(certificate)
        return X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1
            && ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20200101000000Z") == 1
            && ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1
            && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "WebRTC", -1, -1, 0) == 1
            && X509_set_issuer_name(certificate, name) == 1
            && X509_set_pubkey(certificate, key) == 1
            && X509_sign(certificate, key, EVP_sha256()) > 0
    }
}
