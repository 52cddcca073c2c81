/// The uncompressed part at the head of a VP8 frame (RFC 6386, section 9.1).
public enum VP8Frame {
    /// False of no bytes.
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
