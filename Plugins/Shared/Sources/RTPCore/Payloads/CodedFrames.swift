/// What a packet of Opus says of its length (RFC 6716, section 3.1).
public enum OpusPacket {
    /// Samples of each channel at 48 kHz, at most 120 ms; nil if it is no Opus packet.
    public static func samples(_ packet: UnsafeRawBufferPointer) -> Int? {
        guard let table = packet.first else { return nil }
        let configuration = Int(table >> 3)
        let frame =
            switch configuration {
            case 0..<12: [480, 960, 1_920, 2_880][configuration % 4]
            case 12..<16: configuration % 2 == 0 ? 480 : 960
            default: 120 << (configuration % 4)
            }
        let frames: Int
        switch table & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard packet.count >= 2 else { return nil }
            frames = Int(packet[1] & 0x3f)
        }
        let total = frame * frames
        return total > 0 && total <= 5_760 ? total : nil
    }
}

/// The uncompressed part at the head of a VP8 frame (RFC 6386, section 9.1).
public enum VP8Frame {
    public static func isKeyframe(_ frame: UnsafeRawBufferPointer) -> Bool { !frame.isEmpty && frame[0] & 1 == 0 }

    /// Of a keyframe; nil for other frames and where the start code is missing.
    public static func size(_ frame: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard isKeyframe(frame), frame.count >= 10, frame[3] == 0x9d, frame[4] == 0x01, frame[5] == 0x2a else {
            return nil
        }
        // 14 bits each, little endian; the upper two tell how to scale what is shown.
        let width = (Int(frame[6]) | Int(frame[7]) << 8) & 0x3fff
        let height = (Int(frame[8]) | Int(frame[9]) << 8) & 0x3fff
        return width > 0 && height > 0 ? (width, height) : nil
    }
}
