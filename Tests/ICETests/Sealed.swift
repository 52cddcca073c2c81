import ICE

/// A message with other attributes, made right again.
enum Sealed {
    /// `bytes` end with MESSAGE-INTEGRITY and FINGERPRINT, 32 bytes; the lengths stay.
    static func again(_ bytes: [UInt8], password: String) -> [UInt8] {
        let end = bytes.count - 32
        var head = Array(bytes[..<20])
        (head[2], head[3]) = (UInt8((end + 4) >> 8), UInt8((end + 4) & 255))
        var digest = [UInt8](repeating: 0, count: 20)
        let key = Array(password.utf8)
        key.withUnsafeBytes { key in
            head.withUnsafeBytes { head in
                Array(bytes[20..<end]).withUnsafeBytes { rest in
                    digest.withUnsafeMutableBytes { _ = SHA1.hmac(key, head, rest, $0) }
                }
            }
        }
        var sealed = Array(bytes[..<(end + 4)]) + digest
        let sum = ~sealed.reduce(~UInt32(0)) { value, byte in
            (0..<8).reduce(value ^ UInt32(byte)) { word, _ in word >> 1 ^ (word & 1 == 1 ? 0xedb8_8320 : 0) }
        }
        sealed += bytes[(end + 24)..<(end + 28)]
        return sealed + (0..<4).map { UInt8(truncatingIfNeeded: (sum ^ 0x5354_554e) >> UInt32(24 - 8 * $0)) }
    }
}
