/// VP8 frames in RTP payloads (RFC 7741): a descriptor of four bytes with a 15-bit picture number, then a piece of the
/// frame. Partitions are not told apart.
struct VP8Packetizer: Sendable {
    private var picture: UInt16 = 0x7fff
    private var offset = 0

    static let descriptorSize = 4

    mutating func begin() {
        picture = (picture &+ 1) & 0x7fff
        offset = 0
    }

    mutating func next(of frame: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Packetizer.Piece?
    {
        let limit = room.count - VP8Packetizer.descriptorSize
        guard offset < frame.count, limit > 0 else { return nil }
        let count = min(Packetizer.evenPiece(frame.count, limit: limit), frame.count - offset)
        // X: an extension follows; S: a partition begins here. In it I: a picture number, whose M says 15 bits.
        room[0] = offset == 0 ? 0x90 : 0x80
        room[1] = 0x80
        room.put(big16: 0x8000 | picture, at: 2)
        room.put(frame.part(offset..<offset + count), at: VP8Packetizer.descriptorSize)
        offset += count
        return Packetizer.Piece(
            count: VP8Packetizer.descriptorSize + count, isLast: offset == frame.count, timestampOffset: 0)
    }
}
