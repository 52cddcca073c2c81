/// HMAC-SHA1 (RFC 2104) of `head` and `rest`, one behind the other, under `key`; it writes 20 bytes to `digest`. False
/// where it could not, as no message is then trusted. From any thread.
public typealias HMACSHA1 =
    @Sendable (
        _ key: UnsafeRawBufferPointer, _ head: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer,
        _ digest: UnsafeMutableRawBufferPointer
    ) -> Bool

/// Bytes of randomness that nobody can guess, as getrandom(2) gives them; it fills the room. From any thread.
public typealias RandomBytes = @Sendable (UnsafeMutableRawBufferPointer) -> Void

/// Numbers and names of STUN (RFC 8489).
public enum STUN {
    /// Bytes of the header, which every message has.
    public static let headerSize = 20
    static let cookie: UInt32 = 0x2112_a442
    static let fingerprintMask: UInt32 = 0x5354_554e
    static let digestSize = 20
    /// The method of checks (section 3).
    public static let binding: UInt16 = 1

    /// The class of a message (section 5).
    public enum Kind: UInt8, Sendable {
        case request, indication, success, failure
    }

    /// 96 bits that a response repeats, so that it is told for which request it is.
    public struct Transaction: Hashable, Sendable {
        /// The first four bytes.
        public var high: UInt32
        /// The other eight.
        public var low: UInt64

        /// By its twelve bytes in order.
        public init(high: UInt32, low: UInt64) { (self.high, self.low) = (high, low) }

        /// One that nobody can guess.
        public init(random: RandomBytes) {
            var words: (UInt64, UInt64) = (0, 0)
            withUnsafeMutableBytes(of: &words) { random($0) }
            self.init(high: UInt32(truncatingIfNeeded: words.0), low: words.1)
        }
    }

    /// The sender's role in ICE and the number that settles a conflict (RFC 8445, section 7.1.3).
    public enum Role: Hashable, Sendable {
        case controlling(tieBreaker: UInt64)
        case controlled(tieBreaker: UInt64)
    }

    /// Codes of ERROR-CODE (section 14.8; RFC 8445, section 16.3).
    public enum Code {
        /// Malformed: an attribute is missing.
        public static let badRequest = 400
        /// The user name or the password is wrong.
        public static let unauthenticated = 401
        /// UNKNOWN-ATTRIBUTES tells which.
        public static let unknownAttribute = 420
        /// Both sides claim one role.
        public static let roleConflict = 487
    }

    /// Types of attributes; those below 0x8000 must be understood.
    enum Attribute {
        static let mappedAddress: UInt16 = 0x0001
        static let username: UInt16 = 0x0006
        static let integrity: UInt16 = 0x0008
        static let errorCode: UInt16 = 0x0009
        static let unknownAttributes: UInt16 = 0x000a
        static let realm: UInt16 = 0x0014
        static let nonce: UInt16 = 0x0015
        static let xorMappedAddress: UInt16 = 0x0020
        static let priority: UInt16 = 0x0024
        static let useCandidate: UInt16 = 0x0025
        static let software: UInt16 = 0x8022
        static let fingerprint: UInt16 = 0x8028
        static let controlled: UInt16 = 0x8029
        static let controlling: UInt16 = 0x802a
    }
}
