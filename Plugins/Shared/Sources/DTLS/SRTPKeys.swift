import COpenSSL
import RTP

/// The keys that a handshake has agreed on for SRTP (RFC 5764, section 4.2), each master key and salt together, as
/// `SRTPContext` takes them.
public struct SRTPKeys: Equatable, Sendable {
    /// The protection that the keys are for.
    public let suite: CryptoSuite
    /// For packets that we send, `suite.keyLength` bytes.
    public let sending: [UInt8]
    /// For packets that the peer sends, `suite.keyLength` bytes.
    public let receiving: [UInt8]

    /// Keys that were agreed on elsewhere.
    public init(_ suite: CryptoSuite, sending: [UInt8], receiving: [UInt8]) {
        (self.suite, self.sending, self.receiving) = (suite, sending, receiving)
    }

    /// nil where the peers agree on no profile.
    init?(of ssl: OpaquePointer, as role: DTLSSession.Role) {
        guard let profile = SSL_get_selected_srtp_profile(ssl),
            let suite = SRTPKeys.suite(of: Int32(truncatingIfNeeded: profile.pointee.id))
        else { return nil }
        var material = [UInt8](repeating: 0, count: 2 * suite.keyLength)
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(ssl, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1
        else { return nil }
        let keySize = suite.masterKeyLength
        let saltSize = suite.keyLength - keySize
        // The client's key, the server's, the client's salt, the server's.
        let keys = (material[..<keySize], material[keySize..<2 * keySize])
        let salts = (material[(2 * keySize)...].prefix(saltSize), material.suffix(saltSize))
        let (client, server) = (Array(keys.0 + salts.0), Array(keys.1 + salts.1))
        self.suite = suite
        sending = role == .client ? client : server
        receiving = role == .client ? server : client
    }

    private static func suite(of profile: Int32) -> CryptoSuite? {
        switch profile {
        case SRTP_AEAD_AES_128_GCM: .aesGCM128
        case SRTP_AEAD_AES_256_GCM: .aesGCM256
        case SRTP_AES128_CM_SHA1_80: .aesCM128SHA80
        default: nil
        }
    }
}
