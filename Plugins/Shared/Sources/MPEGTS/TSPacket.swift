/// One packet of an MPEG transport stream: 188 bytes (ISO/IEC 13818-1, 2.4.3.2).
public struct TSPacket {
    /// Bytes.
    public static let size = 188
    /// The first byte of every packet.
    public static let sync: UInt8 = 0x47

    /// Packet identifier, 13 bits.
    public let pid: Int
    /// A PES packet or a section begins in this packet.
    public let startsUnit: Bool
    /// Counts the packets of a PID that carry payload, modulo 16.
    public let counter: Int
    /// Its payload cannot be read.
    public let isScrambled: Bool
    /// Said by the sender: counter and times may jump here.
    public let isDiscontinuous: Bool
    /// Holds stuffing bytes. Muxers stuff the last packet of a PES packet, since the next one begins in a packet of its
    /// own.
    public let isStuffed: Bool
    /// Empty where the packet carries none.
    public let payload: UnsafeRawBufferPointer

    /// nil where 188 bytes are no packet.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == TSPacket.size, bytes[0] == TSPacket.sync, bytes[1] & 0x80 == 0 else { return nil }
        pid = Int(bytes[1] & 0x1f) << 8 | Int(bytes[2])
        startsUnit = bytes[1] & 0x40 != 0
        isScrambled = bytes[3] & 0xc0 != 0
        counter = Int(bytes[3] & 0x0f)
        let (hasField, hasPayload) = (bytes[3] & 0x20 != 0, bytes[3] & 0x10 != 0)
        var start = 4
        var (isDiscontinuous, isStuffed) = (false, false)
        if hasField {
            let length = Int(bytes[4])
            start = 5 + length
            guard start <= TSPacket.size else { return nil }
            if length > 0 { isDiscontinuous = bytes[5] & 0x80 != 0 }
            isStuffed = TSPacket.isStuffed(UnsafeRawBufferPointer(rebasing: bytes[5..<start]))
        }
        (self.isDiscontinuous, self.isStuffed) = (isDiscontinuous, isStuffed)
        payload = UnsafeRawBufferPointer(rebasing: bytes[(hasPayload ? start : TSPacket.size)...])
    }

    /// Whether an adaptation field is longer than what its flags say that it holds (2.4.3.4).
    private static func isStuffed(_ field: UnsafeRawBufferPointer) -> Bool {
        guard let flags = field.first, flags & 0x1f != 0 else { return true }
        var used = 1
        if flags & 0x10 != 0 { used += 6 }
        if flags & 0x08 != 0 { used += 6 }
        if flags & 0x04 != 0 { used += 1 }
        // Private data and the extension say their own length.
        for flag: UInt8 in [0x02, 0x01] where flags & flag != 0 {
            guard used < field.count else { return false }
            used += 1 + Int(field[used])
        }
        return field.count > used
    }
}
