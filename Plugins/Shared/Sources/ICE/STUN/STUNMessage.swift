import Net

/// A STUN message as it lies in memory (RFC 8489), good as long as that memory is. Any bytes may come.
///
/// Of an attribute that comes twice the first counts, and what follows MESSAGE-INTEGRITY does not, save FINGERPRINT
/// (section 14). A message whose framing is broken, or an attribute of which that is read here has a length that it
/// cannot have, is none.
public struct STUNMessage {
    /// Header and attributes.
    public let bytes: UnsafeRawBufferPointer
    /// Request, indication, or one of the two responses.
    public let kind: STUN.Kind
    /// 12 bits; `STUN.binding` of checks.
    public let method: UInt16
    /// Of a request, and of the response to it.
    public let transaction: STUN.Transaction
    /// USERNAME; of a check the receiver's fragment, a colon, and the sender's (RFC 8445, section 7.2.2).
    public private(set) var username: UnsafeRawBufferPointer?
    /// SOFTWARE.
    public private(set) var software: UnsafeRawBufferPointer?
    /// PRIORITY: of the peer-reflexive candidate that the check may lead to.
    public private(set) var priority: UInt32?
    /// USE-CANDIDATE.
    public private(set) var isNominating = false
    /// ICE-CONTROLLING or ICE-CONTROLLED.
    public private(set) var role: STUN.Role?
    /// XOR-MAPPED-ADDRESS: where the request came from, as its receiver saw it.
    public private(set) var mappedAddress: SocketAddress?
    /// ERROR-CODE, 300 to 699.
    public private(set) var errorCode: Int?
    /// The words of ERROR-CODE.
    public private(set) var reason: UnsafeRawBufferPointer?
    /// Attributes that must be understood and are not, in order; 16 of them at most.
    public private(set) var unknown: [UInt16] = []
    /// UNKNOWN-ATTRIBUTES: those that the sender of this response did not understand; 16 of them at most.
    public private(set) var refused: [UInt16] = []
    private var integrity: Int?
    private var fingerprint: Int?

    private static let mostUnknown = 16

