/// The same Opus packet in two bytes, for a container that takes none of one byte: silence under DTX is often a packet
/// that is its table of contents alone. Code 3 then tells the number of its empty frames (RFC 6716, section 3.2.5). nil
/// where one byte is no packet.
func twoBytes(ofOpus contents: UInt8) -> (UInt8, UInt8)? {
    switch contents & 3 {
    case 0: (contents | 3, 1)
    case 1: (contents | 3, 2)
    default: nil
    }
}
