import Glibc
import Net

/// Writes one STUN message (RFC 8489), attributes in the order of the calls.
public struct STUNWriter {
    private var bytes: [UInt8]
    private let transaction: STUN.Transaction

    /// `memory` is overwritten and used for the message.
    public init(
        _ kind: STUN.Kind, method: UInt16 = STUN.binding, transaction: STUN.Transaction, in memory: [UInt8] = []
    ) {
        bytes = memory
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(160)
        self.transaction = transaction
        let kind = UInt16(kind.rawValue)
        let method = method & 0xf | (method & 0x70) << 1 | (method & 0xf80) << 2
        bytes.append(big16: method | (kind & 1) << 4 | (kind & 2) << 7)
        bytes.append(big16: 0)
        bytes.append(big32: STUN.cookie)
        bytes.append(big32: transaction.high)
        bytes.append(big64: transaction.low)
    }

    /// The value is what `body` appends.
    private mutating func add(_ type: UInt16, _ body: (inout [UInt8]) -> Void) {
        bytes.append(big16: type)
        bytes.append(big16: 0)
        let start = bytes.count
        body(&bytes)
        bytes.put(big16: UInt16(clamping: bytes.count - start), at: start - 2)
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    /// USERNAME; 508 bytes of it at most.
    public mutating func add(username: String) {
        add(STUN.Attribute.username) { bytes in username.withBytes { bytes += $0.prefix(508) } }
    }

    /// SOFTWARE; 763 bytes of it at most.
    public mutating func add(software: String) {
        add(STUN.Attribute.software) { bytes in software.withBytes { bytes += $0.prefix(763) } }
    }

    /// PRIORITY.
    public mutating func add(priority: UInt32) { add(STUN.Attribute.priority) { $0.append(big32: priority) } }

    /// USE-CANDIDATE.
    public mutating func addUseCandidate() { add(STUN.Attribute.useCandidate) { _ in } }

    /// ICE-CONTROLLING or ICE-CONTROLLED.
    public mutating func add(role: STUN.Role) {
        switch role {
        case .controlling(let number): add(STUN.Attribute.controlling) { $0.append(big64: number) }
        case .controlled(let number): add(STUN.Attribute.controlled) { $0.append(big64: number) }
        }
    }

    /// XOR-MAPPED-ADDRESS, an IPv4-mapped address as IPv4; nothing where there is no address.
    public mutating func add(mappedAddress: SocketAddress) {
        let address = mappedAddress.unmapped
        guard address.family == AF_INET || address.family == AF_INET6 else { return }
        let isIPv6 = address.family == AF_INET6
        add(STUN.Attribute.xorMappedAddress) { bytes in
            bytes += [0, isIPv6 ? 2 : 1]
            bytes.append(big16: address.port ^ UInt16(truncatingIfNeeded: STUN.cookie >> 16))
            withUnsafeBytes(of: address.storage) { storage in
                let host = isIPv6 ? storage[8..<24] : storage[4..<8]
                // The message begins where `bytes` does.
                for (index, byte) in host.enumerated() { bytes.append(byte ^ bytes[4 + index]) }
            }
        }
    }

    /// ERROR-CODE; `code` is 300 to 699.
    public mutating func add(errorCode code: Int, reason: String) {
        let code = min(max(code, 300), 699)
        add(STUN.Attribute.errorCode) { bytes in
            bytes += [0, 0, UInt8(code / 100), UInt8(code % 100)]
            reason.withBytes { bytes += $0.prefix(763) }
        }
    }

    /// UNKNOWN-ATTRIBUTES.
    public mutating func add(unknown: [UInt16]) {
        add(STUN.Attribute.unknownAttributes) { bytes in for type in unknown { bytes.append(big16: type) } }
    }

    /// The message without MESSAGE-INTEGRITY, FINGERPRINT behind all else.
    public consuming func finish() -> [UInt8] {
        // FINGERPRINT's own eight bytes count.
        setLength(adding: 8)
        let sum = bytes.withUnsafeBytes { CRC32.of($0) } ^ STUN.fingerprintMask
        bytes.append(big16: STUN.Attribute.fingerprint)
        bytes.append(big16: 4)
        bytes.append(big32: sum)
        return bytes
    }

    /// The message with MESSAGE-INTEGRITY under `password`, FINGERPRINT behind all else. Where `hmac` fails nobody will
    /// trust it.
    public consuming func finish(password: String, by hmac: HMACSHA1) -> [UInt8] {
        setLength(adding: 4 + STUN.digestSize)
        var digest: (UInt64, UInt64, UInt32) = (0, 0, 0)
        password.withBytes { key in
            bytes.withUnsafeBytes { bytes in
                withUnsafeMutableBytes(of: &digest) { digest in
                    _ = hmac(
                        key, bytes.part(0..<STUN.headerSize), bytes.part(STUN.headerSize..<bytes.count),
                        UnsafeMutableRawBufferPointer(rebasing: digest[..<STUN.digestSize]))
                }
            }
        }
        add(STUN.Attribute.integrity) { bytes in
            withUnsafeBytes(of: digest) { bytes += $0[..<STUN.digestSize] }
        }
        return finish()
    }

    private mutating func setLength(adding more: Int) {
        bytes.put(big16: UInt16(clamping: bytes.count - STUN.headerSize + more), at: 2)
    }
}
