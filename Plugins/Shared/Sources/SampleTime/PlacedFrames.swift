import Sluice

extension AudioFrame {
    /// `count` samples of silence in this frame's format, for a hole before it. Header times are left to the caller.
    public func silence(_ count: Int) -> AudioFrame {
        let frame = AudioFrame(format: format, sampleCount: count)
        frame.buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: frame.byteCount)
        return frame
    }

    /// A copy without its first `count` samples, of which it has more. Header times are left to the caller.
    public func dropping(_ count: Int) -> AudioFrame {
        let frame = AudioFrame(format: format, sampleCount: sampleCount - count)
        let skipped = count * layout.bytesPerSample
        frame.buffer.bytes.copyMemory(from: buffer.bytes + skipped, byteCount: frame.byteCount)
        return frame
    }
}
