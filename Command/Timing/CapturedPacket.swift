import CPcap

/// The fields that timing needs of an RTP packet inside a captured frame.
struct RTPHeader: Equatable {
    var ssrc: UInt32
    var payloadType: UInt8
    var sequence: UInt16
    var timestamp: UInt32
    var source: String
    var target: String
    var count: Int

    /// nil for what is no RTP over UDP; nothing is read beyond the captured bytes.
    init?(_ frame: UnsafeRawBufferPointer, link: Int32) {
        guard let (start, isSix) = RTPHeader.network(frame, link),
            let (udp, source, target) = RTPHeader.transport(frame, start, isSix)
        else { return nil }
        // RFC 3550, section 5.1; payload types 64 to 95 are RTCP's with the marker bit (RFC 5761, section 4).
        let rtp = udp + 8
        guard rtp + 12 <= frame.count, frame[rtp] >> 6 == 2, !(64...95).contains(frame[rtp + 1] & 0x7f) else {
            return nil
        }
        payloadType = frame[rtp + 1] & 0x7f
        sequence = UInt16(RTPHeader.number(frame, rtp + 2, 2))
        timestamp = UInt32(RTPHeader.number(frame, rtp + 4, 4))
        ssrc = UInt32(RTPHeader.number(frame, rtp + 8, 4))
        count = frame.count - rtp
        self.source = "\(source):\(RTPHeader.number(frame, udp, 2))"
        self.target = "\(target):\(RTPHeader.number(frame, udp + 2, 2))"
    }

    private static func number(_ frame: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64 {
        frame[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Where the IP header begins, and whether it is of version 6.
    private static func network(_ frame: UnsafeRawBufferPointer, _ link: Int32) -> (Int, Bool)? {
        var start: Int
        switch link {
        case DLT_EN10MB:
            start = 14
            // Tags of VLANs (IEEE 802.1Q).
            while start + 4 <= frame.count, [0x8100, 0x88a8].contains(number(frame, start - 2, 2)) { start += 4 }
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
            number(frame, start + 6, 2) & 0x1fff == 0
        else { return nil }
        return (start + length, four(frame, start + 12), four(frame, start + 16))
    }

    private static func four(_ frame: UnsafeRawBufferPointer, _ start: Int) -> String {
        (0..<4).map { String(frame[start + $0]) }.joined(separator: ".")
    }

    private static func six(_ frame: UnsafeRawBufferPointer, _ start: Int) -> String {
        "[" + (0..<8).map { String(number(frame, start + 2 * $0, 2), radix: 16) }.joined(separator: ":") + "]"
    }
}
