import CPcap
import RTP

/// An RTP packet over UDP inside a captured frame.
struct CapturedPacket {
    let header: RTPHeader
    /// Addresses with their ports.
    let source, target: String
    /// Captured bytes, from the RTP header on.
    let count: Int

    /// nil for what is no RTP over UDP; nothing is read beyond the captured bytes.
    init?(_ frame: UnsafeRawBufferPointer, link: Int32) {
        guard let (start, isSix) = CapturedPacket.network(frame, link),
            let (udp, source, target) = CapturedPacket.transport(frame, start, isSix),
            // Payload types 64 to 95 are RTCP's with the marker bit (RFC 5761, section 4).
            let header = RTPHeader(headOf: UnsafeRawBufferPointer(rebasing: frame[(udp + 8)...])),
            !(64...95).contains(header.payloadType)
        else { return nil }
        self.header = header
        count = frame.count - udp - 8
        self.source = "\(source):\(CapturedPacket.number(frame, udp))"
        self.target = "\(target):\(CapturedPacket.number(frame, udp + 2))"
    }

    /// Two bytes, big-endian.
    private static func number(_ frame: UnsafeRawBufferPointer, _ start: Int) -> UInt16 {
        UInt16(frame[start]) << 8 | UInt16(frame[start + 1])
    }

    /// Where the IP header begins, and whether it is of version 6.
    private static func network(_ frame: UnsafeRawBufferPointer, _ link: Int32) -> (Int, Bool)? {
        var start: Int
        switch link {
        case DLT_EN10MB:
            start = 14
            // Tags of VLANs (IEEE 802.1Q).
            while start + 4 <= frame.count, [0x8100, 0x88a8].contains(number(frame, start - 2)) { start += 4 }
        case DLT_LINUX_SLL: start = 16
        case DLT_LINUX_SLL2: start = 20
        case DLT_NULL, DLT_LOOP: start = 4
        // LINKTYPE_RAW, as files have it, and what systems call it.
        case DLT_RAW, 101: start = 0
        default: return nil
        }
        guard start < frame.count else { return nil }
        switch frame[start] >> 4 {
        case 4: return (start, false)
        case 6: return (start, true)
        default: return nil
        }
    }

    /// Where the UDP header begins, and both addresses. Fragments but the first have none.
    private static func transport(
        _ frame: UnsafeRawBufferPointer, _ start: Int, _ isSix: Bool
    ) -> (Int, String, String)? {
        if isSix {
            guard start + 48 <= frame.count, frame[start + 6] == 17 else { return nil }
            return (start + 40, six(frame, start + 8), six(frame, start + 24))
        }
        let length = Int(frame[start] & 15) * 4
        guard length >= 20, start + length + 8 <= frame.count, frame[start + 9] == 17,
            number(frame, start + 6) & 0x1fff == 0
        else { return nil }
        return (start + length, four(frame, start + 12), four(frame, start + 16))
    }

    private static func four(_ frame: UnsafeRawBufferPointer, _ start: Int) -> String {
        (0..<4).map { String(frame[start + $0]) }.joined(separator: ".")
    }

    private static func six(_ frame: UnsafeRawBufferPointer, _ start: Int) -> String {
        "[" + (0..<8).map { String(number(frame, start + 2 * $0), radix: 16) }.joined(separator: ":") + "]"
    }
}
