import COpenSSL
import RTP
import Sluice

/// AES with its authentication under one set of session keys, by OpenSSL: packet after packet, in place, without an
/// allocation.
final class PacketCipher {
    /// The most bytes of a tag.
    static let longestTag = 16

    /// Bytes of the tag.
    let tagSize: Int
    private let isAEAD: Bool
    private let context: OpaquePointer
    /// The salt as the upper bits of two words.
    private let salt: (UInt64, UInt64)
    /// HMAC's hash behind its inner and its outer pad, copied for each packet.
    private var inner = SHA_CTX()
    private var outer = SHA_CTX()

    init(_ suite: CryptoSuite, _ keys: SessionKeys, isControl: Bool) throws {
        isAEAD = suite.isAEAD
        // SRTCP keeps the long tag (RFC 4568, section 6.2.2).
        tagSize = isAEAD ? 16 : suite == .aesCM128SHA32 && !isControl ? 4 : 10
        salt = keys.salt.enumerated().reduce(into: (0, 0)) { words, byte in
            let bits = UInt64(byte.element) << UInt64(56 - byte.offset % 8 * 8)
            if byte.offset < 8 { words.0 |= bits } else { words.1 |= bits }
        }
        guard openssl_start() == 1, let made = EVP_CIPHER_CTX_new() else { throw NodeError("OpenSSL makes no cipher") }
        context = made
        let isLong = keys.cipher.count == 32
        let cipher =
            isAEAD
            ? isLong ? EVP_aes_256_gcm() : EVP_aes_128_gcm() : isLong ? EVP_aes_256_ctr() : EVP_aes_128_ctr()
        guard EVP_EncryptInit_ex(context, cipher, nil, keys.cipher, nil) == 1 else {
            throw NodeError("OpenSSL does not encrypt by \(suite.rawValue)")
        }
        let key = keys.authentication + [UInt8](repeating: 0, count: 64 - keys.authentication.count)
        SHA1_Init(&inner)
        SHA1_Update(&inner, key.map { $0 ^ 0x36 }, 64)
        SHA1_Init(&outer)
        SHA1_Update(&outer, key.map { $0 ^ 0x5c }, 64)
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts `bytes` from `clear` on and writes the tag behind them, where there is room for it.
    ///
    /// - Parameters:
    ///   - index: the packet's, 48 bits of SRTP (RFC 3711, section 3.3.1) or 31 of SRTCP.
    ///   - word: authenticated behind `bytes`, as four bytes in the order of the network: the rollover counter of SRTP,
    ///     the index of SRTCP. nil where GCM has it in its initialization vector alone.
    func seal(
        _ bytes: UnsafeMutableRawBufferPointer, clear: Int, ssrc: UInt32, index: UInt64, word: UInt32?,
        tag: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            let tag = tag.baseAddress?.assumingMemoryBound(to: UInt8.self)
        else { return false }
        var written: Int32 = 0
        let isSet = withUnsafeBytes(of: vector(ssrc, index)) { vector in
            let vector = vector.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return EVP_EncryptInit_ex(context, nil, nil, nil, vector) == 1
        }
        let word = word?.bigEndian
        let size = bytes.count - clear
        guard isSet else { return false }
        if isAEAD {
            guard EVP_EncryptUpdate(context, nil, &written, start, Int32(clear)) == 1 else { return false }
            if let word {
                let isAdded = withUnsafeBytes(of: word) { word in
                    let word = word.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    return EVP_EncryptUpdate(context, nil, &written, word, 4) == 1
                }
                guard isAdded else { return false }
            }
        }
        let body = start + clear
        guard size == 0 || EVP_EncryptUpdate(context, body, &written, body, Int32(size)) == 1 else { return false }
        guard isAEAD else {
            authenticate(bytes, word ?? 0, tag)
            return true
        }
        return EVP_EncryptFinal_ex(context, body + size, &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagSize), tag) == 1
    }

    /// The salt with source and index laid over it (RFC 3711, section 4.1.1). With GCM its first 12 bytes count (RFC
    /// 7714, sections 8.1 and 9.1).
    private func vector(_ ssrc: UInt32, _ index: UInt64) -> (UInt64, UInt64) {
        guard isAEAD else {
            return ((salt.0 ^ UInt64(ssrc)).bigEndian, (salt.1 ^ index << 16).bigEndian)
        }
        return ((salt.0 ^ UInt64(ssrc) << 16 ^ index >> 32).bigEndian, (salt.1 ^ index << 32).bigEndian)
    }

    /// HMAC-SHA1 of `bytes` and `word`, cut to the tag's size.
    private func authenticate(
        _ bytes: UnsafeMutableRawBufferPointer, _ word: UInt32, _ tag: UnsafeMutablePointer<UInt8>
    ) {
        var hash = inner
        SHA1_Update(&hash, bytes.baseAddress, bytes.count)
        withUnsafeBytes(of: word) { _ = SHA1_Update(&hash, $0.baseAddress, 4) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(SHA_DIGEST_LENGTH)) { code in
            SHA1_Final(code.baseAddress, &hash)
            hash = outer
            SHA1_Update(&hash, code.baseAddress, code.count)
            SHA1_Final(code.baseAddress, &hash)
            UnsafeMutableRawBufferPointer(start: tag, count: tagSize).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(code)[..<tagSize]))
        }
    }
}
