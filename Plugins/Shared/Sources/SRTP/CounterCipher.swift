import COpenSSL
import Sluice

/// AES in counter mode with HMAC-SHA1 (RFC 3711, sections 4.1.1 and 4.2.1), by OpenSSL.
final class CounterCipher {
    private let context: OpaquePointer
    /// HMAC's hash behind its inner and its outer pad, copied for each packet.
    private var inner = SHA_CTX()
    private var outer = SHA_CTX()

    init(_ keys: SessionKeys) throws {
        guard openssl_start() == 1, let made = EVP_CIPHER_CTX_new() else { throw NodeError("OpenSSL makes no cipher") }
        context = made
        let cipher = keys.cipher.count == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr()
        guard EVP_EncryptInit_ex(context, cipher, nil, keys.cipher, nil) == 1 else {
            throw NodeError("OpenSSL does not encrypt by AES in counter mode")
        }
        let key = keys.authentication + [UInt8](repeating: 0, count: 64 - keys.authentication.count)
        SHA1_Init(&inner)
        SHA1_Update(&inner, key.map { $0 ^ 0x36 }, 64)
        SHA1_Init(&outer)
        SHA1_Update(&outer, key.map { $0 ^ 0x5c }, 64)
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts `bytes` from `clear` on and fills `tag` with the code of all of them and `word`.
    func seal(
        _ bytes: UnsafeMutableRawBufferPointer, clear: Int, _ vector: (UInt64, UInt64), word: UInt32,
        tag: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        let isSet = withUnsafeBytes(of: vector) { vector in
            EVP_EncryptInit_ex(context, nil, nil, nil, vector.baseAddress?.assumingMemoryBound(to: UInt8.self)) == 1
        }
        var written: Int32 = 0
        let (body, size) = (start + clear, Int32(bytes.count - clear))
        guard isSet, size == 0 || EVP_EncryptUpdate(context, body, &written, body, size) == 1 else { return false }
        authenticate(bytes, word.bigEndian, tag)
        return true
    }

    /// HMAC-SHA1 of `bytes` and `word`, cut to the tag's size.
    private func authenticate(
        _ bytes: UnsafeMutableRawBufferPointer, _ word: UInt32, _ tag: UnsafeMutableRawBufferPointer
    ) {
        var hash = inner
        SHA1_Update(&hash, bytes.baseAddress, bytes.count)
        withUnsafeBytes(of: word) { _ = SHA1_Update(&hash, $0.baseAddress, 4) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(SHA_DIGEST_LENGTH)) { code in
            SHA1_Final(code.baseAddress, &hash)
            hash = outer
            SHA1_Update(&hash, code.baseAddress, code.count)
            SHA1_Final(code.baseAddress, &hash)
            tag.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(code)[..<tag.count]))
        }
    }
}
