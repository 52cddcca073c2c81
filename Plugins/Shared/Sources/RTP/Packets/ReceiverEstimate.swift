/// The most that a receiver takes of its sender's streams together (draft-alvestrand-rmcat-remb-03, section 2): the
/// body of an RTCP packet 206, format 15.
public struct ReceiverEstimate: Equatable, Sendable {
    /// SSRC of the receiver.
    public var sender: UInt32
    /// Bits a second, headers included. Written with 18 bits, rounded down.
    public var bitsPerSecond: Int
    /// The streams that share it, 255 at most.
    public var sources: [UInt32]

    /// `bitsPerSecond` below 0 counts as 0.
    public init(sender: UInt32, bitsPerSecond: Int, sources: [UInt32]) {
        (self.sender, self.bitsPerSecond, self.sources) = (sender, max(0, bitsPerSecond), sources)
    }

    private static let name: UInt32 = 0x5245_4d42

    /// `bytes` are a whole RTCP packet without padding. nil for another message of this format, or one that is cut
    /// off. A rate that no `Int` holds is the greatest one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 20, bytes.big32(12) == ReceiverEstimate.name else { return nil }
        let count = Int(bytes[16])
        guard bytes.count >= 20 + 4 * count else { return nil }
        let word = bytes.big32(16) & 0xff_ffff
        let (exponent, mantissa) = (Int(word >> 18), Int(word & 0x3_ffff))
        let fits = mantissa == 0 || mantissa.leadingZeroBitCount > exponent
        self.init(
            sender: bytes.big32(4), bitsPerSecond: fits ? mantissa << exponent : .max,
            sources: (0..<count).map { bytes.big32(20 + 4 * $0) })
    }

    /// Appends the packet behind its first word.
    func append(to datagram: inout [UInt8]) {
        let rate = max(0, bitsPerSecond)
        let exponent = max(0, Int.bitWidth - rate.leadingZeroBitCount - 18)
        let told = sources.prefix(255)
        datagram.append(big32: sender)
        datagram.append(big32: 0)
        datagram.append(big32: ReceiverEstimate.name)
        datagram.append(big32: UInt32(told.count) << 24 | UInt32(exponent) << 18 | UInt32(rate >> exponent))
        for source in told { datagram.append(big32: source) }
    }
}
