/// Packets that go out again in a stream of their own (RFC 4588, session-multiplexed by SSRC): its numbers are its own,
/// so that under one key no number stands for other bytes, and reports tell what was lost the first time.
public struct Retransmission: Sendable {
    /// The stream that repairs.
    public let ssrc: UInt32
    /// 7 bits.
    public let payloadType: UInt8
    /// Of the next packet.
    public private(set) var sequence: UInt16
    /// Packets sent; wraps.
    public private(set) var packets: UInt32 = 0

    /// Bytes in front of a payload that goes out again: the sequence number that it had (section 4).
    public static let prefix = 2

    /// `sequence` is where the numbers begin: random, below 2¹⁵ (see `StreamSender`).
    public init(ssrc: UInt32, payloadType: UInt8, sequence: UInt16) {
        (self.ssrc, self.payloadType, self.sequence) = (ssrc, payloadType, sequence)
    }

    /// The header of the next packet, which repeats one that had `header`: its marker and its timestamp.
    mutating func header(repeating header: RTPHeader) -> RTPHeader {
        defer { (sequence, packets) = (sequence &+ 1, packets &+ 1) }
        return RTPHeader(
            isMarked: header.isMarked, payloadType: payloadType, sequence: sequence, timestamp: header.timestamp,
            ssrc: ssrc)
    }

    /// The number of the packet that `payload` repeats, and that packet's payload. nil where there is no number:
    /// senders probe a network with empty packets.
    public static func read(_ payload: UnsafeRawBufferPointer) -> (
        sequence: UInt16, payload: UnsafeRawBufferPointer
    )? {
        guard payload.count >= prefix else { return nil }
        return (payload.big16(0), payload.part(prefix..<payload.count))
    }
}
