/// Hears speech in windows of 512 samples, mono at 16 kHz. One thread at a time.
protocol VoiceDetector: AnyObject {
    /// 0...1. Throws where it cannot compute.
    func probability(of window: UnsafeBufferPointer<Float>) throws -> Float
    /// Forgets what it has heard.
    func reset()
}
