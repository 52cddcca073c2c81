import COpenSSL
import RTP
import Sluice

/// The session keys of SRTP or SRTCP (RFC 3711, section 4.3; RFC 6188, section 3; RFC 7714, section 11), for a key
/// derivation rate of 0.
struct SessionKeys {
    let cipher: [UInt8]
    /// For HMAC; empty with GCM.
    let authentication: [UInt8]
    let salt: [UInt8]

    init(cipher: [UInt8], authentication: [UInt8], salt: [UInt8]) {
        (self.cipher, self.authentication, self.salt) = (cipher, authentication, salt)
    }

    /// `master` is master key and salt, `suite.keyLength` bytes.
    init(_ suite: CryptoSuite, master: [UInt8], isControl: Bool) throws {
        let length = suite.masterKeyLength
        let saltLength = suite.isAEAD ? 12 : 14
        let derivation = KeyDerivation(key: Array(master[..<length]), salt: Array(master[length...]))
        let label: UInt8 = isControl ? 3 : 0
        cipher = try derivation.derive(label, length)
        authentication = suite.isAEAD ? [] : try derivation.derive(label + 1, 20)
        salt = try derivation.derive(label + 2, saltLength)
    }
}

/// The pseudo-random function of a master key: AES in counter mode (RFC 3711, section 4.3.3).
struct KeyDerivation {
    let key: [UInt8]
    /// 14 bytes; GCM's 12 are padded with zeros on the right.
    let salt: [UInt8]

    func derive(_ label: UInt8, _ length: Int) throws -> [UInt8] {
        var start = Array((salt + [UInt8](repeating: 0, count: 16)).prefix(14)) + [0, 0]
        start[7] ^= label
        return try AESCounter.keystream(key: key, start: start, length)
    }
}

/// The keystream of AES in counter mode.
enum AESCounter {
    static func keystream(key: [UInt8], start: [UInt8], _ length: Int) throws -> [UInt8] {
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        let zeros = [UInt8](repeating: 0, count: length)
        var stream = zeros
        var written: Int32 = 0
        guard
            EVP_EncryptInit_ex(context, key.count == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), nil, key, start) == 1,
            EVP_EncryptUpdate(context, &stream, &written, zeros, Int32(length)) == 1
        else { throw NodeError("OpenSSL does not encrypt by AES in counter mode") }
        return stream
    }
}

extension CryptoSuite {
    var isAEAD: Bool { self == .aesGCM128 || self == .aesGCM256 }
}
