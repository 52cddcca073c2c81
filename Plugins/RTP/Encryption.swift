import RTP
import Sluice

/// How `rtp-output` protects what it sends.
enum Encryption: String, CaseIterable, ParameterValue.Convertible {
    case none
    case aesCM128SHA80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128SHA32 = "AES_CM_128_HMAC_SHA1_32"
    case aesCM256SHA80 = "AES_256_CM_HMAC_SHA1_80"
    case aesGCM128 = "AEAD_AES_128_GCM"
    case aesGCM256 = "AEAD_AES_256_GCM"

    var suite: CryptoSuite? { CryptoSuite(rawValue: rawValue) }
}

/// The key of one medium: what the graph gives in base 64, or a random one.
func masterKey(_ text: String, for suite: CryptoSuite) throws -> [UInt8] {
    guard !text.isEmpty else {
        var random = SystemRandomNumberGenerator()
        return (0..<suite.keyLength).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    guard let key = Base64.decode(text), key.count == suite.keyLength else {
        let found = Base64.decode(text).map { "has \($0.count) bytes" } ?? "is no base 64"
        throw NodeError(
            "the key \(found); \(suite.rawValue) takes \(suite.keyLength), master key and salt together, in base 64",
            advice: "Make one with: openssl rand -base64 \(suite.keyLength). Without a key a random one is made.",
            isInputError: true)
    }
    return key
}
