/// One packet of an RTCP datagram, as far as we act upon it. A datagram holds a report and more (RFC 3550, section 6),
/// or feedback alone (reduced size, RFC 5506).
public enum RTCPPacket: Equatable, Sendable {
    case senderReport(SenderReport)
    case receiverReport(ssrc: UInt32, reports: [ReportBlock])
    case sourceDescription([SourceDescription])
    case bye([UInt32])
    /// Picture loss indication (RFC 4585, section 6.3.1).
    case pictureLoss(sender: UInt32, media: UInt32)
    /// Full intra request (RFC 5104, section 4.3.1) with the sources that are asked.
    case fullIntraRequest(sender: UInt32, [IntraRequest])
    /// Packets that are missing (RFC 4585, section 6.2.1).
    case lost(sender: UInt32, media: UInt32, [UInt16])
    /// When packets came.
    case transport(TransportFeedback)
    /// The most that the receiver takes.
    case estimate(ReceiverEstimate)
    /// Well formed, and nothing to us.
    case other(type: UInt8)

    /// One source that is asked for a keyframe (RFC 5104, section 4.3.1.1).
    public struct IntraRequest: Equatable, Sendable {
        /// Of the source that is asked.
        public var ssrc: UInt32
        /// Counts a receiver's requests to the source: the same number again is the same request again.
        public var number: UInt8

        /// `number` rises by 1 with each new request.
        public init(ssrc: UInt32, number: UInt8) { (self.ssrc, self.number) = (ssrc, number) }
    }

    /// A sender's report (section 6.4.1).
    public struct SenderReport: Equatable, Sendable {
        /// Of the sender.
        public var ssrc: UInt32
        /// When it was sent, by the sender's wall clock.
        public var ntp: NTPTime
        /// The RTP timestamp of the same instant.
        public var timestamp: UInt32
        /// Sent since the stream began; wraps.
        public var packets: UInt32
        /// Of payload.
        public var octets: UInt32
        /// On the sources that the sender receives itself.
        public var reports: [ReportBlock]

        /// `ntp` and `timestamp` tell the same instant.
        public init(
            ssrc: UInt32, ntp: NTPTime, timestamp: UInt32, packets: UInt32, octets: UInt32, reports: [ReportBlock] = []
        ) {
            self.ssrc = ssrc
            self.ntp = ntp
            self.timestamp = timestamp
            self.packets = packets
            self.octets = octets
            self.reports = reports
        }
    }

    /// A receiver's report of one source (section 6.4.1).
    public struct ReportBlock: Equatable, Sendable {
        /// The source that is reported on.
        public var ssrc: UInt32
        /// Of the packets since the last report, in 1/256.
        public var fractionLost: UInt8
        /// 24 bits, signed: duplicates may make it negative.
        public var lost: Int32
        /// The highest sequence number, and the wraps before it in the upper 16 bits.
        public var highest: UInt32
        /// In units of the media clock.
        public var jitter: UInt32
        /// The middle of the last sender report's NTP time, 0 if there was none.
        public var lastReport: UInt32
        /// Since that report, in 1/65536 s.
        public var delay: UInt32

        /// `jitter` in units of the media clock, `delay` in 1/65536 s.
        public init(
            ssrc: UInt32, fractionLost: UInt8, lost: Int32, highest: UInt32, jitter: UInt32, lastReport: UInt32,
            delay: UInt32
        ) {
            self.ssrc = ssrc
            self.fractionLost = fractionLost
            self.lost = lost
            self.highest = highest
            self.jitter = jitter
            self.lastReport = lastReport
            self.delay = delay
        }
    }

    /// A source's name (section 6.5.1).
    public struct SourceDescription: Equatable, Sendable {
        /// The source.
        public var ssrc: UInt32
        /// Canonical name: the same in all streams of one sender.
        public var cname: String

        /// `cname` has 255 bytes at most.
        public init(ssrc: UInt32, cname: String) {
            self.ssrc = ssrc
            self.cname = cname
        }
    }
}

extension RTCPPacket {
    private typealias Bytes = UnsafeRawBufferPointer

    /// The packets of a datagram; nil if its framing is broken anywhere, as for bytes that are no RTCP.
    public static func parse(_ datagram: UnsafeRawBufferPointer) -> [RTCPPacket]? {
        var packets: [RTCPPacket] = []
        var rest = datagram
        while !rest.isEmpty {
            guard rest.count >= 4, rest[0] >> 6 == 2 else { return nil }
            let size = 4 * (Int(rest.big16(2)) + 1)
            guard size <= rest.count else { return nil }
            var end = size
            if rest[0] & 0x20 != 0 {
                let padding = Int(rest[size - 1])
                guard padding > 0, padding <= size - 4 else { return nil }
                end -= padding
            }
            guard let packet = one(rest.part(0..<end)) else { return nil }
            packets.append(packet)
            rest = rest.part(size..<rest.count)
        }
        return packets.isEmpty ? nil : packets
    }

