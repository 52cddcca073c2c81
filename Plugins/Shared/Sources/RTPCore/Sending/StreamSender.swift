import Sluice

/// One outgoing stream of RTP: numbers, timestamps, payloads, and what its sender reports say. Pure.
///
/// `begin` a frame, then `next` until it gives nil. A sequence number is given when a packet is written, so what was
/// flushed before leaves no hole.
public struct StreamSender: Sendable {
    public let ssrc: UInt32
    public let payloadType: UInt8
    public let clockRate: Int64
    public private(set) var sequence: UInt16
    private let timestampOffset: UInt32
    private var packetizer: Packetizer
    private var timestamp: UInt32 = 0
    private var isFirstOfTalk = true
    public private(set) var packets: UInt32 = 0
    /// Of payload.
    public private(set) var octets: UInt32 = 0

    /// `sequence` and `timestampOffset` are where the numbers begin: random (RFC 3550, section 5.1), the first below 2¹⁵
    /// so that an SRTP receiver cannot miss its first wrap (RFC 3711, section 3.3.1).
    public init(
        _ format: PayloadFormat, configuration: [UInt8] = [], payloadType: UInt8, ssrc: UInt32, sequence: UInt16,
        timestampOffset: UInt32
    ) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestampOffset = timestampOffset
        clockRate = Int64(format.clockRate)
        packetizer = Packetizer(format, configuration: configuration)
    }

    public var format: PayloadFormat { packetizer.format }

    /// The codec's configuration is another from the next frame on.
    public mutating func configure(_ configuration: [UInt8]) {
        packetizer = Packetizer(format, configuration: configuration)
    }

    /// The RTP timestamp at `time` of the session: each is computed from the whole, so rounding never adds up.
    public func timestamp(at time: MediaTime) -> UInt32 {
        timestampOffset &+ UInt32(truncatingIfNeeded: time.rescaled(to: clockRate))
    }

    /// `followsSilence` marks the first packet of audio (RFC 3551, section 4.1); the last one of a frame of video always
    /// is marked. `frame` must live until the last `next`.
    public mutating func begin(
        _ frame: UnsafeRawBufferPointer, at time: MediaTime, isKeyframe: Bool, followsSilence: Bool = false
    ) {
        timestamp = timestamp(at: time)
        if followsSilence { isFirstOfTalk = true }
        packetizer.begin(frame, isKeyframe: isKeyframe)
    }

    /// Writes the next packet of the frame that was begun to `room` and gives its size; nil when none is left. An Opus
    /// packet that does not fit gives more than `room` holds, and nothing is sent.
    public mutating func next(of frame: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Int? {
        let payload = UnsafeMutableRawBufferPointer(rebasing: room[min(RTPHeader.size, room.count)...])
        guard let piece = packetizer.next(of: frame, into: payload) else { return nil }
        let size = RTPHeader.size + piece.count
        guard size <= room.count else { return size }
        let isMarked = format.isVideo ? piece.isLast : isFirstOfTalk
        isFirstOfTalk = false
        RTPHeader(
            isMarked: isMarked, payloadType: payloadType, sequence: sequence,
            timestamp: timestamp &+ piece.timestampOffset, ssrc: ssrc
        ).write(to: room)
        sequence = sequence &+ 1
        packets = packets &+ 1
        octets = octets &+ UInt32(piece.count)
        return size
    }

    /// What a sender report says whose instant is `ntp` on the wall clock and `time` of the session.
    public func report(ntp: NTPTime, at time: MediaTime) -> RTCPPacket.SenderReport {
        RTCPPacket.SenderReport(
            ssrc: ssrc, ntp: ntp, timestamp: timestamp(at: time), packets: packets, octets: octets)
    }
}
