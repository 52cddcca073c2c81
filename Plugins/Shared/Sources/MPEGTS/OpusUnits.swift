/// The Opus packets of one PES packet: each has a control header before it that says its size
/// ("Encapsulation of Opus in MPEG-2 TS", draft 0.1.3 at opus-codec.org, which libavformat and GStreamer follow).
///
/// Calls `body` with each packet's bytes; false where the bytes are something else.
func forEachOpusUnit(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
    var index = 0
    while index < bytes.count {
        // Eleven bits 0x3ff, then whether trims and an extension follow.
        guard index + 2 <= bytes.count, bytes[index] == 0x7f, bytes[index + 1] & 0xe0 == 0xe0 else { return false }
        let flags = bytes[index + 1]
        index += 2
        var size = 0
        while true {
            guard index < bytes.count else { return false }
            let byte = bytes[index]
            index += 1
            size += Int(byte)
            if byte != 0xff { break }
        }
        if flags & 0x10 != 0 { index += 2 }
        if flags & 0x08 != 0 { index += 2 }
        if flags & 0x04 != 0 {
            guard index < bytes.count else { return false }
            index += 1 + Int(bytes[index])
        }
        guard index + size <= bytes.count else { return false }
        if size > 0 { body(UnsafeRawBufferPointer(rebasing: bytes[index..<index + size])) }
        index += size
    }
    return true
}
