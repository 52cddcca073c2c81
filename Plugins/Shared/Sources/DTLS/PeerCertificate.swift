import COpenSSL

/// The one check of a peer's certificate: its fingerprint is one that the peer's description names (RFC 8122, section
/// 5). Issuer and dates do not count.
enum PeerCertificate {
    static let verify: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
        guard let store,
            let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let link = DatagramLink.of(OpaquePointer(ssl)), let certificate = X509_STORE_CTX_get0_cert(store)
        else { return 0 }
        link.hasShownCertificate = true
        for expected in link.expected where Fingerprint(of: certificate, by: expected.hash) == expected { return 1 }
        link.isForeign = true
        // The alert is then bad_certificate, as RFC 5763, section 5 asks.
        X509_STORE_CTX_set_error(store, Int32(X509_V_ERR_CERT_REJECTED))
        return 0
    }
}
