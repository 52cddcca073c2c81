/// The descriptor in front of each VP8 payload (RFC 7741, section 4.2).
struct VP8Descriptor: Equatable {
    /// The payload begins with the first byte of a frame.
    var beginsFrame: Bool
    /// Where the frame's bytes begin in the payload, which has some.
    var size: Int

    /// nil where it is cut off or nothing follows it.
    init?(_ payload: UnsafeRawBufferPointer) {
        guard let first = payload.first else { return nil }
        beginsFrame = first & 0x10 != 0 && first & 0x07 == 0
        size = 1
        if first & 0x80 != 0 {
            guard payload.count > 1 else { return nil }
            let extras = payload[1]
            size = 2
            if extras & 0x80 != 0 {
                guard payload.count > size else { return nil }
                size += payload[size] & 0x80 != 0 ? 2 : 1
            }
            if extras & 0x40 != 0 { size += 1 }
            if extras & 0x30 != 0 { size += 1 }
        }
        guard size < payload.count else { return nil }
    }
}
