/// The protocol of a datagram by its first bytes (RFC 7983, section 7; RFC 5761, section 4 for RTP and RTCP). The
/// parser of that protocol says whether it is well formed.
public enum PacketKind: Sendable {
    case stun, dtls, rtp, rtcp, turnChannel, other

    /// Of a whole datagram, or a frame of TCP.
    @inlinable public init(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 1 else {
            self = .other
            return
        }
        switch bytes[0] {
        case 0...3: self = .stun
        case 20...63: self = .dtls
        case 64...79: self = .turnChannel
        case 128...191: self = (192...223).contains(bytes[1]) ? .rtcp : .rtp
        default: self = .other
        }
    }
}
