/// The protection of SRTP, by the names that session descriptions use (RFC 4568, section 6.2; RFC 6188; RFC 7714).
public enum CryptoSuite: String, Sendable, CaseIterable {
    case aesCM128SHA80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128SHA32 = "AES_CM_128_HMAC_SHA1_32"
    case aesCM256SHA80 = "AES_256_CM_HMAC_SHA1_80"
    case aesGCM128 = "AEAD_AES_128_GCM"
    case aesGCM256 = "AEAD_AES_256_GCM"

    /// Bytes of master key and master salt together.
    public var keyLength: Int {
        switch self {
        case .aesCM128SHA80, .aesCM128SHA32: 16 + 14
        case .aesCM256SHA80: 32 + 14
        case .aesGCM128: 16 + 12
        case .aesGCM256: 32 + 12
        }
    }

    /// Bytes of the master key alone, 16 or 32.
    public var masterKeyLength: Int {
        switch self {
        case .aesCM128SHA80, .aesCM128SHA32, .aesGCM128: 16
        case .aesCM256SHA80, .aesGCM256: 32
        }
    }
}

/// An `a=crypto` line (RFC 4568): one suite and one key, without key identifiers.
public struct CryptoAttribute: Equatable, Sendable {
    /// Tells the lines of a medium apart (RFC 4568, section 4).
    public var tag: Int
    /// The protection that the key is for.
    public var suite: CryptoSuite
    /// Master key, then master salt.
    public var key: [UInt8]

    /// `key` has `suite.keyLength` bytes, the master key first.
    public init(tag: Int = 1, suite: CryptoSuite, key: [UInt8]) {
        self.tag = tag
        self.suite = suite
        self.key = key
    }

    /// The text behind `a=`.
    public var text: String { "crypto:\(tag) \(suite.rawValue) inline:\(Base64.encode(key))" }

    /// Why a line cannot be used, in words without the key.
    public enum Fault: Error, Equatable {
        case unknownSuite(String)
        case unsupported(String)
        case malformed(String)
    }

    /// `value` is what stands behind `crypto:`. No fault repeats the key.
    public init(_ value: some StringProtocol) throws(Fault) {
        let words = value.split(separator: " ")
        guard words.count >= 3, let tag = Int(words[0]) else {
            throw .malformed("it is not \"TAG SUITE inline:KEY\"")
        }
        guard let suite = CryptoSuite(rawValue: String(words[1])) else {
            throw .unknownSuite(String(words[1].prefix(64)))
        }
        guard words[2].hasPrefix("inline:") else { throw .malformed("the key does not begin with inline:") }
        guard words.count == 3 else { throw .unsupported("session parameters such as \(words[3].prefix(32))") }
        let keys = words[2].split(separator: ";")
        guard keys.count == 1 else { throw .unsupported("several keys in one line") }
        let parts = keys[0].dropFirst("inline:".count).split(separator: "|", omittingEmptySubsequences: false)
        // A lifetime may follow, 2^20, which the key outlives here, or a master key identifier, 1:4.
        guard !parts.dropFirst().contains(where: { $0.contains(":") }) else {
            throw .unsupported("key identifiers (MKI)")
        }
        guard let key = Base64.decode(parts[0]) else { throw .malformed("the key is no base 64") }
        guard key.count == suite.keyLength else {
            throw .malformed(
                "the key has \(key.count) bytes; \(suite.rawValue) has \(suite.keyLength), key and salt together")
        }
        self.init(tag: tag, suite: suite, key: key)
    }
}