    /// Tells from the header alone whether a datagram can be a message; `init` looks at the rest.
    public static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= STUN.headerSize && bytes[0] < 64 && bytes[3] & 3 == 0 && bytes.big32(4) == STUN.cookie
            && Int(bytes.big16(2)) == bytes.count - STUN.headerSize
    }

    /// nil for bytes that are no message, or hold more than one.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard STUNMessage.isLikely(bytes) else { return nil }
        let type = bytes.big16(0)
        // The class is two bits amid those of the method (section 5).
        guard let kind = STUN.Kind(rawValue: UInt8(truncatingIfNeeded: type >> 7 & 2 | type >> 4 & 1)) else {
            return nil
        }
        (self.bytes, self.kind) = (bytes, kind)
        method = type & 0xf | type >> 1 & 0x70 | type >> 2 & 0xf80
        transaction = STUN.Transaction(high: bytes.big32(8), low: bytes.big64(12))
        var at = STUN.headerSize
        while at < bytes.count {
            guard at + 4 <= bytes.count else { return nil }
            let type = bytes.big16(at)
            let start = at + 4
            let count = Int(bytes.big16(at + 2))
            let next = start + (count + 3) & ~3
            guard next <= bytes.count, fingerprint == nil else { return nil }
            guard note(type, at: at, value: bytes.part(start..<start + count)) else { return nil }
            at = next
        }
    }

    /// False where the value cannot be one of its type.
    private mutating func note(_ type: UInt16, at offset: Int, value: UnsafeRawBufferPointer) -> Bool {
        if type == STUN.Attribute.fingerprint {
            fingerprint = offset
            return value.count == 4
        }
        guard integrity == nil else { return true }
        switch type {
        case STUN.Attribute.username:
            // Section 14.3.
            guard value.count < 509 else { return false }
            username = username ?? value
        case STUN.Attribute.software:
            // Section 14.14.
            guard value.count < 764 else { return false }
            software = software ?? value
        case STUN.Attribute.integrity:
            guard value.count == STUN.digestSize else { return false }
            integrity = offset
        case STUN.Attribute.priority:
            guard value.count == 4 else { return false }
            priority = priority ?? value.big32(0)
        case STUN.Attribute.useCandidate: isNominating = true
        case STUN.Attribute.controlling, STUN.Attribute.controlled:
            guard value.count == 8 else { return false }
            let number = value.big64(0)
            role =
                role
                ?? (type == STUN.Attribute.controlling
                    ? .controlling(tieBreaker: number) : .controlled(tieBreaker: number))
        case STUN.Attribute.xorMappedAddress:
            guard let address = unmask(value) else { return false }
            mappedAddress = mappedAddress ?? address
        case STUN.Attribute.errorCode: return noteError(value)
        case STUN.Attribute.unknownAttributes:
            guard value.count % 2 == 0 else { return false }
            refused = (0..<min(value.count / 2, STUNMessage.mostUnknown)).map { value.big16(2 * $0) }
        case STUN.Attribute.mappedAddress, STUN.Attribute.realm, STUN.Attribute.nonce: break
        default:
            if type < 0x8000, unknown.count < STUNMessage.mostUnknown { unknown.append(type) }
        }
        return true
    }

    private mutating func noteError(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count >= 4, (3...6).contains(value[2] & 7), value[3] < 100, value.count < 768 else { return false }
        guard errorCode == nil else { return true }
        errorCode = Int(value[2] & 7) * 100 + Int(value[3])
        reason = value.part(4..<value.count)
        return true
    }

    /// Section 14.2.
    private func unmask(_ value: UnsafeRawBufferPointer) -> SocketAddress? {
        guard value.count == 8 && value[1] == 1 || value.count == 20 && value[1] == 2 else { return nil }
        let count = value.count - 4
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { room in
            // Cookie and transaction stand one behind the other in the header.
            for index in 0..<count { room[index] = value[4 + index] ^ bytes[4 + index] }
            return SocketAddress(
                host: UnsafeRawBufferPointer(rebasing: room[..<count]), port: value.big16(2) ^ bytes.big16(4))
        }
    }

    // MARK: Checks

    /// The message has a MESSAGE-INTEGRITY, which may be right or wrong.
    public var hasIntegrity: Bool { integrity != nil }
    /// The message has a FINGERPRINT, which may be right or wrong.
    public var hasFingerprint: Bool { fingerprint != nil }

    /// There is a FINGERPRINT, and it is that of these bytes (section 14.7).
    public var isIntact: Bool {
        guard let at = fingerprint else { return false }
        return bytes.big32(at + 4) == CRC32.of(bytes.part(0..<at)) ^ STUN.fingerprintMask
    }

    /// There is a MESSAGE-INTEGRITY, and it was made with `key` (section 14.5). It takes the same time for each wrong
    /// one.
    public func isAuthentic(key: UnsafeRawBufferPointer, by hmac: HMACSHA1) -> Bool {
        guard let at = integrity else { return false }
        return withUnsafeTemporaryAllocation(byteCount: STUN.headerSize + STUN.digestSize, alignment: 8) { room in
            let head = UnsafeMutableRawBufferPointer(rebasing: room[..<STUN.headerSize])
            let digest = UnsafeMutableRawBufferPointer(rebasing: room[STUN.headerSize...])
            head.copyMemory(from: bytes.part(0..<STUN.headerSize))
            // The length as if the message ended behind MESSAGE-INTEGRITY.
            let length = UInt16(truncatingIfNeeded: at + 4 + STUN.digestSize - STUN.headerSize)
            head.storeBytes(of: length.bigEndian, toByteOffset: 2, as: UInt16.self)
            guard hmac(key, UnsafeRawBufferPointer(head), bytes.part(STUN.headerSize..<at), digest) else {
                return false
            }
            return (0..<STUN.digestSize).reduce(UInt8(0)) { $0 | digest[$1] ^ bytes[at + 4 + $1] } == 0
        }
    }

    /// `isAuthentic` under a password of the short term (section 9.1).
    public func isAuthentic(password: String, by hmac: HMACSHA1) -> Bool {
        password.withBytes { isAuthentic(key: $0, by: hmac) }
    }
}
