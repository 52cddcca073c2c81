/// The fixed header of an RTP packet (RFC 3550, section 5.1).
public struct RTPHeader: Equatable, Sendable {
    /// The marker bit: the last packet of a picture, the first of a talk spurt (RFC 3551).
    public var isMarked: Bool
    /// 7 bits.
    public var payloadType: UInt8
    /// Rises by 1 with each packet; wraps.
    public var sequence: UInt16
    /// In units of the media clock; wraps.
    public var timestamp: UInt32
    /// The synchronization source.
    public var ssrc: UInt32

    /// Without contributing sources and extension.
    public static let size = 12

    /// `payloadType` below 128.
    public init(isMarked: Bool = false, payloadType: UInt8, sequence: UInt16, timestamp: UInt32, ssrc: UInt32) {
        self.isMarked = isMarked
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
    }

    /// The fixed part at the head of `packet`, whose end may be cut off; nil for bytes that are no RTP packet.
    public init?(headOf packet: UnsafeRawBufferPointer) {
        guard packet.count >= RTPHeader.size, packet[0] >> 6 == 2 else { return nil }
        self.init(
            isMarked: packet[1] & 0x80 != 0, payloadType: packet[1] & 0x7f, sequence: packet.big16(2),
            timestamp: packet.big32(4), ssrc: packet.big32(8))
    }

    /// The header of `packet` and where its payload lies, contributing sources, extension and padding left out. nil for
    /// bytes that are no RTP packet. The payload may be empty.
    public static func parse(_ packet: UnsafeRawBufferPointer) -> (header: RTPHeader, payload: Range<Int>)? {
        guard let header = RTPHeader(headOf: packet) else { return nil }
        var start = size + 4 * Int(packet[0] & 0x0f)
        var end = packet.count
        if packet[0] & 0x10 != 0 {
            guard start + 4 <= end else { return nil }
            start += 4 + 4 * Int(packet.big16(start + 2))
        }
        if packet[0] & 0x20 != 0 {
            guard start < end else { return nil }
            let padding = Int(packet[end - 1])
            guard padding > 0 else { return nil }
            end -= padding
        }
        guard start <= end else { return nil }
        return (header, start..<end)
    }

    /// Writes `size` bytes at the start of `packet`, which has room for them.
    public func write(to packet: UnsafeMutableRawBufferPointer) {
        packet[0] = 0x80
        packet[1] = (isMarked ? 0x80 : 0) | payloadType & 0x7f
        packet.put(big16: sequence, at: 2)
        packet.put(big32: timestamp, at: 4)
        packet.put(big32: ssrc, at: 8)
    }

    /// The kind of a datagram where RTP and RTCP share a port: payload types 64 to 95 belong to RTCP (RFC 5761, section
    /// 4).
    public static func isRTCP(_ packet: UnsafeRawBufferPointer) -> Bool {
        packet.count >= 4 && packet[0] >> 6 == 2 && (192...223).contains(packet[1])
    }
}
