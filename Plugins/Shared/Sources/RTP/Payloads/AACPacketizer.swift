import Bitstream

/// Access units of AAC in RTP payloads, mode AAC-hbr (RFC 3640, section 3.3.6): each goes alone and at once, a large
/// one in even pieces. The header that it had in a transport stream (ADTS) is left out.
struct AACPacketizer: Sendable {
    private var start = 0
    private var offset = 0

    /// The length of the headers in bits, and one header: 13 bits of size, 3 of a number that stays 0.
    static let headerSize = 4
    /// Bytes that 13 bits can tell.
    static let largestUnit = 8_191

    mutating func begin(_ unit: UnsafeRawBufferPointer) {
        start = ADTSHeader.size(unit) ?? 0
        offset = start
    }

    mutating func next(of unit: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Packetizer.Piece? {
        let (total, limit) = (unit.count - start, room.count - AACPacketizer.headerSize)
        guard offset < unit.count, limit > 0 else { return nil }
        guard total <= AACPacketizer.largestUnit else {
            offset = unit.count
            return Packetizer.Piece(count: max(total, room.count + 1), isLast: true, timestampOffset: 0)
        }
        let count = min(Packetizer.evenPiece(total, limit: limit), unit.count - offset)
        room.put(big16: 16, at: 0)
        room.put(big16: UInt16(total) << 3, at: 2)
        room.put(unit.part(offset..<offset + count), at: AACPacketizer.headerSize)
        offset += count
        return Packetizer.Piece(
            count: AACPacketizer.headerSize + count, isLast: offset == unit.count, timestampOffset: 0)
    }
}