    /// A receiver's report, or when packets came, and nothing behind it, told from an SRTCP packet as it came: the
    /// first header is never encrypted, and behind the packets stand 14 or 20 bytes (RFC 3711, section 3.4; RFC 7714,
    /// section 9.1).
    public static func isReportAlone(protected datagram: [UInt8]) -> Bool {
        guard datagram.count >= 22, datagram[1] == 201 || datagram[1] == 205 && datagram[0] & 31 == 15 else {
            return false
        }
        let size = 4 * (Int(datagram[2]) << 8 | Int(datagram[3])) + 4
        return (14...20).contains(datagram.count - size)
    }

    private static func one(_ bytes: Bytes) -> RTCPPacket? {
        let count = Int(bytes[0] & 31)
        switch bytes[1] {
        case 200:
            guard bytes.count >= 28, let blocks = reports(bytes, from: 28, count) else { return nil }
            return .senderReport(
                SenderReport(
                    ssrc: bytes.big32(4), ntp: NTPTime(bits: bytes.big64(8)), timestamp: bytes.big32(16),
                    packets: bytes.big32(20), octets: bytes.big32(24), reports: blocks))
        case 201:
            guard bytes.count >= 8, let blocks = reports(bytes, from: 8, count) else { return nil }
            return .receiverReport(ssrc: bytes.big32(4), reports: blocks)
        case 202: return descriptions(bytes, count).map { .sourceDescription($0) }
        case 203:
            guard bytes.count >= 4 + 4 * count else { return nil }
            return .bye((0..<count).map { bytes.big32(4 + 4 * $0) })
        case 205 where count == 1:
            guard bytes.count >= 12 else { return nil }
            return .lost(sender: bytes.big32(4), media: bytes.big32(8), numbers(bytes))
        case 205 where count == 15: return TransportFeedback(bytes).map { .transport($0) } ?? .other(type: 205)
        case 206 where count == 1:
            guard bytes.count >= 12 else { return nil }
            return .pictureLoss(sender: bytes.big32(4), media: bytes.big32(8))
        case 206 where count == 4:
            guard bytes.count >= 12 else { return nil }
            let asked = stride(from: 12, through: bytes.count - 8, by: 8).map {
                IntraRequest(ssrc: bytes.big32($0), number: bytes[$0 + 4])
            }
            return .fullIntraRequest(sender: bytes.big32(4), asked)
        case 206 where count == 15: return ReceiverEstimate(bytes).map { .estimate($0) } ?? .other(type: 206)
        default: return .other(type: bytes[1])
        }
    }

    /// Each entry is a number and which of the 16 behind it are missing too.
    private static func numbers(_ bytes: Bytes) -> [UInt16] {
        var all: [UInt16] = []
        for at in stride(from: 12, through: bytes.count - 4, by: 4) {
            let (first, more) = (bytes.big16(at), bytes.big16(at + 2))
            all.append(first)
            for bit in 0..<UInt16(16) where more >> bit & 1 == 1 { all.append(first &+ bit &+ 1) }
        }
        return all
    }

    private static func reports(_ bytes: Bytes, from start: Int, _ count: Int) -> [ReportBlock]? {
        guard bytes.count >= start + 24 * count else { return nil }
        return (0..<count).map { index in
            let at = start + 24 * index
            // The sign of 24 bits is spread over 32.
            let lost = Int32(bitPattern: bytes.big32(at + 4) << 8) >> 8
            return ReportBlock(
                ssrc: bytes.big32(at), fractionLost: bytes[at + 4], lost: lost, highest: bytes.big32(at + 8),
                jitter: bytes.big32(at + 12), lastReport: bytes.big32(at + 16), delay: bytes.big32(at + 20))
        }
    }

    /// The canonical names of the chunks; other items are passed over.
    private static func descriptions(_ bytes: Bytes, _ count: Int) -> [SourceDescription]? {
        var found: [SourceDescription] = []
        var at = 4
        for _ in 0..<count {
            guard at + 4 <= bytes.count else { return nil }
            let ssrc = bytes.big32(at)
            at += 4
            var name: String?
            while true {
                guard at < bytes.count else { return nil }
                let type = bytes[at]
                guard type != 0 else {
                    // One to four zero bytes end a chunk on a word's boundary.
                    at = (at / 4 + 1) * 4
                    break
                }
                guard at + 2 <= bytes.count, at + 2 + Int(bytes[at + 1]) <= bytes.count else { return nil }
                let text = bytes.part(at + 2..<at + 2 + Int(bytes[at + 1]))
                if type == 1 { name = String(decoding: text, as: UTF8.self) }
                at += 2 + text.count
            }
            if let name { found.append(SourceDescription(ssrc: ssrc, cname: name)) }
        }
        return found
    }
}
