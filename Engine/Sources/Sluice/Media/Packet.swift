/// One unit of coded media as an encoder gave it: an access unit, an Opus packet. Followed by 64 zero bytes.
public final class Packet: MediaItem, @unchecked Sendable {
    public override class var possibleFormats: FormatSet { .codedAudio | .codedVideo }

    /// The memory of the bytes.
    @exclusivity(unchecked) public private(set) var buffer: MediaItem.Buffer

    /// A packet of `count` bytes, their contents undefined.
    public init(format: MediaFormat, count: Int) {
        buffer = MediaItem.Buffer(capacity: count)
        super.init(itemOf: format)
        byteCount = count
    }

    /// Foreign memory of `count` bytes from `buffer.bytes`; the owner guarantees 64 zero bytes behind it.
    public init(format: MediaFormat, buffer: MediaItem.Buffer, count: Int) {
        self.buffer = buffer
        super.init(itemOf: format)
        byteCount = count
    }

    /// Bytes of payload.
    public var count: Int { byteCount }
    /// The payload, in the form that the codec and its configuration tell. 64 zero bytes follow.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer.bytes, count: byteCount) }

    /// To be used only by the holder of the only reference, before it is sent.
    public var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: buffer.bytes, count: byteCount)
    }

    /// Makes this packet hold `count` bytes of `format`, keeping the memory where it suffices, and zeroes the padding.
    /// Only for the holder of the only reference.
    public func reset(format: MediaFormat, count: Int) {
        if count > buffer.capacity { buffer = MediaItem.Buffer(capacity: count + count / 4) }
        (buffer.bytes + count).initializeMemory(as: UInt8.self, repeating: 0, count: MediaItem.Buffer.padding)
        self.format = format
        header = MediaItem.Header()
        byteCount = count
    }
}
