import Sluice

/// One outgoing stream of RTP, to one receiver: numbers, timestamps, header extensions, what was sent lately, and what
/// its sender reports say. Pure.
///
/// `begin` a frame, then `next` until it gives nil. A frame may be cut here, or be one that several senders share. A
/// sequence number is given when a packet is written, so what was flushed before leaves no hole.
public struct StreamSender {
    /// The synchronization source.
    public let ssrc: UInt32
    /// 7 bits.
    public let payloadType: UInt8
    /// Timestamps a second.
    public let clockRate: Int64
    /// Of the next packet.
    public private(set) var sequence: UInt16
    /// Which header extensions packets have.
    public let extensions: SenderExtensions
    /// Of the next packet that has one; streams of one transport share the count.
    public var transportSequence: UInt16 = 0
    /// The packets sent lately; nil where nothing is sent again.
    public private(set) var sent: SentPackets?
    private let timestampOffset: UInt32
    private var packetizer: FramePacketizer
    private var frame: PacketizedFrame?
    private var index = 0
    private var timestamp: UInt32 = 0
    private var captured: NTPTime?
    private var isFirstOfTalk = true
    /// Packets sent; wraps.
    public private(set) var packets: UInt32 = 0
    /// Of payload.
    public private(set) var octets: UInt32 = 0

    /// `sequence` and `timestampOffset` are where the numbers begin: random (RFC 3550, section 5.1), the first below
    /// 2¹⁵ so that an SRTP receiver cannot miss its first wrap (RFC 3711, section 3.3.1). `mtu` is the most bytes of a
    /// packet.
    public init(
        _ format: PayloadFormat, configuration: [UInt8] = [], payloadType: UInt8, ssrc: UInt32, sequence: UInt16,
        timestampOffset: UInt32, mtu: Int = 1_200, extensions: SenderExtensions = SenderExtensions(),
        keeping sent: SentPackets? = nil
    ) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestampOffset = timestampOffset
        self.extensions = extensions
        self.sent = sent
        clockRate = Int64(format.clockRate)
        packetizer = FramePacketizer(
            format, configuration: configuration, limit: mtu - RTPHeader.size - extensions.mostBytes)
    }

    /// How media lie in the payloads.
    public var format: PayloadFormat { packetizer.format }

    /// The codec's configuration is another from the next frame on.
    public mutating func configure(_ configuration: [UInt8]) { packetizer.configure(configuration) }

    /// The RTP timestamp at `time` of the sender: each is computed from the whole, so rounding never adds up.
    public func timestamp(at time: MediaTime) -> UInt32 {
        timestampOffset &+ UInt32(truncatingIfNeeded: time.rescaled(to: clockRate))
    }

    /// Cuts `bytes` and begins with it.
    public mutating func begin(
        _ bytes: UnsafeRawBufferPointer, at time: MediaTime, isKeyframe: Bool, captured: NTPTime? = nil,
        followsSilence: Bool = false
    ) {
        begin(
            packetizer.frame(bytes, isKeyframe: isKeyframe), at: time, captured: captured,
            followsSilence: followsSilence)
    }

    /// `followsSilence` marks the first packet of audio (RFC 3551, section 4.1); the last one of a frame of video or
    /// AAC always is marked. `captured` stands in the frame's first packet, where the extensions have it.
    public mutating func begin(
        _ frame: PacketizedFrame, at time: MediaTime, captured: NTPTime? = nil, followsSilence: Bool = false
    ) {
        (self.frame, index, self.captured) = (frame, 0, captured)
        timestamp = timestamp(at: time)
        if followsSilence { isFirstOfTalk = true }
    }

    /// Writes the next packet of the frame that was begun to `room` and gives its size; nil when none is left. A packet
    /// that does not fit gives more than `room` holds, and nothing is sent.
    public mutating func next(into room: UnsafeMutableRawBufferPointer, now: Instant = Instant(nanoseconds: 0)) -> Int?
    {
        guard let frame, index < frame.pieces.count else {
            self.frame = nil
            return nil
        }
        let piece = frame.pieces[index]
        defer { index += 1 }
        var entry = SentPackets.Entry(frame: frame, piece: index, sent: now)
        if index == 0, extensions.captureTime != nil { entry.extensions.captureTime = captured }
        if extensions.transportSequence != nil { entry.extensions.transportSequence = transportSequence }
        let size = RTPHeader.size + extensions.size(entry.extensions) + piece.count
        guard size <= room.count, piece.count <= packetizer.limit else { return max(size, room.count + 1) }
        entry.sequence = sequence
        entry.header = RTPHeader(
            isMarked: format.marksEnds ? piece.isLast : isFirstOfTalk, payloadType: payloadType, sequence: sequence,
            timestamp: timestamp &+ piece.timestampOffset, ssrc: ssrc)
        write(entry, frame.payload(piece), room)
        isFirstOfTalk = false
        sequence = sequence &+ 1
        transportSequence = transportSequence &+ 1
        packets = packets &+ 1
        octets = octets &+ UInt32(piece.count)
        sent?.note(entry)
        return size
    }

    /// Writes a packet that was sent before, to the bit: under one key the same numbers never stand for other bytes.
    /// nil where it is not kept any more, or has just gone out again.
    public mutating func again(_ sequence: UInt16, into room: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        guard let entry = sent?.take(sequence, now: now), let frame = entry.frame else { return nil }
        let payload = frame.payload(frame.pieces[entry.piece])
        let size = RTPHeader.size + extensions.size(entry.extensions) + payload.count
        guard size <= room.count else { return nil }
        write(entry, payload, room)
        return size
    }

    private func write(
        _ entry: SentPackets.Entry, _ payload: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer
    ) {
        entry.header.write(to: room)
        extensions.write(entry.extensions, to: room)
        room.put(payload, at: RTPHeader.size + extensions.size(entry.extensions))
    }

    /// The content of a sender report whose instant is `ntp` on the wall clock and `time` of the sender.
    public func report(ntp: NTPTime, at time: MediaTime) -> RTCPPacket.SenderReport {
        RTCPPacket.SenderReport(
            ssrc: ssrc, ntp: ntp, timestamp: timestamp(at: time), packets: packets, octets: octets)
    }
}
