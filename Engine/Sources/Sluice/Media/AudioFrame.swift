/// Interleaved PCM. The format's sample format, rate and channels say how to read it.
public final class AudioFrame: MediaItem, @unchecked Sendable {
    public override class var possibleFormats: FormatSet { .rawAudio }

    /// The memory of the samples.
    @exclusivity(unchecked) public private(set) var buffer: MediaItem.Buffer
    /// Samples of each channel.
    @exclusivity(unchecked) public private(set) var sampleCount: Int

    /// A frame with room for `sampleCount` samples, its contents undefined.
    public init(format: MediaFormat, sampleCount: Int) {
        let bytes = sampleCount * (format.audio?.bytesPerSample ?? 0)
        buffer = MediaItem.Buffer(capacity: bytes)
        self.sampleCount = sampleCount
        super.init(itemOf: format)
        byteCount = bytes
    }

    /// Samples that are in `buffer` already; it holds at least `sampleCount` of each channel.
    public init(format: MediaFormat, sampleCount: Int, buffer: MediaItem.Buffer) {
        self.buffer = buffer
        self.sampleCount = sampleCount
        super.init(itemOf: format)
        byteCount = sampleCount * (format.audio?.bytesPerSample ?? 0)
    }

    /// Rate, channels and sample format.
    public var layout: AudioLayout { format.audio! }
    /// The samples, channels interleaved, in the machine's byte order.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer.bytes, count: byteCount) }

    /// To be used only by the holder of the only reference, before it is sent.
    public var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: buffer.bytes, count: byteCount)
    }

    /// The samples of an `s16` frame, channels interleaved. Writing is as for `mutableBytes`.
    public var s16: UnsafeMutableBufferPointer<Int16> { mutableBytes.bindMemory(to: Int16.self) }
    /// The samples of an `f32` frame, channels interleaved, full scale ±1. Writing is as for `mutableBytes`.
    public var f32: UnsafeMutableBufferPointer<Float> { mutableBytes.bindMemory(to: Float.self) }

    /// The duration that the sample count tells, exact for every rate that divides the tick.
    public var sampleDuration: MediaTime { MediaTime(Int64(sampleCount), timescale: Int64(layout.rate)) }

    /// Makes this frame hold `count` samples of `format`, keeping the memory where it suffices. Only for the holder of
    /// the only reference.
    public func reset(format: MediaFormat, sampleCount count: Int) {
        let bytes = count * (format.audio?.bytesPerSample ?? 0)
        if bytes > buffer.capacity { buffer = MediaItem.Buffer(capacity: bytes) }
        self.format = format
        sampleCount = count
        header = MediaItem.Header()
        byteCount = bytes
    }

    /// A copy in memory of its own, with the same header.
    public func copy() -> AudioFrame {
        let other = AudioFrame(format: format, sampleCount: sampleCount)
        other.buffer.bytes.copyMemory(from: buffer.bytes, byteCount: byteCount)
        other.header = header
        return other
    }
}
