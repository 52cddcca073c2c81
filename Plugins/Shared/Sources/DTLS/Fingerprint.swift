import COpenSSL
import Sluice

/// The hash of a certificate, as `a=fingerprint` says it (RFC 8122, section 5).
public struct Fingerprint: Equatable, Sendable {
    /// The functions that are taken. Others are weak or unheard of.
    public enum Hash: String, Sendable, CaseIterable {
        case sha256 = "sha-256"
        case sha384 = "sha-384"
        case sha512 = "sha-512"

        /// Bytes of a hash.
        public var size: Int {
            switch self {
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }

        var digest: OpaquePointer? {
            switch self {
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        }
    }

    /// The function that made it.
    public let hash: Hash
    /// The hash itself, `hash.size` bytes.
    public let bytes: [UInt8]

    init?(of certificate: OpaquePointer, by hash: Hash) {
        var made = [UInt8](repeating: 0, count: hash.size)
        guard X509_digest(certificate, hash.digest, &made, nil) == 1 else { return nil }
        (self.hash, bytes) = (hash, made)
    }

    /// Reads `sha-256 4A:AD:…`, the text behind `a=fingerprint:`. Throws a sentence that says what is wrong with it.
    public init(_ text: some StringProtocol) throws(NodeError) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2 else {
            throw Fingerprint.fault("\"\(text.prefix(64))\" is no fingerprint; one looks like \"sha-256 4A:AD:…\"")
        }
        guard let hash = Hash(rawValue: words[0].lowercased()) else {
            let known = Hash.allCases.map(\.rawValue).joined(separator: ", ")
            throw Fingerprint.fault("the fingerprint is by \(words[0].prefix(32)); those by \(known) are taken")
        }
        let parts = words[1].split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 && $0.first != "+" ? UInt8($0, radix: 16) : nil }
        guard bytes.count == parts.count, bytes.count == hash.size else {
            throw Fingerprint.fault("the fingerprint is not \(hash.size) bytes in hexadecimal, as \(hash.rawValue) has")
        }
        (self.hash, self.bytes) = (hash, bytes)
    }

    private static func fault(_ text: String) -> NodeError { NodeError(text, isInputError: true) }

    /// The text behind `a=fingerprint:`.
    public var text: String {
        let pairs = bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "0" + digits : digits
        }
        return "\(hash.rawValue) \(pairs.joined(separator: ":"))"
    }
}
