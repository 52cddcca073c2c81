import Sluice

extension RTPHeader {
    /// Calls `body` with the number and the bytes of each header extension of an RTP packet that `parse` takes, in the
    /// short or the long form (RFC 8285, sections 4.2 and 4.3). An extension that is cut off, or of another profile, is
    /// passed over.
    public static func forEachExtension(
        of packet: UnsafeRawBufferPointer, _ body: (_ id: UInt8, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        guard packet.count >= size, packet[0] & 0x10 != 0 else { return }
        let start = size + 4 * Int(packet[0] & 0x0f)
        guard start + 4 <= packet.count else { return }
        let profile = packet.big16(start)
        let end = min(packet.count, start + 4 + 4 * Int(packet.big16(start + 2)))
        let isShort = profile == ExtensionLayout.shortProfile
        guard isShort || profile & 0xfff0 == ExtensionLayout.longProfile else { return }
        var at = start + 4
        while at < end {
            let first = packet[at]
            // A zero byte fills up, without a length behind it.
            if isShort ? first >> 4 == 0 : first == 0 {
                at += 1
                continue
            }
            let id = isShort ? first >> 4 : first
            // 15 ends the short form: nothing behind it can be read.
            if isShort && id == 15 { return }
            guard isShort || at + 1 < end else { return }
            let count = isShort ? Int(first & 15) + 1 : Int(packet[at + 1])
            at += isShort ? 1 : 2
            guard at + count <= end else { return }
            body(id, packet.part(at..<at + count))
            at += count
        }
    }
}

/// How loud a sender says that the media of a packet are (RFC 6464).
public struct AudioLevel: Equatable, Sendable {
    /// From −127, which is silence, to 0, the loudest that there is.
    public var dBov: Int
    /// The sender takes it for speech.
    public var isSpeech: Bool
    /// When the packet came.
    public var arrival: Instant
}

/// Values of the extensions that are read and written here. Each reader gives nil for bytes that are no such value.
public enum ExtensionValue {
    /// Level in −dBov, 0 to 127, and whether it is speech (RFC 6464, section 3).
    public static func audioLevel(_ bytes: UnsafeRawBufferPointer) -> (level: Int, isSpeech: Bool)? {
        bytes.first.map { (Int($0 & 0x7f), $0 & 0x80 != 0) }
    }

    /// Of all packets of a transport.
    public static func transportSequence(_ bytes: UnsafeRawBufferPointer) -> UInt16? {
        bytes.count >= 2 ? bytes.big16(0) : nil
    }

    /// Seconds in 6.18 fixed point, the middle of the sender's NTP time: it wraps each 64 s.
    public static func absoluteSendTime(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        guard bytes.count == 3 else { return nil }
        return UInt32(bytes[0]) << 16 | UInt32(bytes[1]) << 8 | UInt32(bytes[2])
    }

    /// Of a packet that is sent at `ntp`: 24 bits.
    public static func absoluteSendTime(at ntp: NTPTime) -> UInt32 {
        UInt32(truncatingIfNeeded: ntp.bits >> 14) & 0xff_ffff
    }

    /// Of a packet that is sent `now`: 24 bits. Receivers compare such times with each other alone, so any clock
    /// serves.
    public static func absoluteSendTime(at now: Instant) -> UInt32 {
        let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(truncatingIfNeeded: seconds << 18 &+ (rest << 18) / 1_000_000_000) & 0xff_ffff
    }

    /// When the first sample of the packet's media was captured, by the sender's wall clock.
    public static func captureTime(_ bytes: UnsafeRawBufferPointer) -> NTPTime? {
        bytes.count == 8 || bytes.count == 16 ? NTPTime(bits: bytes.big64(0)) : nil
    }

    /// Text of 1 to 255 bytes: a media or stream id.
    public static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        bytes.isEmpty ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// The least and the most delay that the receiver may add, in ms, in steps of 10.
    public static func playoutDelay(_ bytes: UnsafeRawBufferPointer) -> (min: Int, max: Int)? {
        guard let word = absoluteSendTime(bytes) else { return nil }
        return (Int(word >> 12) * 10, Int(word & 0xfff) * 10)
    }
}
