/// Big-endian fields at offsets that the caller has checked.
extension UnsafeRawBufferPointer {
    func big16(_ offset: Int) -> UInt16 {
        UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
    func big32(_ offset: Int) -> UInt32 {
        UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func big64(_ offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    /// The bytes of `range`, which lies inside.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}

extension [UInt8] {
    mutating func append(big16 value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }
    mutating func append(big32 value: UInt32) {
        append(big16: UInt16(truncatingIfNeeded: value >> 16))
        append(big16: UInt16(truncatingIfNeeded: value))
    }
    mutating func append(big64 value: UInt64) {
        append(big32: UInt32(truncatingIfNeeded: value >> 32))
        append(big32: UInt32(truncatingIfNeeded: value))
    }
    /// At an offset behind which there are two bytes.
    mutating func put(big16 value: UInt16, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }
}

extension String {
    /// The UTF-8 text, without a copy where the string is native.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var text = self
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
