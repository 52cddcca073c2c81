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
    /// Packets have a number of the transport's, where their extensions have it.
    public var isNumbered = true
    /// The packets sent lately; nil where nothing is sent again.
    public internal(set) var sent: SentPackets?
    /// The stream in which packets go out again; nil where they do so in this one.
    public internal(set) var retransmission: Retransmission?
    /// The packets that were asked for again.
    public internal(set) var repairs = RepairCounts()
    var budget = RepairBudget()
    /// The numbers of packets that were asked for again and wait.
    var asked: [UInt16] = []
    /// The payload type of packets that carry the frame before beside their own (RFC 2198); nil where none may.
    public let redundantType: UInt8?
    /// Packets carry the frame before, where it fits.
    public var isRedundant = false
    /// The frame that was sent last, where the next one may carry it.
    private var before: (frame: PacketizedFrame, timestamp: UInt32)?
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
    /// Frames that can be decoded without others; wraps.
    public private(set) var keyframes: UInt32 = 0
    /// Packets that carried the frame before beside their own; wraps.
    public private(set) var redundantPackets: UInt32 = 0

    /// `sequence` and `timestampOffset` are where the numbers begin: random (RFC 3550, section 5.1), the first below
    /// 2¹⁵ so that an SRTP receiver cannot miss its first wrap (RFC 3711, section 3.3.1). `mtu` is the most bytes of a
    /// packet. `redundantType` is for audio whose packets are a frame each.
    public init(
        _ format: PayloadFormat, configuration: [UInt8] = [], payloadType: UInt8, ssrc: UInt32, sequence: UInt16,
        timestampOffset: UInt32, mtu: Int = 1_200, extensions: SenderExtensions = SenderExtensions(),
        keeping sent: SentPackets? = nil, retransmission: Retransmission? = nil, redundantType: UInt8? = nil
    ) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestampOffset = timestampOffset
        self.extensions = extensions
        self.sent = sent
        self.retransmission = retransmission
        self.redundantType = format == .opus ? redundantType : nil
        clockRate = Int64(format.clockRate)
        packetizer = FramePacketizer(
            format, configuration: configuration,
            limit: StreamSender.payloadLimit(
                mtu: mtu, extensions: extensions, isRepaired: sent != nil && retransmission != nil))
    }

    /// The most bytes of a payload in packets of `mtu` bytes. `isRepaired` leaves room for what `Retransmission` puts
    /// in front. Frames that several senders share are cut to the least limit of all.
    public static func payloadLimit(mtu: Int, extensions: SenderExtensions, isRepaired: Bool) -> Int {
        mtu - RTPHeader.size - extensions.mostBytes - (isRepaired ? Retransmission.prefix : 0)
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
        if frame.isKeyframe { keyframes = keyframes &+ 1 }
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
        var entry = SentPackets.Entry(frame: frame, piece: index, sent: now, payloadSize: piece.count)
        entry.extensions.sent = now
        if index == 0, extensions.captureTime != nil { entry.extensions.captureTime = captured }
        if hasNumber { entry.extensions.transportSequence = transportSequence }
        let size = RTPHeader.size + extensions.size(entry.extensions) + piece.count
        guard size <= room.count, piece.count <= packetizer.limit else { return max(size, room.count + 1) }
        entry.sequence = sequence
        entry.header = RTPHeader(
            isMarked: format.marksEnds ? piece.isLast : isFirstOfTalk, payloadType: payloadType, sequence: sequence,
            timestamp: timestamp &+ piece.timestampOffset, ssrc: ssrc)
        addRedundancy(to: &entry, size, room.count)
        write(entry, entry.header, entry.extensions, room, repeats: nil)
        isFirstOfTalk = false
        sequence = sequence &+ 1
        if hasNumber { transportSequence = transportSequence &+ 1 }
        packets = packets &+ 1
        octets = octets &+ UInt32(entry.payloadSize)
        if redundantType != nil { before = (frame, timestamp) }
        sent?.note(entry)
        budget.earn(entry.payloadSize, kept: sent?.bytes ?? 0)
        return size + entry.payloadSize - piece.count
    }

    var hasNumber: Bool { isNumbered && extensions.transportSequence != nil }

    /// The frame before goes along, where there is room for it.
    private mutating func addRedundancy(to entry: inout SentPackets.Entry, _ size: Int, _ most: Int) {
        guard isRedundant, let redundantType, let before, before.frame.pieces.count == 1 else { return }
        let (count, offset) = (before.frame.pieces[0].count, timestamp &- before.timestamp)
        let more = RedundantAudio.headerSize + count
        guard RedundantAudio.fits(count, offset: offset), size + more <= most,
            entry.payloadSize + more <= packetizer.limit
        else { return }
        redundantPackets = redundantPackets &+ 1
        entry.header.payloadType = redundantType
        (entry.before, entry.timestampOffset) = (before.frame, UInt16(truncatingIfNeeded: offset))
        entry.payloadSize += more
    }

    /// The packet of `entry`, which fits in `room`. `repeats` is the number that stands in front of the payload where
    /// it goes out again in another stream.
    func write(
        _ entry: SentPackets.Entry, _ header: RTPHeader, _ values: SentExtensions,
        _ room: UnsafeMutableRawBufferPointer, repeats: UInt16?
    ) {
        guard let frame = entry.frame else { return }
        header.write(to: room)
        extensions.write(values, to: room)
        var at = RTPHeader.size + extensions.size(values)
        if let repeats {
            room.put(big16: repeats, at: at)
            at += Retransmission.prefix
        }
        if let before = entry.before {
            let earlier = before.payload(before.pieces[0])
            RedundantAudio.write(
                earlier, offset: UInt32(entry.timestampOffset), payloadType: payloadType, to: room, at: at)
            at += RedundantAudio.headerSize + earlier.count
        }
        room.put(frame.payload(frame.pieces[entry.piece]), at: at)
    }

    /// The content of a sender report whose instant is `ntp` on the wall clock and `time` of the sender.
    public func report(ntp: NTPTime, at time: MediaTime) -> RTCPPacket.SenderReport {
        RTCPPacket.SenderReport(
            ssrc: ssrc, ntp: ntp, timestamp: timestamp(at: time), packets: packets, octets: octets)
    }

    /// The same of the stream in which packets go out again; nil before the first of them.
    public func repairReport(ntp: NTPTime, at time: MediaTime) -> RTCPPacket.SenderReport? {
        guard let retransmission, retransmission.packets > 0 else { return nil }
        let prefixes = UInt32(Retransmission.prefix) &* retransmission.packets
        return RTCPPacket.SenderReport(
            ssrc: retransmission.ssrc, ntp: ntp, timestamp: timestamp(at: time), packets: retransmission.packets,
            octets: UInt32(truncatingIfNeeded: repairs.bytes) &+ prefixes)
    }
}
